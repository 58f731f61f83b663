/**
 * Keeps whole answers. If exactly the same question is asked again, the stored answer is returned
 * and nothing is planned, decided or scored.
 *
 * The key of an answer covers the history, the program and the whole question. Any other question
 * uses the stored judgements or rows instead.
 */

import type { Past } from "../history/open.ts";
import { basisOf, keyOf } from "./identity.ts";
import type { Scale } from "./scale.ts";

/**
 * The stored answer to a question, or else the answer of `make`, which is then stored. Both are
 * plain data and equal bit for bit.
 *
 * @param kind names the kind of question, and the pack
 * @param question everything that the answer depends on besides history and program; plain data
 */
export async function answered<Answer>(
  { store }: Scale,
  past: Pick<Past, "dir" | "manifest">,
  kind: string,
  question: () => unknown,
  make: () => Promise<Answer>,
): Promise<{ readonly answer: Answer; readonly isKept: boolean }> {
  const key = keyFor(past, kind, question);
  // A file cannot be read: `make` will fail on it with a better message.
  if (key === null) return { answer: await make(), isKept: false };
  const isThere = store.list(key).some(({ name }) => name === kind);
  const known = isThere ? (store.read(key, kind) as readonly [Answer] | null) : null;
  if (known !== null) return { answer: known[0], isKept: true };
  const answer = await make();
  // Do not store an answer if the history was replaced while it was computed.
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
