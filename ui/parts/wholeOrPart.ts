/** Over a column of scores: what they are of. */

import type { Scored } from "../../lab/server/contract/scored.ts";

export function wholeOrPart(scored: Scored | null): string {
  return scored === null ? "of the whole history" : "of what is scored";
}
