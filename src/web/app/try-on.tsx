import { useEffect } from "preact/hooks";
import { changeFitting, takeUpFitting, useFittingDraft } from "./fitting-draft.ts";
import { FittingForm } from "./fitting-form.tsx";
import { FittingProgress } from "./fitting-progress.tsx";
import { useActiveGenerations } from "./generation-store.ts";
import { TryOnIcon } from "./icons.tsx";
import type { Screen } from "./screen.ts";
import { shellWords } from "./words-shell.ts";

export const tryOnScreen: Screen = {
  section: "try-on",
  title: () => shellWords("try_on"),
  found: "tab",
  icon: TryOnIcon,
  draw: () => <TryOn />,
};

/** Where the app begins: two photos and a place on the body become a picture. */
function TryOn() {
  const { generation } = useFittingDraft();
  const [active] = useActiveGenerations("fitting");
  useEffect(() => {
    if (active) takeUpFitting(active.id);
  }, [active?.id]);
  if (generation === null) return <FittingForm />;
  return <FittingProgress key={generation} id={generation} onGone={() => changeFitting({ generation: null })} />;
}
