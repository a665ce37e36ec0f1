import { type Maintenance, maintenanceOf, type Notice, switchMaintenance } from "../features/maintenance/index.ts";
import { OperatorError } from "../platform/errors.ts";
import { type Command, print, printJson, readArguments, shownMoment, withContext } from "./command.ts";

const ON_USAGE = "Usage: atelier maintenance on --reason <text> [--text-ru <text>] [--text-en <text>]";

export const maintenanceOnCommand: Command = {
  name: "maintenance on",
  summary: "take no new pictures for a while; everything else works",
  help: `${ON_USAGE}

  --reason    why, for yourself; doctor and \`maintenance status\` show it
  --text-ru   what people are shown instead of the usual sentence, in Russian
  --text-en   the same in English

Every process feels it within seconds, none has to be restarted. Pictures in work are finished, payments go on, people
see and download what they have. New pictures and turns of the assistant are refused and cost nothing.

Example:
  atelier maintenance on --reason "moving the database" --text-ru "Переезжаем, вернёмся к полудню."`,
  async run(args) {
    const { values } = readArguments(args, {
      usage: ON_USAGE,
      options: { reason: "string", "text-ru": "string", "text-en": "string" },
    });
    const { reason } = values;
    if (reason === undefined || reason.trim() === "") throw new OperatorError(`--reason is missing.\n${ON_USAGE}`);
    const notice: Notice = { ru: values["text-ru"] ?? null, en: values["text-en"] ?? null };
    return withContext(async (ctx) => {
      await switchMaintenance(ctx, { isOn: true, reason, notice, changedBy: "command" });
      print("Maintenance is on: new pictures are refused, everything else works. End it with: atelier maintenance off");
      return 0;
    });
  },
};

const OFF_USAGE = "Usage: atelier maintenance off [--reason <text>]";

export const maintenanceOffCommand: Command = {
  name: "maintenance off",
  summary: "take new pictures again",
  help: `${OFF_USAGE}

  --reason    why, for yourself

Example:
  atelier maintenance off`,
  async run(args) {
    const { values } = readArguments(args, { usage: OFF_USAGE, options: { reason: "string" } });
    return withContext(async (ctx) => {
      const after = await switchMaintenance(ctx, {
        isOn: false,
        reason: values.reason ?? "",
        changedBy: "command",
      });
      print(after.isOn ? sentenceOf(after) : "Maintenance is off: new pictures are taken.");
      return 0;
    });
  },
};

const STATUS_USAGE = "Usage: atelier maintenance status [--json]";

export const maintenanceStatusCommand: Command = {
  name: "maintenance status",
  summary: "whether new pictures are taken, and why not",
  help: `${STATUS_USAGE}

  --json   for a program`,
  async run(args) {
    const { values } = readArguments(args, { usage: STATUS_USAGE, options: { json: "boolean" } });
    return withContext(async (ctx) => {
      const maintenance = await maintenanceOf(ctx);
      if (values.json) printJson(viewOf(maintenance));
      else print(sentenceOf(maintenance));
      return 0;
    });
  },
};

/** How the server stands, as one sentence for the operator. */
export function sentenceOf(maintenance: Maintenance): string {
  if (!maintenance.isOn) return "Maintenance is off: new pictures are taken.";
  if (maintenance.by === "setting") {
    return "Maintenance is on by the setting MAINTENANCE=on: set it to off and start the server anew.";
  }
  const { since, changedBy, reason } = maintenance;
  return `Maintenance is on since ${shownMoment(since)}, by ${changedBy}: ${reason}. End it with: atelier maintenance off`;
}

function viewOf(maintenance: Maintenance) {
  if (!maintenance.isOn || maintenance.by === "setting") {
    return { on: maintenance.isOn, by: maintenance.isOn ? maintenance.by : null };
  }
  const { since, notice, reason, changedBy } = maintenance;
  return { on: true, by: "switch", since: since.toISOString(), reason, changed_by: changedBy, notice };
}
