/**
 * Whole answers, kept: what is asked again word for word is read and shown. Nothing is planned,
 * looked up, decided or scored for it.
 *
 * An answer rests on the history, on the program and on all of the question. Of what lies beneath
 * it (judgements, outcomes, rows) nothing is needed any more; a question that differs in anything
 * goes there.
 */

import type { Past } from "../history/open.ts";
import { basisOf, keyOf } from "./identity.ts";
import type { Scale } from "./scale.ts";

/**
 * What was answered to this question before, or what `make` makes of it: plain data either way,
 * the same bit for bit.
 *
 * @param kind what is asked, in a word: the pack is called so
 * @param question all that the answer rests on beside the history and the program; plain data
 */
export async function answered<Answer>(
  { store }: Scale,
  past: Pick<Past, "dir" | "manifest">,
  kind: string,
  question: () => unknown,
  make: () => Promise<Answer>,
): Promise<{ readonly answer: Answer; readonly isKept: boolean }> {
  const key = keyFor(past, kind, question);
  // Whoever opens the history, or reads the file of people, says what is wrong with it.
  if (key === null) return { answer: await make(), isKept: false };
  const isThere = store.list(key).some(({ name }) => name === kind);
  const known = isThere ? (store.read(key, kind) as readonly [Answer] | null) : null;
  if (known !== null) return { answer: known[0], isKept: true };
  const answer = await make();
  // A history that was replaced meanwhile may have given half of the answer.
  if (keyFor(past, kind, question) === key) store.write(key, kind, [kind], [answer]);
  return { answer, isKept: false };
}

function keyFor(
  past: Pick<Past, "dir" | "manifest">,
  kind: string,
  question: () => unknown,
): string | null {
  try {
    return keyOf("answer", kind, basisOf(past), question());
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    return null;
  }
}
