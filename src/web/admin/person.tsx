import { Button } from "@telegram-apps/telegram-ui";
import { useState } from "preact/hooks";
import { type AnswerOf, answerOf, api } from "../kit/api.ts";
import { money, number } from "../kit/format.ts";
import { usePages } from "../kit/loading.ts";
import { addressOf } from "../kit/route.ts";
import { WhenLoaded } from "../kit/states.tsx";
import { PagedTable, Table } from "../kit/table.tsx";
import { mayAct } from "./entry.ts";
import { useLive } from "./live.ts";
import { Facts, Head, Mark, nameOf, Tiles, When } from "./parts.tsx";
import { PersonState } from "./people.tsx";
import { type PersonDeed, PersonDeeds } from "./person-deeds.tsx";
import { words } from "./words.ts";
import { told } from "./words-codes.ts";

type Card = AnswerOf<ReturnType<typeof api.admin.people>["get"]>;

/** Everything about one person, and what an operator may do about them. */
export function Person({ id }: { id: string }) {
  const card = useLive(() => answerOf(api.admin.people({ id }).get()), [id], "payments", "audit");
  const [deed, setDeed] = useState<PersonDeed | null>(null);
  const [done, setDone] = useState<string | null>(null);
  const begin = (next: PersonDeed) => {
    setDone(null);
    setDeed(next);
  };
  return (
    <WhenLoaded of={card}>
      {(value) => (
        <>
          <Head title={nameOf(value.person)}>
            {mayAct("support") && value.person.erased_at === null && <DeedButtons card={value} begin={begin} />}
          </Head>
          {done && (
            <p class="done" role="status">
              {done}
            </p>
          )}
          <PersonFacts card={value} />
          <h2>{words("grants")}</h2>
          <Grants card={value} />
          <h2>{words("journal")}</h2>
          <Journal key={`${id} ${value.person.credits} ${value.person.reserved}`} id={id} />
          {deed && (
            <PersonDeeds
              deed={deed}
              id={id}
              onClose={() => setDeed(null)}
              onDone={(sentence) => {
                setDeed(null);
                setDone(sentence);
                card.reload();
              }}
            />
          )}
        </>
      )}
    </WhenLoaded>
  );
}

function DeedButtons({ card, begin }: { card: Card; begin: (deed: PersonDeed) => void }) {
  const isBanned = card.person.banned_at !== null;
  return (
    <>
      <Button size="s" onClick={() => begin("grant")}>
        {words("grant")}
      </Button>
      <Button size="s" mode="bezeled" onClick={() => begin("message")}>
        {words("message")}
      </Button>
      <Button size="s" mode="bezeled" onClick={() => begin("logout")}>
        {words("logout_person")}
      </Button>
      <Button size="s" mode="bezeled" onClick={() => begin(isBanned ? "unban" : "ban")}>
        {words(isBanned ? "unban" : "ban")}
      </Button>
    </>
  );
}

function PersonFacts({ card }: { card: Card }) {
  const { person, subscription, free_actions: free } = card;
  return (
    <>
      <Tiles
        tiles={[
          [words("credits"), number(person.credits)],
          [words("reserved"), number(person.reserved)],
          [words("free_actions"), `${number(free.used)} / ${number(free.limit)}`],
          [words("invited"), number(card.invited.people)],
        ]}
      />
      <Facts
        rows={[
          [words("state"), <PersonState key="state" person={person} />],
          [words("ban_reason"), card.ban_reason],
          [words("role"), card.role],
          [words("username"), person.username && `@${person.username}`],
          ["Telegram", person.telegram_id],
          ["ID", <code key="id">{person.id}</code>],
          [words("language"), told(person.language)],
          [words("since"), <When key="since" at={person.created_at} />],
          [words("write_state"), told(card.write_state)],
          [words("assistant_tokens"), number(card.assistant_tokens)],
          [words("sessions"), number(card.sessions.length)],
          [
            words("plan"),
            subscription && (
              <>
                {subscription.type} · {money(subscription.amount_kopecks)} · {words("until")}{" "}
                <When at={subscription.ends_at} />{" "}
                <Mark tone={subscription.auto_renew ? "good" : "quiet"}>
                  {words(subscription.auto_renew ? "renews" : "renews_not")}
                </Mark>
              </>
            ),
          ],
          [
            words("next_expiry"),
            card.next_expiry && (
              <>
                {number(card.next_expiry.credits)} · <When at={card.next_expiry.at} />
              </>
            ),
          ],
          [
            words("payments"),
            <a key="payments" href={addressOf("payments", `of:${person.id}`)}>
              {words("show")}
            </a>,
          ],
        ]}
      />
    </>
  );
}

function Grants({ card }: { card: Card }) {
  return (
    <Table
      label={words("grants")}
      empty={words("grants_none")}
      rows={card.grants}
      keyOf={(row) => row.id}
      columns={[
        { title: words("kind"), cell: (row) => told(row.kind) },
        { title: words("source"), cell: (row) => row.source },
        {
          title: words("credits"),
          cell: (row) => `${number(row.credits_left)} / ${number(row.credits)}`,
          isNumber: true,
        },
        { title: words("expires"), cell: (row) => <When at={row.expires_at} /> },
        { title: words("created"), cell: (row) => <When at={row.created_at} /> },
      ]}
    />
  );
}

function Journal({ id }: { id: string }) {
  const pages = usePages(
    (cursor) => answerOf(api.admin.people({ id }).entries.get({ query: cursor === undefined ? {} : { cursor } })),
    [id],
  );
  return (
    <PagedTable
      label={words("journal")}
      pages={pages}
      keyOf={(row) => row.id}
      columns={[
        { title: words("created"), cell: (row) => <When at={row.created_at} /> },
        { title: words("kind"), cell: (row) => told(row.kind) },
        { title: words("action"), cell: (row) => told(row.action) },
        { title: words("cause"), cell: (row) => row.cause },
        { title: words("credits"), cell: (row) => signed(row.credits), isNumber: true },
        { title: words("reserved"), cell: (row) => signed(row.reserved), isNumber: true },
      ]}
    />
  );
}

const signed = (value: number): string => (value > 0 ? `+${number(value)}` : number(value));
