import { createStore } from "./store.ts";

/** Where in a page somebody is: `#/people/<id>`. The fragment never reaches a server or its log. */
export interface Place {
  section: string;
  /** The thing of that section that is looked at. */
  id: string | null;
}

export const place = createStore<Place>(readPlace());

addEventListener("hashchange", () => place.write(readPlace()));

export const addressOf = (section: string, id?: string): string =>
  `#/${section}${id === undefined ? "" : `/${encodeURIComponent(id)}`}`;

/**
 * The value of `#<name>=...`, taken out of the address bar and of the history at once: what stands there is a secret that
 * works once.
 */
export function takeFromAddress(name: string): string | null {
  const value = new URLSearchParams(location.hash.slice(1)).get(name);
  if (value !== null) {
    history.replaceState(null, "", location.pathname);
    place.write(readPlace());
  }
  return value;
}

function readPlace(): Place {
  const [, section = "", id] = /^#\/([a-z-]*)(?:\/(.+))?$/.exec(location.hash) ?? [];
  try {
    return { section, id: id === undefined ? null : decodeURIComponent(id) };
  } catch {
    return { section, id: null };
  }
}
