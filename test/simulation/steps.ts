import type { StepKind } from "./step.ts";
import { erasureSteps } from "./steps-of-leaving.ts";
import { moneySteps } from "./steps-of-money.ts";
import { operatorSteps } from "./steps-of-operators.ts";
import { orderSteps } from "./steps-of-orders.ts";
import { timeSteps } from "./steps-of-time.ts";

/** Everything that can happen in a history, by its name. */
export const STEP_KINDS: Readonly<Record<string, StepKind>> = {
  ...orderSteps,
  ...moneySteps,
  ...operatorSteps,
  ...erasureSteps,
  ...timeSteps,
};
