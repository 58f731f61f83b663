/** What earlier stages ask for by ports of their own, answered through a store and by workers. */

import type { Answers } from "../history/answered.ts";
import type { Judgements } from "../replay/judgements.ts";
import type { Tables } from "../sweep/rows.ts";
import { storedAnswers } from "./answers.ts";
import type { Scale } from "./scale.ts";

/** Named as the options of `evaluate`, `answerTo`, `sweep` and `liveManyWorlds` are. */
export interface Ports {
  readonly judgements: Judgements;
  readonly answers: Answers;
  readonly tables: Tables;
}

/** What opens a history takes a tenth of a second to load: an answer that is kept needs none. */
export function portsOf(scale: Scale): Ports {
  return {
    answers: storedAnswers(scale),
    judgements: {
      of: async (...asked) =>
        (await import("./judgements.ts")).storedJudgements(scale).of(...asked),
    },
    tables: {
      of: async (...asked) => (await import("./rows.ts")).storedTables(scale).of(...asked),
    },
  };
}
