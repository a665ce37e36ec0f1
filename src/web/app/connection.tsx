import { useEffect, useState } from "preact/hooks";
import { answerOf, api } from "../kit/api.ts";
import { useLoaded } from "../kit/loading.ts";
import { connection, useLive } from "./live.ts";
import { shellWords } from "./words-shell.ts";

/** A break that is over sooner is not worth a word. */
const WORTH_SAYING_MS = 1_500;

/** Says what keeps the app from going on: no network, or that the owner takes no pictures just now. */
export function Connection() {
  const isLost = connection.use() === "lost";
  const [isSaid, setSaid] = useState(false);
  useEffect(() => {
    if (!isLost) return setSaid(false);
    const timer = setTimeout(() => setSaid(true), WORTH_SAYING_MS);
    return () => clearTimeout(timer);
  }, [isLost]);
  return (
    <div class="connection" role="status">
      {isSaid && <p class="connection-lost">{shellWords("reconnecting")}</p>}
      <Maintenance />
    </div>
  );
}

function Maintenance() {
  const status = useLoaded(() => answerOf(api.status.get()), []);
  useLive(({ type }) => {
    if (type === "hello" || type === "notice") status.reload();
  });
  const maintenance = status.value?.maintenance;
  if (!maintenance) return null;
  return <p class="connection-notice">{maintenance.notice ?? shellWords("maintenance")}</p>;
}
