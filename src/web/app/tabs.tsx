import type { ComponentType } from "preact";
import { addressOf } from "../kit/route.ts";
import { feel } from "./haptics.ts";
import { MoreIcon } from "./icons.tsx";
import { MORE } from "./navigation.ts";
import { allScreens } from "./screen.ts";
import { shellWords } from "./words-shell.ts";

interface Tab {
  section: string;
  title: () => string;
  icon: ComponentType;
}

/** What the bar below shows: only places that are there. */
export function tabs(): readonly Tab[] {
  const screens = allScreens();
  const more = { section: MORE, title: () => shellWords("more"), icon: MoreIcon };
  return [
    ...screens.filter(({ found }) => found === "tab"),
    ...(screens.some(({ found }) => found === "more") ? [more] : []),
  ];
}

/** The tab under which a section lies; a section that is only reached from others lies under none. */
export function tabOf(section: string): string | null {
  const screen = allScreens().find((one) => one.section === section);
  if (screen?.found === "more") return MORE;
  return screen?.found === "inside" ? null : section;
}

export function Tabs({ current }: { current: string }) {
  const selected = tabOf(current);
  return (
    <nav class="tabs" aria-label={shellWords("sections")}>
      {tabs().map(({ section, title, icon: Icon }) => (
        <a
          key={section}
          href={addressOf(section)}
          class={section === selected ? "tab tab-on" : "tab"}
          aria-current={section === selected ? "page" : undefined}
          onClick={() => feel("select")}
        >
          <Icon />
          <span>{title()}</span>
        </a>
      ))}
    </nav>
  );
}
