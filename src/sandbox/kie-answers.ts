import { disturbTransport } from "./disturb.ts";
import type { Faults, Strike } from "./faults.ts";
import { type KieRefusal, refusalOf } from "./kie-faults.ts";

export interface KieAnswers {
  success(data: unknown): Response;
  /** HTTP 200 with the code in the body, unless `mirrored` or the switch `kie.status` puts it into HTTP too. */
  refuse(refusal: KieRefusal, how?: { mirrored?: boolean; upload?: boolean }): Response;
  /** Lets a switch strike the call, or carries it out. `special` answers the modes that only this call has. */
  underStrike(
    strike: Strike | undefined,
    request: Request,
    carryOut: () => Promise<Response>,
    special?: (mode: string) => Response | undefined,
  ): Promise<Response>;
}

/** The forms in which kie.ai answers. */
export function createKieAnswers(faults: Faults): KieAnswers {
  const answers: KieAnswers = {
    success: (data) => Response.json({ code: 200, msg: "success", data }),
    refuse(refusal, how = {}) {
      const mirrored = how.mirrored === true || faults.strike("kie.status") !== undefined;
      const body = {
        ...(how.upload === true ? { success: false } : {}),
        code: refusal.code,
        msg: refusal.msg,
        data: null,
      };
      return Response.json(body, { status: mirrored ? refusal.code : 200 });
    },
    async underStrike(strike, request, carryOut, special) {
      if (strike === undefined) return carryOut();
      const onTheWay = await disturbTransport(strike, request, carryOut);
      if (onTheWay !== undefined) return onTheWay;
      const refusal = refusalOf(strike.mode);
      if (refusal !== undefined) return answers.refuse(refusal, { mirrored: refusal.mirrored });
      return special?.(strike.mode) ?? carryOut();
    },
  };
  return answers;
}
