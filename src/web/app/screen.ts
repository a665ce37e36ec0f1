import type { ComponentChildren, ComponentType } from "preact";

/** A place of the app. `screens.ts` lists them; the address `#/<section>/<id>` leads there. */
export interface Screen {
  /** Lower-case letters and dashes. */
  section: string;
  /** Its name, in the language of the moment. */
  title: () => string;
  /** How people find it: in the bar below, in the list of "More", or from other screens only. */
  found: "tab" | "more" | "inside";
  icon: ComponentType;
  /** `id` is the thing that is looked at; null is the section itself. */
  draw: (id: string | null) => ComponentChildren;
}

let registered: readonly Screen[] = [];

/** Once, before the page is drawn. */
export function registerScreens(screens: readonly Screen[]): void {
  registered = screens;
}

export const allScreens = (): readonly Screen[] => registered;

/** Whether a place exists, for what leads there. */
export const hasScreen = (section: string): boolean => registered.some((screen) => screen.section === section);
