/** A part of a picture, in fractions of its width and height from the upper left corner. */
export interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** Where the emulated model puts an item on a photo of a person from the head to the hips, the head in the upper middle. */
export const ZONE_BOXES: Readonly<Record<string, Box>> = {
  top: { left: 0.12, top: 0.52, width: 0.58, height: 0.46 },
  outerwear: { left: 0.04, top: 0.46, width: 0.7, height: 0.53 },
  full_body: { left: 0.08, top: 0.4, width: 0.62, height: 0.59 },
  bottom: { left: 0.16, top: 0.74, width: 0.5, height: 0.25 },
  shoes: { left: 0.22, top: 0.84, width: 0.4, height: 0.15 },
  head: { left: 0.27, top: 0.0, width: 0.34, height: 0.2 },
  face: { left: 0.33, top: 0.17, width: 0.23, height: 0.08 },
  ears: { left: 0.28, top: 0.2, width: 0.32, height: 0.1 },
  neck: { left: 0.32, top: 0.34, width: 0.24, height: 0.14 },
  wrist: { left: 0.24, top: 0.88, width: 0.14, height: 0.1 },
  hand: { left: 0.26, top: 0.84, width: 0.18, height: 0.15 },
  waist: { left: 0.18, top: 0.82, width: 0.46, height: 0.12 },
  bag: { left: 0.56, top: 0.55, width: 0.36, height: 0.42 },
};

/** For a prompt that names no zone. */
export const CENTRAL_BOX: Box = { left: 0.3, top: 0.3, width: 0.4, height: 0.4 };

/** The box for the zone that a prompt names in the words `zone: top`. */
export function boxFor(prompt: string): Box {
  const zone = /zone: ([a-z_]+)/.exec(prompt)?.[1];
  return (zone === undefined ? undefined : ZONE_BOXES[zone]) ?? CENTRAL_BOX;
}
