/** What a process holds of the machine's memory, in MB. */
export async function residentMb(processId: number): Promise<number> {
  const status = await Bun.file(`/proc/${processId}/status`).text();
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? Number.NaN) / 1_024;
}
