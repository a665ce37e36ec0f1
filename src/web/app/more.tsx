import { addressOf } from "../kit/route.ts";
import { useBalance } from "./balance.ts";
import { useMe } from "./entry.ts";
import { ForwardIcon } from "./icons.tsx";
import { allScreens } from "./screen.ts";
import { shellWords } from "./words-shell.ts";

/** What has no tab of its own, below whoever it belongs to. */
export function More() {
  const { first_name: first, last_name: last, username } = useMe();
  const name = [first, last].filter((part) => part !== null && part !== "").join(" ");
  return (
    <>
      <h1>{shellWords("more")}</h1>
      <div class="person">
        <span class="person-letter" aria-hidden="true">
          {[...name][0] ?? "@"}
        </span>
        <div class="person-about">
          <b class="person-name">{name}</b>
          {username !== null && <p class="quiet">@{username}</p>}
          <Holdings />
        </div>
      </div>
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

/** In the size that it will have, so that nothing below it jumps. */
function Holdings() {
  const { value } = useBalance();
  if (value === null) return <p class="quiet">{"\u00a0"}</p>;
  const freeLeft = Math.max(0, value.free_actions.limit - value.free_actions.used);
  const parts = [
    shellWords("credits", { count: value.credits }),
    ...(freeLeft > 0 ? [shellWords("free_actions_left", { count: freeLeft })] : []),
  ];
  return <p class="quiet">{parts.join(" · ")}</p>;
}
