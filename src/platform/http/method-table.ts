interface Routed {
  method: string;
  path: string;
}

/** Which methods each path takes, so that a wrong one can be told from a wrong path. */
export interface MethodTable {
  /** Learns the router's routes, once all of them are there. */
  fill(routes: readonly Routed[]): void;
  /** For `Allow`, in a fixed order; empty for a path that no route has. */
  allowedAt(path: string): string[];
}

export function createMethodTable(): MethodTable {
  const table = new Map<string, { segments: string[]; methods: Set<string> }>();
  return {
    fill(routes) {
      for (const { method, path } of routes) {
        const segments = segmentsOf(path);
        const entry = table.get(segments.join("/")) ?? { segments, methods: new Set() };
        // A socket is asked for with GET; whoever is answered on GET is answered on HEAD, sockets apart.
        entry.methods.add(method === "WS" ? "GET" : method);
        if (method === "GET") entry.methods.add("HEAD");
        table.set(segments.join("/"), entry);
      }
    },
    allowedAt(path) {
      const asked = segmentsOf(path);
      const matching = [...table.values()].filter(({ segments }) => matches(segments, asked));
      if (matching.length === 0) return [];
      return [...new Set([...matching.flatMap(({ methods }) => [...methods]), "OPTIONS"])].sort();
    },
  };
}

/** A slash at the end makes no difference, as for the router. */
function segmentsOf(path: string): string[] {
  return path.replace(/\/$/, "").split("/");
}

function matches(route: readonly string[], asked: readonly string[]): boolean {
  if (route.length !== asked.length) return false;
  return route.every((part, place) => (part.startsWith(":") ? asked[place] !== "" : part === asked[place]));
}
