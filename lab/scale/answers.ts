/**
 * Keeps whole answers. If exactly the same question is asked again, the stored answer is returned
 * and nothing is planned, decided or scored.
 *
 * The key of an answer covers the history, the program and the whole question. Any other question
 * uses the stored judgements or rows instead.
 */

import type { Answers, AskedAgain } from "../history/answered.ts";
import { basisOf, keyOf, programIdentity } from "./identity.ts";
import type { Scale } from "./scale.ts";

/** The port `Answers` through a store: answers are equal bit for bit, made or stored. */
export function storedAnswers({
  store,
  leastSamples,
  tell,
}: Pick<Scale, "store" | "leastSamples" | "tell">): Answers {
  return {
    leastSamples,
    async answer<Answer>(asked: AskedAgain, make: () => Promise<Answer>) {
      const { kind, policies = 0 } = asked;
      const key = keyFor(asked);
      // A file cannot be read: `make` will fail on it with a better message.
      if (key === null) return { answer: await make(), isKept: false };
      const isThere = store.list(key).some(({ name }) => name === kind);
      const known = isThere ? (store.read(key, kind) as readonly [Answer] | null) : null;
      if (known !== null) {
        if (policies > 0) tell?.({ policies, there: policies });
        return { answer: known[0], isKept: true };
      }
      const answer = await make();
      // Do not store an answer if the history was replaced while it was computed.
      if (keyFor(asked) === key) store.write(key, kind, [kind], [answer]);
      return { answer, isKept: false };
    },
  };
}

function keyFor({ past, kind, question }: AskedAgain): string | null {
  try {
    return keyOf("answer", kind, past === null ? programIdentity() : basisOf(past), question());
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    return null;
  }
}
