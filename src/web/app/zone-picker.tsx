import { useState } from "preact/hooks";
import { type AnswerOf, answerOf, api } from "../kit/api.ts";
import { type Loaded, useLoaded } from "../kit/loading.ts";
import { language } from "../kit/words.ts";
import { feel } from "./haptics.ts";
import { useLive } from "./live.ts";
import { Shown } from "./notice.tsx";
import { fittingWords } from "./words-fitting.ts";
import { ZoneFigure } from "./zone-figure.tsx";
import { ZONE_PLACES } from "./zone-map.ts";

export type Zone = AnswerOf<typeof api.fitting.zones.get>[number];

const KINDS = ["clothing", "accessory"] as const;

/** The zones, in the person's language. */
export function useZones(): Loaded<Zone[]> {
  const zones = useLoaded(() => answerOf(api.fitting.zones.get()), [language.use()]);
  useLive(({ type }) => {
    if (type === "hello" && zones.failure) zones.reload();
  });
  return zones;
}

interface ZonePickerProps {
  zones: Loaded<Zone[]>;
  chosen: string | null;
  onChoose: (zone: string) => void;
}

/** Where on the body the item goes: a figure to tap at, with the names of its parts around it. */
export function ZonePicker({ zones, chosen, onChoose }: ZonePickerProps) {
  const choose = (zone: string) => {
    feel("select");
    onChoose(zone);
  };
  return (
    <section id="zones" class="zones" aria-labelledby="zones-title">
      <h2 id="zones-title">
        {fittingWords("zone")}
        <span class="zones-chosen" aria-live="polite">
          {zones.value?.find(({ id }) => id === chosen)?.title ?? ""}
        </span>
      </h2>
      <Shown of={zones} waiting={<div class="zones-waiting" role="status" />}>
        {(all) => <Choice all={all} chosen={chosen} onChoose={choose} />}
      </Shown>
    </section>
  );
}

interface ChoiceProps {
  all: readonly Zone[];
  chosen: string | null;
  onChoose: (zone: string) => void;
}

function Choice({ all, chosen, onChoose }: ChoiceProps) {
  const [kind, setKind] = useState<Zone["kind"]>(all.find(({ id }) => id === chosen)?.kind ?? "clothing");
  const shown = all.filter((zone) => zone.kind === kind);
  const order = [...ZONE_PLACES.keys()];
  const placed = shown
    .filter(({ id }) => ZONE_PLACES.has(id))
    .sort((one, other) => order.indexOf(one.id) - order.indexOf(other.id));
  // The server may know more parts of a body than this drawing does.
  const others = shown.filter(({ id }) => !ZONE_PLACES.has(id));
  const draw = (zone: Zone) => <Name key={zone.id} zone={zone} isChosen={zone.id === chosen} onChoose={onChoose} />;
  return (
    <>
      <fieldset class="segments">
        <legend class="unseen">{fittingWords("kind")}</legend>
        {KINDS.map((one) => (
          <button key={one} type="button" aria-pressed={one === kind} onClick={() => setKind(one)}>
            {fittingWords(one)}
          </button>
        ))}
      </fieldset>
      <div class="zones-choice" role="radiogroup" aria-labelledby="zones-title">
        <div class="zones-map">
          <ZoneFigure zones={placed.map(({ id }) => id)} chosen={chosen} onChoose={onChoose} />
          {placed.map(draw)}
        </div>
        {others.length > 0 && <div class="zones-others">{others.map(draw)}</div>}
      </div>
    </>
  );
}

function Name({ zone, isChosen, onChoose }: { zone: Zone; isChosen: boolean; onChoose: (zone: string) => void }) {
  const place = ZONE_PLACES.get(zone.id);
  return (
    <label
      class={`zone ${place ? `zone-${place.side}` : ""} ${isChosen ? "zone-on" : ""}`}
      {...(place ? { style: { "--name-at": `${place.nameAt}px` } } : {})}
    >
      <input type="radio" name="zone" value={zone.id} checked={isChosen} onChange={() => onChoose(zone.id)} />
      <span>{zone.title}</span>
    </label>
  );
}
