import { t } from "elysia";
import { closed, oneOf } from "../../../platform/http/schemas.ts";
import { NOTICE_LENGTH_MAX } from "../../maintenance/index.ts";
import { Moment, PersonRef, Reason } from "../schemas.ts";

const Notice = t.String({
  minLength: 1,
  maxLength: NOTICE_LENGTH_MAX,
  pattern: "\\S",
  description: "What people read instead of the usual sentence.",
  examples: ["We are moving house. Back at noon."],
});

export const MaintenanceAnswer = t.Object(
  {
    on: t.Boolean({ description: "New pictures and turns are refused; everything else works." }),
    by: t.Nullable(oneOf(["setting", "switch"]), {
      description: "`setting`: started with MAINTENANCE=on, which no switch takes back.",
      examples: ["switch"],
    }),
    since: t.Nullable(Moment, { examples: [null] }),
    reason: t.Nullable(t.String(), { examples: [null] }),
    notice_ru: t.Nullable(Notice, { examples: [null] }),
    notice_en: t.Nullable(Notice, { examples: [null] }),
    operator: t.Nullable(PersonRef, { description: "Null for a command typed at the server.", examples: [null] }),
  },
  { ...closed, title: "AdminMaintenance" },
);

export const MaintenanceBody = t.Object(
  { on: t.Boolean(), notice_ru: t.Optional(Notice), notice_en: t.Optional(Notice), reason: Reason },
  closed,
);
