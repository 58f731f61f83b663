/**
 * Past deployments whose alarms looked most like this one, and how they ended.
 *
 * Alike by Gower's distance (1971): the mean over the features of how far two cases lie apart, each
 * as a share of its range; kinds are equal or not. Only cases whose labels were known before the
 * alarm count. They are shown beside the confidence and are no part of it.
 */

import { featuresFor, type Seen } from "../../engine/index.ts";
import { wilson } from "../score/intervals.ts";
import type { Case } from "../confidence/cases.ts";
import { isRegression, knownBefore, signalsOf } from "../confidence/learn.ts";

const NEAREST = 5;

interface Nearest {
  readonly cases: readonly { readonly case: Case; readonly distance: number }[];
  readonly regressions: number;
  /** 95 % interval (Wilson) of the share of regressions among deployments like these. */
  readonly low: number;
  readonly high: number;
}

/** The nearest cases at the first alarm; null without an alarm, or where none is known. */
export function nearestCases(cases: readonly Case[], asked: Case): Nearest | null {
  const own = asked.seen[0] ?? null;
  if (own === null) return null;
  const known = knownBefore(cases, asked.atMs, asked.deploymentId).flatMap((one) => {
    const seen = one.seen[0] ?? null;
    return seen === null ? [] : [{ case: one, seen }];
  });
  if (known.length === 0) return null;
  const distance = gower([...known.map(({ seen }) => seen), own], signalsOf([...cases, asked]));
  const nearest = known
    .map(({ case: one, seen }) => ({
      case: one,
      distance: distance(own, seen),
    }))
    .sort((a, b) => a.distance - b.distance || b.case.atMs - a.case.atMs)
    .slice(0, NEAREST);
  const regressions = nearest.filter((one) => isRegression(one.case)).length;
  const { low, high } = wilson(regressions / nearest.length, nearest.length);
  return { cases: nearest, regressions, low, high };
}

function gower(all: readonly Seen[], signals: readonly string[]) {
  const ranges = featuresFor(signals).map(({ of }) => {
    const values = all.map(of);
    return { of, range: Math.max(...values) - Math.min(...values) };
  });
  const telling = ranges.filter(({ range }) => range > 0);
  return (a: Seen, b: Seen): number => {
    if (telling.length === 0) return 0;
    const sum = telling.reduce(
      (total, { of, range }) => total + Math.abs(of(a) - of(b)) / range,
      0,
    );
    return sum / telling.length;
  };
}
