import { SEND_WINDOW } from "../../features/notifications/index.ts";
import { SECOND_MS } from "../../platform/clock.ts";
import { placesTaken } from "../../platform/limits/inspect.ts";
import { type DoctorCheck, ok } from "./check.ts";

/** How near we are to the pace that Telegram allows a bot. */
export const telegramPaceCheck: DoctorCheck = {
  name: "bot pace",
  needs: ["DATABASE_URL", "DATA_DIR"],
  async run(patient) {
    const { ctx } = await patient.openWithSchema();
    const taken = await placesTaken(ctx, SEND_WINDOW);
    const seconds = SEND_WINDOW.windowMs / SECOND_MS;
    const text = `${taken} of ${SEND_WINDOW.count} messages sent in the last ${seconds} s.`;
    return ok(taken < SEND_WINDOW.count ? text : `${text} Further ones wait for a place; nothing is lost.`);
  },
};
