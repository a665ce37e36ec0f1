/** Takes the text of an event stream, cut anywhere, and finds its events. */
export interface EventReader {
  /** The data of the events that `piece` completes. Comments, and fields other than `data`, are skipped. */
  push(piece: string): string[];
  /** What the end of the stream left without its blank line; a strict reader would drop it, and with it a last frame. */
  rest(): string | undefined;
}

/** Reads server-sent events as the HTML standard describes them: lines end in CR, LF or both, a blank one ends an event. */
export function createEventReader(): EventReader {
  let line = "";
  let data: string[] = [];
  let afterReturn = false;

  const endLine = (): string | undefined => {
    const ended = line;
    line = "";
    if (ended !== "") {
      const value = dataOf(ended);
      if (value !== undefined) data.push(value);
      return undefined;
    }
    if (data.length === 0) return undefined;
    const event = data.join("\n");
    data = [];
    return event;
  };

  return {
    push(piece) {
      const events: string[] = [];
      let start = 0;
      for (let index = 0; index < piece.length; index += 1) {
        const character = piece[index];
        const isSecondHalf = afterReturn && character === "\n";
        afterReturn = character === "\r";
        if (character !== "\r" && character !== "\n") continue;
        line += piece.slice(start, index);
        start = index + 1;
        if (isSecondHalf) continue;
        const event = endLine();
        if (event !== undefined) events.push(event);
      }
      line += piece.slice(start);
      return events;
    },
    rest() {
      const ended = endLine() ?? data.join("\n");
      data = [];
      return ended === "" ? undefined : ended;
    },
  };
}

/** The value of a `data` line; undefined for comments (they begin with a colon) and other fields. */
function dataOf(line: string): string | undefined {
  if (!line.startsWith("data")) return undefined;
  if (line.length === 4) return "";
  if (line[4] !== ":") return undefined;
  return line[5] === " " ? line.slice(6) : line.slice(5);
}
