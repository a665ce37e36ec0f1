import { erasePerson } from "../../src/features/privacy/index.ts";
import { pick, type StepKind } from "./step.ts";

export const erasureSteps: Readonly<Record<string, StepKind>> = {
  erase: {
    weight: 2,
    interruptible: true,
    async run(play, step) {
      const person = pick(
        play.people.filter(({ isErased }) => !isErased),
        step.which,
      );
      if (!person) return null;
      const { id } = person;
      const words = await play.act({
        name: "an erasure",
        interruption: step.interruption,
        work: async (ctx) => void (await erasePerson(ctx, { userId: id, askedBy: "person" })),
      });
      // Also when the answer was lost: the next sign-in tells who they are then.
      person.isErased = true;
      return `person ${person.number} is erased: ${words}`;
    },
  },
};
