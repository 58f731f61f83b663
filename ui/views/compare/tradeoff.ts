/** The picture of a comparison: recovery against wrong rollbacks, and where the limits lie. */

import type { Comparison } from "../../../lab/server/contract/compare.ts";
import type { Verdict } from "../../../lab/server/contract/verdict.ts";
import type { TradeoffPoint } from "../../charts/tradeoffPoint.ts";
import { estimateOf } from "../../format/score.ts";

/** Both are fields that the gate guards by default. */
export const RECOVERY = "timeToRecovery.restrictedMean60m";
export const WRONG = "falsePositiveRate";

interface Placed {
  readonly value: number;
  readonly bar: readonly [number, number] | null;
}

function placed(comparison: Comparison, name: string, field: string): Placed | null {
  const found = comparison.differences.find(
    (one) => one.field === field && one.candidatePolicy === name,
  );
  const { baseline, candidate, low, high } = found ?? {};
  if (baseline == null || candidate == null) return null;
  const hasBar = low != null && high != null;
  return { value: candidate, bar: hasBar ? [baseline + low, baseline + high] : null };
}

/** Empty where the history cannot place the baseline. */
export function tradeoffPoints(
  comparison: Comparison,
  colourOf: (id: string) => string,
): readonly TradeoffPoint[] {
  const valueOf = (name: string, field: string): number | null =>
    estimateOf(comparison.scorecards[name] ?? {}, field)?.value ?? null;
  return comparison.policies.flatMap(({ id, name }): TradeoffPoint[] => {
    const isBaseline = id === comparison.baseline;
    const [x, y] = [WRONG, RECOVERY].map((field): Placed | null => {
      if (!isBaseline) return placed(comparison, name, field);
      const value = valueOf(name, field);
      return value === null ? null : { value, bar: null };
    });
    if (x == null || y == null) return [];
    const colour = colourOf(id);
    const at = { x: x.value, y: y.value, xBar: x.bar, yBar: y.bar };
    return [{ key: id, name, colour, isBaseline, ...at }];
  });
}

/** Where the limit on a field begins: the baseline's value and the margin. */
export function limitAt({ changes }: Verdict, from: string, field: string): number | null {
  const check = changes.find((one) => one.from === from)?.checks.find(({ name }) => name === field);
  const baseline = check?.["baseline"];
  return check?.margin == null || typeof baseline !== "number" ? null : baseline + check.margin;
}
