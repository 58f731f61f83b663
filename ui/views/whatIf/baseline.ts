/**
 * Quick answers are of one draw and exact ones of all: the base would jump from one number to
 * another. So a quick difference is added to the exact value of the base.
 */

import type { WhatIf } from "../../../lab/server/contract/whatIf.ts";

type Difference = WhatIf["differences"][number];

/** @param exact the last exact answer with the same base; null: the quick one stands as it is */
export function onOneBaseline(quick: Difference, exact: WhatIf | null): Difference {
  const known = exact?.differences.find(({ field }) => field === quick.field)?.baseline ?? null;
  if (quick.low !== null || known === null || quick.difference === null) return quick;
  const most = quick.unit === "share" ? 1 : Number.POSITIVE_INFINITY;
  const candidate = Math.max(0, Math.min(most, known + quick.difference));
  return { ...quick, baseline: known, candidate, difference: candidate - known };
}
