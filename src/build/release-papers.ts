import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { dependencies, version } from "../../package.json";
import { libvipsVersion } from "./sharp-plugin.ts";
import { hostTarget, type ReleaseTarget } from "./targets.ts";

/** What lies beside the files of a release: how to take one, and under which licences its parts are. */

/** Not among the dependencies of the program, because the build turns them into its own bytes. */
const EMBEDDED = ["swagger-ui-dist", "dejavu-fonts-ttf"];
const LICENCE_FILE = /^(licen[cs]e|copying|notice)/i;

/** How an operator chooses, checks and starts a file. */
export function readmeText(releases: readonly ReleaseTarget[]): string {
  const files = releases.map((one) => `  atelier-${version}-${one.name.padEnd(18)}${forWhom(one)}`);
  return `atelier ${version}

${files.join("\n")}

Not sure? \`uname -m\` says x86_64 (x64) or aarch64 (arm64); only Alpine and its like need -musl.

  sha256sum --check --ignore-missing SHA256SUMS
  sudo install -m 0755 atelier-${version}-linux-x64 /usr/local/bin/atelier
  atelier version
  atelier demo          # a whole order with made-up providers: no account, no key
  atelier doctor        # what a real server still lacks

The operator's guide, the unit files and the proxies' configuration stand in docs/operations/ of the source.
LICENCES.txt tells whose work is inside. atelier itself is under the MIT licence.
`;
}

function forWhom({ machine }: ReleaseTarget): string {
  const processor = machine.cpu === "x64" ? "x86-64 (v2: since about 2009)" : "ARM 64 bit";
  const system =
    machine.libc === "musl" ? "musl 1.2.5 with libstdc++: Alpine 3.20" : "glibc 2.28: Debian 10, Ubuntu 20.04, RHEL 8";
  return `${processor}, ${system}, or newer`;
}

/** The licence of everything that is inside the files. */
export function licencesText(projectFolder: string): string {
  const text = (path: string) => readFileSync(join(projectFolder, path), "utf8").trim();
  const packages = [...closureOf([...Object.keys(dependencies), ...EMBEDDED], projectFolder)];
  const sections = packages.toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([, folder]) => section(folder));
  return [
    part("atelier", text("LICENSE")),
    part(
      `Bun ${Bun.version}`,
      "MIT, https://bun.com/docs/project/licensing. It links JavaScriptCore and other parts of WebKit (LGPL-2.1), whose source\n" +
        "and way to be relinked that page names, and further libraries listed there.",
    ),
    part(
      `libvips ${libvipsVersion(hostTarget(), projectFolder)}`,
      "LGPL-3.0-or-later. A shared library of its own, as https://github.com/lovell/sharp-libvips builds it, with the libraries\n" +
        "that its notice lists. It is unpacked into the cache folder and loaded from there; the text of the licence stands below.",
    ),
    ...sections,
    part("GNU Lesser General Public License, version 3", text("docs/licences/LGPL-3.0.txt")),
    part("GNU General Public License, version 3", text("docs/licences/GPL-3.0.txt")),
  ].join("\n");
}

interface PackageFile {
  name: string;
  version: string;
  license?: unknown;
  dependencies?: Readonly<Record<string, string>>;
}

function readPackage(folder: string): PackageFile {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as PackageFile;
}

/** The packages and all that they need, each once, by name and version. */
function closureOf(names: readonly string[], projectFolder: string): Map<string, string> {
  const found = new Map<string, string>();
  const open = names.map((name) => folderOf(name, projectFolder));
  for (let folder = open.pop(); folder !== undefined; folder = open.pop()) {
    const { name, version, dependencies: needed = {} } = readPackage(folder);
    if (found.has(`${name}@${version}`)) continue;
    found.set(`${name}@${version}`, folder);
    for (const other of Object.keys(needed)) open.push(folderOf(other, folder));
  }
  return found;
}

/** Where the package lies that code in `from` gets by this name. */
function folderOf(name: string, from: string): string {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, "node_modules", name);
    if (existsSync(join(candidate, "package.json"))) return candidate;
    if (dirname(folder) === folder) throw new Error(`${name} is not installed, so its licence is not known`);
  }
}

function section(folder: string): string {
  const { name, version, license } = readPackage(folder);
  const files = readdirSync(folder).filter((file) => LICENCE_FILE.test(file));
  const texts = files.toSorted().map((file) => readFileSync(join(folder, file), "utf8").trim());
  return part(
    `${name} ${version} (${licenceName(license)})`,
    texts.join("\n\n") || "The package brings no text of its own.",
  );
}

/** Old packages write an object. */
function licenceName(license: unknown): string {
  if (typeof license === "string") return license;
  const { type } = (license ?? {}) as { type?: unknown };
  return typeof type === "string" ? type : "see its text";
}

function part(title: string, text: string): string {
  return `${"=".repeat(78)}\n${title}\n${"=".repeat(78)}\n\n${text.replaceAll("\r\n", "\n")}\n`;
}
