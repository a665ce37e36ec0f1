import { Button } from "@telegram-apps/telegram-ui";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { addressOf, type Place, place } from "../kit/route.ts";
import { signedIn } from "../kit/session.ts";
import { Failure, Waiting } from "../kit/states.tsx";
import { chooseLanguage, language } from "../kit/words.ts";
import { Audit } from "./audit.tsx";
import { Broadcast } from "./broadcast.tsx";
import { Broadcasts } from "./broadcasts.tsx";
import { enter, entry, leave, type Me, mayAct, sessionEnded } from "./entry.ts";
import { Generation } from "./generation.tsx";
import { Generations } from "./generations.tsx";
import { Job } from "./job.tsx";
import { followPanel } from "./live.ts";
import { Overview } from "./overview.tsx";
import { nameOf } from "./parts.tsx";
import { Payment } from "./payment.tsx";
import { Payments } from "./payments.tsx";
import { People } from "./people.tsx";
import { Person } from "./person.tsx";
import { Queue } from "./queue.tsx";
import { Sales } from "./sales.tsx";
import { Server } from "./server.tsx";
import { Tax } from "./tax.tsx";
import { words } from "./words.ts";

const SECTIONS = [
  "overview",
  "people",
  "payments",
  "tax",
  "generations",
  "sales",
  "broadcasts",
  "queue",
  "server",
  "audit",
] as const;
type Section = (typeof SECTIONS)[number];

/** The panel: who is in sees it, everybody else how to come in. */
export function Panel() {
  const now = entry.use();
  const hasSession = signedIn.use();
  useEffect(() => {
    enter();
  }, []);
  useEffect(() => {
    if (!hasSession) sessionEnded();
  }, [hasSession]);
  if (now.state === "entering") return <Waiting />;
  if (now.state === "in") return <Inside me={now.me} />;
  return (
    <main class="sign-in">
      <h1>{words("panel")}</h1>
      {now.failure && <Failure failure={now.failure} again={enter} />}
      <p>{words("sign_in_telegram")}</p>
      <p>
        {words("sign_in_desk")} <code>atelier user admin &lt;telegram_id&gt; --link</code>
      </p>
      <LanguageButton />
    </main>
  );
}

function Inside({ me }: { me: Me }) {
  const where = place.use();
  const current = SECTIONS.find((name) => name === where.section) ?? "overview";
  const strip = useRef<HTMLUListElement>(null);
  useEffect(() => {
    document.title = `${words(current)} · atelier`;
    const link = strip.current?.querySelector("[aria-current]");
    link?.scrollIntoView({ block: "nearest", inline: "center" });
    scrollTo(0, 0);
  }, [current, where.id]);
  useEffect(followPanel, []);
  return (
    <div class="panel">
      <nav class="panel-side" aria-label={words("sections")}>
        <span class="panel-name">atelier</span>
        <ul ref={strip}>
          {SECTIONS.filter((name) => name !== "audit" || mayAct("support")).map((name) => (
            <li key={name}>
              <a href={addressOf(name)} aria-current={name === current ? "page" : undefined}>
                {words(name)}
              </a>
            </li>
          ))}
        </ul>
        <div class="panel-foot">
          <p>
            {nameOf(me.person)} · {words(`role_${me.role}`)}
          </p>
          <LanguageButton />
          <button type="button" class="plain" onClick={leave}>
            {words("leave")}
          </button>
        </div>
      </nav>
      <main>{draw(current, where)}</main>
    </div>
  );
}

function draw(section: Section, { id }: Place): ComponentChildren {
  // A key for each thing: what belongs to one person is never drawn with the state of another.
  if (section === "people") return id === null ? <People /> : <Person key={id} id={id} />;
  if (section === "payments") {
    const personId = id?.startsWith("of:") ? id.slice(3) : null;
    return id === null || personId !== null ? <Payments personId={personId} /> : <Payment key={id} id={id} />;
  }
  if (section === "tax") return <Tax />;
  if (section === "generations") return id === null ? <Generations /> : <Generation key={id} id={id} />;
  if (section === "queue") return id === null ? <Queue /> : <Job key={id} id={id} />;
  if (section === "server") return <Server />;
  if (section === "sales") return <Sales />;
  if (section === "broadcasts") return id === null ? <Broadcasts /> : <Broadcast key={id} id={id} />;
  if (section === "audit") return <Audit />;
  return <Overview />;
}

/** Says the other language in that language. */
function LanguageButton() {
  const other = language.use() === "ru" ? "en" : "ru";
  return (
    <Button size="s" mode="plain" lang={other} onClick={() => chooseLanguage(other)}>
      {other === "ru" ? "Русский" : "English"}
    </Button>
  );
}
