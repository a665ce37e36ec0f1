import { cpus, loadavg, totalmem } from "node:os";

/** What the figures were taken on. */
export interface Machine {
  processor: string;
  cores: number;
  memoryGib: number;
  system: string;
  bun: string;
  /** Of the last minute: more than a little says that others were at work too. */
  load: number;
}

export function machine(): Machine {
  const all = cpus();
  return {
    processor: all[0]?.model.trim() ?? "unknown",
    cores: all.length,
    memoryGib: Math.round(totalmem() / 2 ** 30),
    system: `${process.platform} ${process.arch}`,
    bun: Bun.version,
    load: Math.round((loadavg()[0] ?? 0) * 10) / 10,
  };
}
