/** Judgements that an earlier pass over the same history made, and whoever judges the rest. */

import { direct } from "./direct.ts";
import type { Judgements, Known } from "./judgements.ts";

/**
 * @param known by the policies that will be asked about, in the same order
 * @param rest judges what is not known: what history cut short, continued, and `known.again`. Where
 *   it is of this kind too, what is known here comes first.
 */
export function knownFrom(known: Known, rest: Judgements = direct): Judgements {
  return {
    of: (history, policies, progress, asked) =>
      rest.of(history, policies, progress, { ...asked, known: asked.known ?? known }),
  };
}
