/** Memory of another process, as Linux tells it, in MB of 1 048 576 bytes. */
export interface ProcessMemory {
  residentMb: number;
  /** The most it ever had, or since `forgetPeak`. */
  peakMb: number;
}

export async function processMemory(processId: number): Promise<ProcessMemory> {
  const status = await Bun.file(`/proc/${processId}/status`).text();
  const ofLine = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1] ?? Number.NaN) / 1_024;
  return { residentMb: ofLine("VmRSS"), peakMb: ofLine("VmHWM") };
}

/** What resetting the peak is called (proc(5), clear_refs). */
const RESET_PEAK = "5";

/** From here on the peak counts anew. */
export async function forgetPeak(processId: number): Promise<void> {
  await Bun.write(`/proc/${processId}/clear_refs`, RESET_PEAK);
}
