const BAR_WIDTH = 30;

/** Shows how far something is: one line that is drawn over at a terminal, a line for each change elsewhere. */
export function createProgressBar(stream: { isTTY?: boolean; write(text: string): unknown }) {
  let last = "";
  return {
    /** `percent` from 0 to 100; `label` says what is going on. */
    show(percent: number, label: string): void {
      const filled = Math.round((percent / 100) * BAR_WIDTH);
      const line = `  [${"█".repeat(filled)}${"░".repeat(BAR_WIDTH - filled)}] ${String(percent).padStart(3)} %  ${label}`;
      if (line === last) return;
      stream.write(stream.isTTY ? `\r${line.padEnd(last.length)}` : `${line}\n`);
      last = line;
    },
    end(): void {
      if (stream.isTTY && last !== "") stream.write("\n");
    },
  };
}
