import { describeApi } from "../../src/commands/openapi.ts";
import type { TestApp } from "./app.ts";
import { schemaFaults } from "./json-schema.ts";

type Node = Record<string, unknown>;

let known: Node | undefined;

/** The API's description, as plain JSON. */
export function openApiDocument(): Node {
  known ??= JSON.parse(JSON.stringify(describeApi())) as Node;
  return known;
}

/** A route as clients see it; `path` is the template of the description, such as `/api/v1/generations/{id}`. */
export interface Operation {
  method: string;
  path: string;
}

/**
 * Throws unless the answer is one that the description promises for this operation: its status, content type, headers
 * and body. The answer itself is left unread.
 */
export async function checkAnswer(response: Response, { method, path }: Operation): Promise<void> {
  const name = `${method} ${path} answered ${response.status}`;
  const operation = at(openApiDocument(), "paths", path, method.toLowerCase());
  if (!operation) throw new Error(`${method} ${path} is not described`);
  const promised = at(operation, "responses", String(response.status));
  if (!promised) throw new Error(`${name}, which is not described: ${await response.clone().text()}`);
  checkHeaders(name, response, resolved(promised));
  const contents = resolved(promised).content as Node | undefined;
  if (contents === undefined) {
    const text = await response.clone().text();
    if (text !== "") throw new Error(`${name} with a body, though none is described: ${text}`);
    return;
  }
  const type = (response.headers.get("content-type") ?? "").split(";")[0] ?? "";
  const content = contents[type] as Node | undefined;
  if (!content) throw new Error(`${name} with ${type || "no content type"}; described is ${Object.keys(contents)}`);
  if (!/[/+]json$/.test(type)) return;
  const body: unknown = await response.clone().json();
  const faults = schemaFaults(body, (content.schema ?? {}) as Node, referenceOf);
  if (faults.length > 0) throw new Error(`${name} with a body unlike its description:\n  ${faults.join("\n  ")}`);
}

/** The described operation that a request belongs to; null where none is, as for an address that does not exist. */
export function operationOf(method: string, pathname: string): Operation | null {
  const wanted = pathname.length > 1 ? pathname.replace(/\/$/, "") : pathname;
  for (const [path, methods] of Object.entries(openApiDocument().paths as Node)) {
    const pattern = new RegExp(`^${path.replace(/\{[^}]+\}/g, "[^/]+")}$`);
    if (pattern.test(wanted) && method.toLowerCase() in (methods as Node)) return { method, path };
  }
  return null;
}

/** Makes the app check each of its answers by the description. */
export function checkingAnswers<App extends Pick<TestApp, "request">>(app: App): App {
  const { request } = app;
  app.request = async (path, options = {}) => {
    const response = await request(path, options);
    const { pathname } = new URL(path, "http://localhost");
    const operation = operationOf(options.method ?? "GET", wholePath(pathname));
    if (operation) await checkAnswer(response, operation);
    return response;
  };
  return app;
}

function wholePath(pathname: string): string {
  return /^\/(api|health)\//.test(pathname) ? pathname : `/api/v1${pathname}`;
}

/** Headers that every such answer has. The others depend on the case. */
const ALWAYS = ["X-Request-Id", "WWW-Authenticate", "Content-Disposition"];

function checkHeaders(name: string, response: Response, promised: Node): void {
  for (const [header, described] of Object.entries((promised.headers ?? {}) as Node)) {
    const value = response.headers.get(header);
    if (value === null) {
      if (ALWAYS.includes(header)) throw new Error(`${name} without ${header}`);
      continue;
    }
    const { schema } = resolved(described as Node) as { schema: Node };
    const faults = schemaFaults(schema.type === "integer" ? Number(value) : value, schema, referenceOf);
    if (faults.length > 0) throw new Error(`${name} with a strange ${header}: ${value}`);
  }
}

function resolved(node: Node): Node {
  return typeof node.$ref === "string" ? referenceOf(node.$ref) : node;
}

/** What a `$ref` of the description points to. Throws where that is nothing. */
export function referenceOf(pointer: string): Node {
  const found = at(openApiDocument(), ...pointer.replace(/^#\//, "").split("/"));
  if (!found) throw new Error(`${pointer} points to nothing`);
  return found;
}

function at(node: Node, ...names: string[]): Node | undefined {
  return names.reduce<unknown>((inner, name) => (inner as Node | undefined)?.[name], node) as Node | undefined;
}
