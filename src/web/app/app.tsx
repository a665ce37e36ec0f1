import { useEffect } from "preact/hooks";
import { place } from "../kit/route.ts";
import { signedIn } from "../kit/session.ts";
import { Waiting } from "../kit/states.tsx";
import { BackButton } from "./back-button.tsx";
import { followBalance } from "./balance.ts";
import { Connection } from "./connection.tsx";
import { Consent } from "./consent.tsx";
import { endedElsewhere, enter, entry, inSandbox, type Me, watchSession } from "./entry.ts";
import { forgetFitting } from "./fitting-draft.ts";
import { followGenerations } from "./generation-store.ts";
import { startLive } from "./live.ts";
import { More } from "./more.tsx";
import { MORE, useTelegramBack } from "./navigation.ts";
import { Outside } from "./outside.tsx";
import { forgetPhotos } from "./photo.ts";
import { Ribbon } from "./ribbon.tsx";
import { allScreens } from "./screen.ts";
import { forgetTab } from "./tab-memory.ts";
import { Tabs, tabOf, tabs } from "./tabs.tsx";
import { Toasts } from "./toast.tsx";

/** The Mini App: who is in sees it, everybody else how to come in. */
export function App() {
  const now = entry.use();
  const hasSession = signedIn.use();
  useEffect(() => {
    enter();
  }, []);
  useEffect(watchSession, [hasSession]);
  return (
    <>
      {inSandbox.use() && <Ribbon />}
      {now.state === "in" ? (
        // What belongs to one person is never drawn with the state of another.
        <Inside key={now.me.id} me={now.me} />
      ) : now.state === "entering" ? (
        <main class="app app-empty">
          <Waiting />
        </main>
      ) : (
        <Outside now={now} />
      )}
      <Toasts />
    </>
  );
}

function Inside({ me }: { me: Me }) {
  useEffect(() => {
    const stops = [
      followBalance(),
      followGenerations(),
      startLive(endedElsewhere),
      forgetPhotos,
      forgetFitting,
      forgetTab,
    ];
    return () => {
      for (const stop of stops) stop();
    };
  }, [me.id]);
  const { section, id } = place.use();
  const screen = allScreens().find((one) => one.section === section);
  const current = screen?.section ?? (section === MORE ? MORE : (tabs()[0]?.section ?? ""));
  const shown = screen ?? allScreens().find((one) => one.section === current);
  const isInner = (screen !== undefined && id !== null) || tabOf(current) !== current;
  useTelegramBack(isInner);
  useEffect(() => scrollTo(0, 0), [section, id]);
  return (
    <div class="app">
      <Connection />
      {isInner && <BackButton />}
      <Consent />
      <main key={`${current}/${id ?? ""}`}>{shown ? shown.draw(screen ? id : null) : <More />}</main>
      <Tabs current={current} />
    </div>
  );
}
