import { addressOf } from "../kit/route.ts";
import { ForwardIcon } from "./icons.tsx";
import { allScreens } from "./screen.ts";
import { shellWords } from "./words-shell.ts";

/** What has no tab of its own. */
export function More() {
  return (
    <>
      <h1>{shellWords("more")}</h1>
      <ul class="rows">
        {allScreens()
          .filter(({ found }) => found === "more")
          .map(({ section, title, icon: Icon }) => (
            <li key={section}>
              <a class="row" href={addressOf(section)}>
                <Icon />
                <span class="row-text">{title()}</span>
                <ForwardIcon />
              </a>
            </li>
          ))}
      </ul>
    </>
  );
}
