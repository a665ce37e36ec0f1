import { FIGURE_HEIGHT, FIGURE_WIDTH, ZONE_PLACES, zoneAt } from "./zone-map.ts";

interface ZoneFigureProps {
  /** Those that can be chosen now. */
  zones: readonly string[];
  chosen: string | null;
  onChoose: (zone: string) => void;
}

/** A person, drawn. A tap on a part of them chooses it; keyboards and readers of the screen have the names beside it. */
export function ZoneFigure({ zones, chosen, onChoose }: ZoneFigureProps) {
  const place = chosen === null ? undefined : ZONE_PLACES.get(chosen);
  const tap = (event: MouseEvent & { currentTarget: SVGSVGElement }) => {
    const { left, top } = event.currentTarget.getBoundingClientRect();
    const zone = zoneAt(event.clientX - left, event.clientY - top, zones);
    if (zone !== null) onChoose(zone);
  };
  return (
    <svg
      class="figure"
      viewBox={`0 0 ${FIGURE_WIDTH} ${FIGURE_HEIGHT}`}
      width={FIGURE_WIDTH}
      height={FIGURE_HEIGHT}
      aria-hidden="true"
      focusable="false"
      onClick={tap}
    >
      <g class="figure-body">
        <path d="M60 12a15 18 0 1 0 .1 0Z" />
        <path d="M53 42H67V60H53Z" />
        <path d="M42 59Q60 53 78 59L77 108 80 140H40L43 108Z" />
        <path class="figure-limb" d="M42 66 32 102 26 132M78 66 88 102 94 132" />
        <path d="M24 134a7 8 0 1 0 .1 0ZM96 134a7 8 0 1 0 .1 0Z" />
        <path class="figure-limb figure-leg" d="M50 142 48 200 47 250M70 142 72 200 73 250" />
        <path d="M38 256H54V263Q54 268 46 268H36Q31 268 32 264ZM82 256H66V263Q66 268 74 268H84Q89 268 88 264Z" />
      </g>
      {place && <path class="figure-chosen" d={place.shape} />}
      {zones.map((zone) => (
        <Pointer key={zone} zone={zone} isChosen={zone === chosen} />
      ))}
    </svg>
  );
}

/** The line from a name to its part. */
function Pointer({ zone, isChosen }: { zone: string; isChosen: boolean }) {
  const place = ZONE_PLACES.get(zone);
  if (!place) return null;
  const [[x, y]] = place.points;
  return (
    <g class={`figure-pointer ${isChosen ? "figure-pointer-on" : ""}`}>
      <line x1={place.side === "left" ? 0 : FIGURE_WIDTH} y1={place.nameAt} x2={x} y2={y} />
      <circle cx={x} cy={y} r="4" />
    </g>
  );
}
