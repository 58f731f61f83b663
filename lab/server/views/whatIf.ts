/** A what-if as the browser shows it: the change in words, scorecards, differences, ends. */

import { diffPolicies, type Policy } from "../../../engine/index.ts";
import type { Difference, Flip } from "../../compare/compare.ts";
import { sentence } from "../../compare/words.ts";
import type { Listed } from "../../history/listed.ts";
import type { Outcome } from "../../outcome/outcome.ts";
import { FIELDS } from "../../score/fields.ts";
import { tidy } from "../../score/intervals.ts";
import type { Scorecard } from "../../score/scorecard.ts";
import type { End } from "../contract/words.ts";
import type { Scored } from "../contract/scored.ts";
import type { WhatIf } from "../contract/whatIf.ts";
import { fieldDocuments } from "./comparison.ts";

export interface Side {
  readonly policy: Policy;
  readonly outcomes: Listed<Outcome>;
  readonly scorecard: Scorecard;
}

export interface Asked {
  readonly id: string;
  readonly yaml: string;
  readonly draws: number;
  readonly scored: Scored | null;
}

/** @param differences with their intervals; null where they are only values */
export function whatIfDocument(
  { id, yaml, draws, scored }: Asked,
  base: Side,
  changed: Side,
  flips: readonly Flip[],
  values: WhatIf["differences"] | readonly Difference[],
): WhatIf {
  const count = (kind: Flip["change"]): number =>
    flips.filter(({ change }) => change === kind).length;
  const isExact = values.some((one) => "resolves" in one);
  return {
    state: "ready",
    precision: isExact ? "exact" : "quick",
    scored,
    base: {
      id,
      name: base.policy.policy,
      digest: base.policy.digest,
      scorecard: base.scorecard,
    },
    policy: {
      name: changed.policy.policy,
      digest: changed.policy.digest,
      yaml,
      scorecard: changed.scorecard,
    },
    changes: diffPolicies(base.policy, changed.policy).map((one) => ({
      path: one.path.join("."),
      before: one.before,
      after: one.after,
      direction: one.direction,
      text: one.text,
    })),
    fields: fieldDocuments(),
    differences: values.map((one) =>
      "resolves" in one
        ? {
            field: one.field,
            baseline: one.baseline,
            candidate: one.candidate,
            difference: one.difference,
            unit: one.unit,
            low: one.low,
            high: one.high,
            verdict: one.verdict,
            words: sentence(one),
          }
        : one,
    ),
    flips: {
      better: count("better"),
      worse: count("worse"),
      neutral: count("neutral"),
      open: count("open"),
    },
    ends: endsOf(base.outcomes, changed.outcomes),
    draws,
  };
}

/** Of every field with a better direction: values, and nothing said about them. */
export function valueDifferences(
  base: ReadonlyMap<string, number>,
  changed: ReadonlyMap<string, number>,
): WhatIf["differences"] {
  const told = (value: number): number | null => (Number.isNaN(value) ? null : tidy(value));
  return FIELDS.filter(({ better }) => better !== null).map(({ name, unit }) => {
    const [from, to] = [base.get(name)!, changed.get(name)!];
    return {
      field: name,
      baseline: told(from),
      candidate: told(to),
      difference: told(to - from),
      unit,
      low: null,
      high: null,
      verdict: null,
      words: null,
    };
  });
}

function endsOf(base: Listed<Outcome>, changed: Listed<Outcome>): WhatIf["ends"] {
  const counts = new Map<End, { base: number; policy: number }>();
  const add = (outcomes: Listed<Outcome>, side: "base" | "policy"): void => {
    for (const { end } of outcomes) {
      const known = counts.get(end) ?? { base: 0, policy: 0 };
      known[side]++;
      counts.set(end, known);
    }
  };
  add(base, "base");
  add(changed, "policy");
  return [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([end, both]) => ({ end, ...both }));
}
