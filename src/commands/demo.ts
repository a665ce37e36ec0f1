import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { databaseIsFile } from "../platform/db/open.ts";
import { OperatorError } from "../platform/errors.ts";
import { SAMPLES } from "../sandbox/samples.ts";
import type { Command } from "./command.ts";
import { editingDemo } from "./demo/editing.ts";
import { fittingDemo } from "./demo/fitting.ts";
import { moneyDemo } from "./demo/money.ts";
import { withDemoServer } from "./demo/server.ts";

const SAMPLE_ITEMS = ["jacket", "tshirt", "sunglasses"] as const;

export const demoCommand: Command = {
  name: "demo",
  summary: "a whole try-on, an edit by talking, or three months of buying, in the sandbox",
  help: `Usage: atelier demo [--person <file>] [--item <file|jacket|tshirt|sunglasses>] [--zone <zone>] [--out <file>]
       atelier demo --editing [--person <file>] [--out <file>]
       atelier demo --money

  --person    a photo of a person; default: the portrait that comes with the program
  --item      a photo of a garment or accessory, or one of the drawn samples; default: jacket
  --zone      where it goes: top, bottom, full_body, outerwear, shoes, head, face, ears, neck, wrist, hand, waist, bag;
              default: outerwear (face for sunglasses, top for tshirt)
  --editing   talk to the assistant about the photo instead, choose a variant and get the changed picture
  --money     buy a pack and a plan, let three months pass, give half of the pack back; prints every number of the books
  --out       where the picture is saved; default: atelier-demo.jpg

Everything is real but the providers: the HTTP API, the queue, the worker, the ledger and the clients of kie.ai and
OpenRouter, which talk to emulators on this machine. Nothing is stored and no account is needed.`,
  async run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        editing: { type: "boolean" },
        money: { type: "boolean" },
        person: { type: "string" },
        item: { type: "string" },
        zone: { type: "string" },
        out: { type: "string" },
      },
    });
    if (!databaseIsFile) {
      throw new OperatorError(
        "demo keeps to a temporary SQLite file and must not touch your database: unset DATABASE_URL.",
      );
    }
    if (values.money) return withDemoServer(moneyDemo);
    const person = values.person ?? SAMPLES.person;
    const out = resolve(values.out ?? "atelier-demo.jpg");
    if (values.editing) return withDemoServer((server) => editingDemo(server, { photo: person, out }));
    const item = values.item ?? "jacket";
    const order = {
      person,
      item: SAMPLE_ITEMS.some((name) => name === item) ? SAMPLES[item as (typeof SAMPLE_ITEMS)[number]] : item,
      zone: values.zone ?? (item === "sunglasses" ? "face" : item === "tshirt" ? "top" : "outerwear"),
      out,
    };
    return withDemoServer((server) => fittingDemo(server, order));
  },
};
