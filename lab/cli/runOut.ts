/** What `--out` and `--sign-key` mean: a run directory beside what is shown. */

import type { Evaluation } from "../compare/evaluate.ts";
import { signerOf, type EvaluateFlags } from "./options.ts";

/**
 * Who writes the run; null where nobody asked for one. What writes it is loaded only then.
 *
 * @throws Problem where it cannot be written there, before the long work begins
 */
export async function runWriter(
  flags: EvaluateFlags,
): Promise<((evaluation: Evaluation) => Promise<void>) | null> {
  const signer = signerOf(flags);
  const { out, force = false } = flags;
  if (out === undefined) return null;
  const { checkRunPlace, writeRun } = await import("../compare/runDirectory.ts");
  checkRunPlace(out, force);
  return (evaluation) => writeRun(out, evaluation, force, signer);
}
