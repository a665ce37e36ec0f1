import { open } from "node:fs/promises";

/** Makes the names in a folder last: after a crash a file that was only synced itself may have no name. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
