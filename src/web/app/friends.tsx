import { Button } from "@telegram-apps/telegram-ui";
import { useEffect, useRef, useState } from "preact/hooks";
import { type AnswerOf, answerOf, api } from "../kit/api.ts";
import { usePages } from "../kit/loading.ts";
import { Nothing, Waiting } from "../kit/states.tsx";
import { copyText } from "./clipboard.ts";
import { inSandbox } from "./entry.ts";
import { dayOf } from "./format.ts";
import { feel } from "./haptics.ts";
import { CopyIcon, FriendsIcon } from "./icons-more.tsx";
import { openTelegramLink, sharingAddress } from "./links.ts";
import { useLive } from "./live.ts";
import { MainButton } from "./main-button.tsx";
import { MorePages } from "./more-pages.tsx";
import { Notice } from "./notice.tsx";
import { addressAs, SANDBOX_PEOPLE, sandboxPersonId } from "./sandbox-person.ts";
import type { Screen } from "./screen.ts";
import { useWhenSeen } from "./seen.ts";
import { toast } from "./toast.tsx";
import { friendWords } from "./words-friends.ts";

export const friendsScreen: Screen = {
  section: "friends",
  title: () => friendWords("title"),
  found: "more",
  icon: FriendsIcon,
  draw: () => <Friends />,
};

type Referrals = AnswerOf<typeof api.referrals.get>;
type Referral = Referrals["items"][number];

/** The invitation link, and what it brought; who came stays their own business. */
function Friends() {
  const [sums, setSums] = useState<Referrals | null>(null);
  const pages = usePages(async (cursor) => {
    const page = await answerOf(api.referrals.get({ query: cursor === undefined ? {} : { cursor } }));
    if (cursor === undefined) setSums(page);
    return page;
  }, []);
  // A friend who has only come changes no balance, so nothing is told of it; whoever looks again sees it.
  useWhenSeen(pages.reload);
  useLive(({ type }) => {
    if (type === "hello" || type === "balance.changed") pages.reload();
  });
  usePraise(sums?.credits_earned);
  return (
    <>
      <h1>{friendWords("title")}</h1>
      {pages.failure && <Notice failure={pages.failure} again={pages.reload} />}
      {sums === null ? pages.failure === null && <Waiting /> : <Invitation of={sums} />}
      {sums !== null && pages.value !== null && (
        <>
          <h2>{friendWords("who_came")}</h2>
          {pages.value.length === 0 && <Nothing text={friendWords("nobody")} />}
          {pages.value.length > 0 && (
            <ul class="rows">
              {pages.value.map((one) => (
                <Friend key={one.id} of={one} on={sums.reward.on} />
              ))}
            </ul>
          )}
          <MorePages of={pages} />
          {inSandbox.read() && <SandboxGuests code={sums.code} />}
          {sums.link !== null && <Share link={sums.link} />}
        </>
      )}
    </>
  );
}

function Invitation({ of: { code, link, reward, invited, rewarded, credits_earned: earned } }: { of: Referrals }) {
  const copy = async (text: string) => {
    if (!(await copyText(text))) return toast(friendWords("copy_by_hand"), "bad");
    feel("success");
    toast(friendWords("copied"));
  };
  return (
    <>
      <p class="friends-promise">
        {reward.credits === 0
          ? friendWords("no_reward")
          : `${friendWords(`promise_${reward.on}`, { count: reward.credits })} ${friendWords("stays")}`}
      </p>
      <dl class="friends-sums">
        <Sum name={friendWords("invited", { count: invited })} value={invited} />
        <Sum name={friendWords("rewarded")} value={rewarded} />
        <Sum name={friendWords("earned", { count: earned })} value={earned} />
      </dl>
      {link === null ? (
        <>
          <p>{friendWords("no_link")}</p>
          <p class="friends-link">
            <small>{friendWords("your_code")}</small>
            <span>{code}</span>
          </p>
        </>
      ) : (
        <div class="friends-link">
          <small>{friendWords("your_link")}</small>
          <span class="friends-address">{link}</span>
          <Button size="m" mode="bezeled" before={<CopyIcon />} onClick={() => copy(link)}>
            {friendWords("copy")}
          </Button>
        </div>
      )}
    </>
  );
}

function Sum({ name, value }: { name: string; value: number }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function Share({ link }: { link: string }) {
  return (
    <MainButton
      text={friendWords("invite")}
      onPress={() => {
        feel("tap");
        openTelegramLink(sharingAddress(link, friendWords("share_text")));
      }}
    />
  );
}

function Friend({ of: friend, on }: { of: Referral; on: Referrals["reward"]["on"] }) {
  return (
    <li>
      <div class="row">
        <span class="row-text">
          {friendWords("a_friend", { when: dayOf(friend.created_at) })}
          <br />
          <span class="quiet">{stateOf(friend, on)}</span>
        </span>
        {friend.credits > 0 && <b>{friendWords("plus", { count: friend.credits })}</b>}
      </div>
    </li>
  );
}

function stateOf({ state, decline_reason: reason }: Referral, on: Referrals["reward"]["on"]): string {
  if (state === "waiting") return friendWords(`waiting_${on}`);
  if (state === "declined") return friendWords(`declined_${reason ?? "inviter_banned"}`);
  return friendWords(`state_${state}`);
}

/** Says it when a reward comes in while somebody looks. */
function usePraise(earned: number | undefined): void {
  const before = useRef(earned);
  useEffect(() => {
    const more = (earned ?? 0) - (before.current ?? earned ?? 0);
    before.current = earned;
    if (more <= 0) return;
    feel("success");
    toast(friendWords("arrived", { count: more }));
  }, [earned]);
}

/** Telegram's own links do not lead into a sandbox: its other people open the invitation from here. */
function SandboxGuests({ code }: { code: string }) {
  return (
    <section class="sandbox-note" aria-label={friendWords("sandbox_open")}>
      <p>SANDBOX · {friendWords("sandbox_open")}</p>
      <div class="sandbox-links">
        {SANDBOX_PEOPLE.filter(({ id }) => id !== sandboxPersonId()).map(({ id, name }) => (
          <a key={id} class="chip" href={addressAs(id, `ref_${code}`)} target="_blank" rel="noopener">
            {name}
          </a>
        ))}
      </div>
    </section>
  );
}
