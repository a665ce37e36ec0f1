import type { Context } from "../../../context.ts";
import { Refusal } from "../../../platform/errors.ts";
import { newId } from "../../../platform/ids.ts";
import { recordChange } from "../../audit/index.ts";
import { notify } from "../../notifications/index.ts";
import type { Order } from "../change.ts";
import { presentPerson } from "./card.ts";

/** Telegram takes 4,096; what is longer belongs into several messages. */
export const MESSAGE_LENGTH_MAX = 3_000;

/** Sends a person a message of the operator's own words through the bot. Throws `bot_cannot_write` where it may not. */
export async function messagePerson(ctx: Context, order: Order & { text: string }): Promise<void> {
  await ctx.transaction(async (tx) => {
    const person = await presentPerson(tx, order.id);
    const notified = await notify(tx, {
      userId: person.id,
      message: { key: "operator_message", parameters: { text: order.text } },
      about: newId(),
    });
    if (notified !== "waiting") throw new Refusal("bot_cannot_write");
    await recordChange(tx, {
      operatorId: order.operatorId,
      reason: order.reason,
      action: "person.message",
      subject: "person",
      subjectId: person.id,
      personId: person.id,
      after: { characters: order.text.length },
    });
  });
}
