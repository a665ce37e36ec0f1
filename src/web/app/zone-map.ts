/** Where each zone is on the drawn figure. Lengths are those of the drawing, which is shown one to one: CSS pixels. */

export const FIGURE_WIDTH = 120;
export const FIGURE_HEIGHT = 276;

type Point = readonly [x: number, y: number];

export interface ZonePlace {
  /** On which side of the figure its name stands, and how far down the middle of the name is. */
  side: "left" | "right";
  nameAt: number;
  /** Where a tap means it; the line from its name leads to the first of them. */
  points: readonly [Point, ...Point[]];
  /** What is drawn over the figure when it is chosen, as an SVG path. */
  shape: string;
}

/** In the order in which the names are read: down the left side, then down the right. */
export const ZONE_PLACES: ReadonlyMap<string, ZonePlace> = new Map<string, ZonePlace>([
  [
    "outerwear",
    {
      side: "left",
      nameAt: 76,
      points: [
        [32, 96],
        [88, 96],
      ],
      shape: "M41 58Q60 51 79 58L101 128 89 133 80 98 83 150H63L60 74 57 150H37L40 98 31 133 19 128Z",
    },
  ],
  [
    "full_body",
    {
      side: "left",
      nameAt: 168,
      points: [
        [50, 158],
        [70, 158],
      ],
      shape: "M45 58Q60 66 75 58L77 106 92 198Q60 206 28 198L43 106Z",
    },
  ],
  [
    "top",
    {
      side: "right",
      nameAt: 66,
      points: [
        [70, 84],
        [50, 84],
        [60, 104],
      ],
      shape: "M43 57Q60 66 77 57L94 84 83 91 79 84 80 124H40L41 84 37 91 26 84Z",
    },
  ],
  [
    "bottom",
    {
      side: "right",
      nameAt: 190,
      points: [
        [72, 196],
        [48, 196],
        [72, 228],
        [48, 228],
      ],
      shape: "M41 116H79L84 250H65L61 156H59L55 250H36Z",
    },
  ],
  [
    "shoes",
    {
      side: "right",
      nameAt: 252,
      points: [
        [76, 261],
        [44, 261],
      ],
      shape: "M37 250H54V262Q54 269 46 269H36Q29 269 31 264ZM83 250H66V262Q66 269 74 269H84Q91 269 89 264Z",
    },
  ],
  [
    "head",
    {
      side: "left",
      nameAt: 24,
      points: [[56, 14]],
      shape: "M44 26Q44 6 60 6T76 26L88 29Q88 33 82 32L44 30Q42 28 44 26Z",
    },
  ],
  [
    "ears",
    {
      side: "left",
      nameAt: 74,
      points: [
        [45, 40],
        [75, 40],
      ],
      shape: "M45 34a4 6 0 1 0 .1 0ZM75 34a4 6 0 1 0 .1 0Z",
    },
  ],
  [
    "wrist",
    {
      side: "left",
      nameAt: 124,
      points: [
        [26, 124],
        [94, 124],
      ],
      shape: "M21 118 34 121 32 130 19 127Z",
    },
  ],
  [
    "hand",
    {
      side: "left",
      nameAt: 174,
      points: [
        [23, 143],
        [97, 143],
      ],
      shape: "M24 134a8 8 0 1 0 .1 0Z",
    },
  ],
  [
    "face",
    {
      side: "right",
      nameAt: 24,
      points: [[67, 29]],
      shape: "M46 28a6.5 5.5 0 1 0 13 0V27.5H61V28a6.5 5.5 0 1 0 13 0 6.5 4.5 0 0 0-13-1H59a6.5 4.5 0 0 0-13 1Z",
    },
  ],
  [
    "neck",
    {
      side: "right",
      nameAt: 74,
      points: [[66, 54]],
      shape: "M51 46Q60 53 69 46L72 55Q69 59 66 60L69 84 60 82 58 62Q51 60 48 55Z",
    },
  ],
  [
    "waist",
    {
      side: "right",
      nameAt: 124,
      points: [
        [72, 112],
        [60, 112],
        [48, 112],
      ],
      shape: "M42 107H78L79 117H41Z",
    },
  ],
  [
    "bag",
    {
      side: "right",
      nameAt: 174,
      points: [[98, 166]],
      shape:
        "M84 154H91Q92 140 98 140T105 154H112L114 184Q114 188 110 188H86Q82 188 82 184ZM94 154H102Q101 144 98 144T94 154Z",
    },
  ],
]);

/** A tap farther away from everything means nothing. */
const TAP_DISTANCE_MAX = 44;

/** Which of `zones` a tap at this place of the drawing means: the nearest, so that small parts can be hit, too. */
export function zoneAt(x: number, y: number, zones: readonly string[]): string | null {
  let nearest: string | null = null;
  let distance = TAP_DISTANCE_MAX;
  for (const zone of zones) {
    for (const [pointX, pointY] of ZONE_PLACES.get(zone)?.points ?? []) {
      const away = Math.hypot(pointX - x, pointY - y);
      if (away >= distance) continue;
      nearest = zone;
      distance = away;
    }
  }
  return nearest;
}
