import { useState } from "preact/hooks";
import { shellWords } from "./words-shell.ts";

interface BeforeAfterProps {
  before: string;
  after: string;
  alt: string;
}

/** A picture beside what it was made of; alone where that is gone, as a photo is deleted sooner than the picture. */
export function Compared({ before, ...shown }: { before: string | undefined; after: string; alt: string }) {
  if (before === undefined) return <img class="shot" src={shown.after} alt={shown.alt} />;
  return <BeforeAfter before={before} {...shown} />;
}

/** Two pictures on top of each other with a line between them that is drawn aside; by finger, mouse or arrow keys. */
function BeforeAfter({ before, after, alt }: BeforeAfterProps) {
  const [share, setShare] = useState(50);
  return (
    <div class="compare" style={{ "--share": `${share}%` }}>
      <img class="compare-after" src={after} alt={alt} draggable={false} />
      <img class="compare-before" src={before} alt="" draggable={false} />
      <span class="compare-line" aria-hidden="true" />
      <span class="compare-name compare-name-before" aria-hidden="true">
        {shellWords("before")}
      </span>
      <span class="compare-name compare-name-after" aria-hidden="true">
        {shellWords("after")}
      </span>
      <input
        type="range"
        min={0}
        max={100}
        value={share}
        aria-label={shellWords("compare")}
        onInput={(event) => setShare(Number(event.currentTarget.value))}
      />
    </div>
  );
}
