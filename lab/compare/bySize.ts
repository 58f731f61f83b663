/**
 * The error of the model by the size of what was seen before the cut. History rolled the largest
 * excursions back, so the deployments that it let run, on which the model is tested, are smaller
 * than those that it hid. An error that was seen on small ones is no evidence about large ones.
 *
 * The tested deployments of a kind are divided by rank into bins with enough of them in each. Each
 * tested deployment then stands for as many hidden ones as its bin has for each tested one
 * (post-stratification: Holt and Smith 1979). Hidden deployments smaller or larger than every
 * tested one lie in no bin: they count as far off as those of the worst bin, all in one direction,
 * with the error that was seen and how little it is known added up.
 */

import { judgementsOf } from "../../engine/index.ts";
import { breachSize } from "../outcome/breachSize.ts";
import type { JudgedBefore } from "../replay/judgements.ts";
import type { Plan } from "../replay/plan.ts";
import { tidy } from "../score/intervals.ts";
import type { Kind } from "./kinds.ts";

/** With fewer tests the model says nothing of a kind, and a bin is no evidence. */
export const TESTED_AT_LEAST = 5;
/** Quarters: more bins with few tests in each would measure luck. */
const BINS_AT_MOST = 4;

/**
 * By deployment: the largest breach that was known when it was cut short, in multiples of its
 * tolerance; zero where there was none. A deployment that was not cut short is left out.
 *
 * @param judged the judgements of one policy, by place
 * @param cutsAtMs when a deployment is cut short; undefined: it is not
 */
export function sizesAtCut(
  deployments: Plan["deployments"],
  judged: JudgedBefore[number],
  cutsAtMs: (deploymentId: string) => number | undefined,
): ReadonlyMap<string, number> {
  const sizes = new Map<string, number>();
  deployments.forEach(({ deployment, rolledBackAtMs }, place) => {
    const { deploymentId } = deployment;
    const cutAtMs = cutsAtMs(deploymentId) ?? rolledBackAtMs;
    if (cutAtMs === null) return;
    let largest = 0;
    for (const { knownAtMs, evidence } of judgementsOf(judged[place]!, deployment)) {
      if (knownAtMs <= cutAtMs) largest = Math.max(largest, breachSize(evidence));
    }
    sizes.set(deploymentId, largest);
  });
  return sizes;
}

/** Of two policies the larger size: either one shows that the deployment was far off. */
export function larger(
  one: ReadonlyMap<string, number>,
  other: ReadonlyMap<string, number>,
): ReadonlyMap<string, number> {
  return new Map(
    [...one].map(([id, size]): [string, number] => [id, Math.max(size, other.get(id) ?? 0)]),
  );
}

/** Deployments of one kind that were about as large when they were cut short. */
export interface Bin {
  readonly kind: Kind;
  /** In multiples of the tolerance. `to` is the largest size in it; null: without end. */
  readonly from: number;
  readonly to: number | null;
  readonly hidden: number;
  /** Indices among the tested deployments of the kind; none: no known deployment covers it. */
  readonly tested: readonly number[];
}

/** What the test says of one bin. */
export interface ErrorInBin extends Omit<Bin, "tested"> {
  readonly tested: number;
  /** The standard error of a difference that it leaves, in the unit of the field. */
  readonly error: number;
}

/**
 * The bins of a kind in ascending order, those that nothing tested covers only where they hide
 * something. There is at least one tested deployment.
 */
export function binsOf(kind: Kind, tested: readonly number[], hidden: readonly number[]): Bin[] {
  const ranked = [...tested.keys()].sort((a, b) => tested[a]! - tested[b]!);
  const wanted = Math.max(TESTED_AT_LEAST, Math.ceil(ranked.length / BINS_AT_MOST));
  const groups: number[][] = [[]];
  for (const [rank, at] of ranked.entries()) {
    const isApart = rank > 0 && tested[at]! > tested[ranked[rank - 1]!]!;
    const isFull = groups.at(-1)!.length >= wanted;
    if (isApart && isFull && ranked.length - rank >= TESTED_AT_LEAST) groups.push([]);
    groups.at(-1)!.push(at);
  }
  const [least, most] = [tested[ranked[0]!]!, tested[ranked.at(-1)!]!];
  const fromOf = (group: number): number => tested[groups[group]![0]!]!;
  const count = (holds: (size: number) => boolean): number => hidden.filter(holds).length;
  const bins = groups.map((own, at): Bin => {
    const [from, to] = [fromOf(at), tested[own.at(-1)!]!];
    const isLast = at === groups.length - 1;
    const until = isLast ? Number.POSITIVE_INFINITY : fromOf(at + 1);
    const inIt = count((size) => size >= from && size < until && size <= most);
    return { kind, from, to, hidden: inIt, tested: own };
  });
  const below = { kind, from: 0, to: least, hidden: count((size) => size < least), tested: [] };
  const above = { kind, from: most, to: null, hidden: count((size) => size > most), tested: [] };
  return [below, ...bins, above].filter((bin) => bin.tested.length > 0 || bin.hidden > 0);
}

/** Moves of a difference by which the model was off, and where each of them happened. */
export interface Moves {
  /** By tested deployment of the kind. */
  readonly moves: readonly number[];
  readonly services: readonly number[];
}

/** The standard error of what the model says of all hidden deployments of a kind. */
export function errorOf(bins: readonly Bin[], found: Moves): number {
  const covered = bins.filter(({ tested }) => tested.length > 0);
  return errorIn(covered, found) + uncoveredError(bins, found);
}

/** The same of each bin alone. */
export function errorsBySize(bins: readonly Bin[], found: Moves): readonly ErrorInBin[] {
  return bins.map((bin): ErrorInBin => {
    const { kind, from, to, hidden, tested } = bin;
    const error = tested.length > 0 ? errorIn([bin], found) : hidden * worstOf(bins, found);
    return {
      kind,
      from: tidy(from),
      to: to === null ? null : tidy(to),
      hidden,
      tested: tested.length,
      error: tidy(error),
    };
  });
}

/** Of the error that was seen, whichever is larger: what it is, or how little it is known. */
function errorIn(bins: readonly Bin[], found: Moves): number {
  const { bias, noise } = seenIn(bins, found);
  return Math.max(bias, noise);
}

/** Each tested deployment counts for the hidden ones of its bin; services err alike, bins too. */
function seenIn(
  bins: readonly Bin[],
  { moves, services }: Moves,
): { readonly bias: number; readonly noise: number } {
  let whole = 0;
  const byService = new Map<number, number>();
  for (const { hidden, tested } of bins) {
    const each = hidden / tested.length;
    const sum = tested.reduce((all, at) => all + moves[at]!, 0);
    whole += each * sum;
    for (const at of tested) {
      const off = each * (moves[at]! - sum / tested.length);
      byService.set(services[at]!, (byService.get(services[at]!) ?? 0) + off);
    }
  }
  return { bias: Math.abs(whole), noise: Math.hypot(...byService.values()) };
}

function uncoveredError(bins: readonly Bin[], found: Moves): number {
  const hidden = bins.reduce((sum, bin) => sum + (bin.tested.length > 0 ? 0 : bin.hidden), 0);
  return hidden === 0 ? 0 : hidden * worstOf(bins, found);
}

/** How far off one deployment of the worst bin may be: its error, and how little that is known. */
function worstOf(bins: readonly Bin[], found: Moves): number {
  const each = bins
    .filter(({ tested }) => tested.length > 0)
    .map((bin) => seenIn([{ ...bin, hidden: 1 }], found))
    .map(({ bias, noise }) => bias + noise);
  return Math.max(...each);
}
