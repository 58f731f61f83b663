/** A sweep as cells over two of its knobs: the best of what else is varied stands in each. */

import { countText } from "../../../lab/counted.ts";
import type { SweepDetail } from "../../../lab/server/contract/sweeps.ts";
import type { HeatCell } from "../../charts/heatCell.ts";
import {
  isScreened,
  knownText,
  type Objective,
  type SweepResult,
  type SweptPolicy,
} from "./objectives.ts";

export interface HeatChoice {
  /** Places of the knobs among those of the sweep. */
  readonly x: number;
  readonly y: number;
  readonly objective: Objective;
}

/** More values of a continuous range than this are put together. */
const BINS = 24;
const BEST_AT_MOST = 3;

export interface Axis {
  readonly path: string;
  readonly labels: readonly string[];
  /** Which column a value stands in. */
  readonly at: ReadonlyMap<string, number>;
}

/** Sizes of one kind: `90s` and `2m` in seconds, `15%` and `1pp` as they are; null: a word. */
export function sizeOf(text: string): number | null {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d|w)/g)];
  if (parts.length > 0 && parts.map(([part]) => part).join("") === text) {
    const SECONDS = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 } as const;
    return parts.reduce(
      (sum, [, size, unit]) => sum + Number(size) * SECONDS[unit as keyof typeof SECONDS],
      0,
    );
  }
  const number = /^([+-]?\d+(?:\.\d+)?)(?:%|pp)?$/.exec(text);
  return number === null ? null : Number(number[1]);
}

export function axisOf(detail: SweepDetail, knob: number): Axis {
  const { path, values } = detail.knobs[knob]!;
  const now = detail.incumbentPlace[knob] ?? null;
  const known = [...new Set(now === null ? values : [...values, now])];
  const sizes = new Map(known.map((value) => [value, sizeOf(value)]));
  const sized = known.every((value) => sizes.get(value) !== null);
  const order = sized ? [...known].sort((a, b) => sizes.get(a)! - sizes.get(b)!) : known;
  const same = (a: string, b: string): boolean => sized && sizes.get(a) === sizes.get(b);
  const distinct = order.filter((value, at) => at === 0 || !same(value, order[at - 1]!));
  const perBin = Math.max(1, distinct.length > 2 * BINS ? distinct.length / BINS : 1);
  const columnOf = (value: string): number =>
    Math.floor(distinct.findIndex((one) => one === value || same(one, value)) / perBin);
  const columns = Math.ceil(distinct.length / perBin);
  return {
    path,
    labels: Array.from({ length: columns }, (_, at) => distinct[Math.floor(at * perBin)]!),
    at: new Map(order.map((value) => [value, columnOf(value)])),
  };
}

export interface Heat {
  readonly x: Axis;
  readonly y: Axis;
  readonly cells: readonly HeatCell[];
  /** How many policies share a cell at most. */
  readonly deepest: number;
  /** Is any cell only a bound of what Compare would show? */
  readonly bounded: boolean;
}

/** @param hrefOf of a variation, and of null: of the policy as it is now */
export function heatOf(
  detail: SweepDetail,
  result: SweepResult,
  { x: xKnob, y: yKnob, objective }: HeatChoice,
  hrefOf: (policy: SweptPolicy | null) => string,
): Heat {
  const [x, y] = [axisOf(detail, xKnob), axisOf(detail, yKnob)];
  const best = new Map<string, { value: number; policy: SweptPolicy | null; count: number }>();
  const add = (policy: SweptPolicy | null, place: readonly (string | null)[]): void => {
    const column = x.at.get(place[xKnob] ?? "");
    const row = y.at.get(place[yKnob] ?? "");
    const value = (policy ?? result.incumbent).scores[objective.key];
    if (column === undefined || row === undefined || value == null) return;
    const key = `${column} ${row}`;
    const known = best.get(key);
    const count = (known?.count ?? 0) + 1;
    if (known !== undefined && known.value <= value) known.count = count;
    else best.set(key, { value, policy, count });
  };
  add(null, detail.incumbentPlace);
  result.variations.forEach((policy, at) => {
    add(policy, detail.places[at] ?? []);
  });
  const now = nowOf(detail, x, y, xKnob, yKnob);
  const least = Math.min(...[...best.values()].map(({ value }) => value));
  // Where many are alike none of them is the best.
  const alike = [...best.values()].filter(({ value }) => value === least).length;
  const cells = [...best].map(([key, { value, policy, count }]): HeatCell => {
    const [column, row] = key.split(" ").map(Number) as [number, number];
    const isNow = key === now;
    const text = knownText(objective, policy ?? result.incumbent);
    const others = count > 1 ? `, the best of ${countText(count)}` : "";
    return {
      x: column,
      y: row,
      value,
      text,
      label:
        `${x.path} ${x.labels[column]}, ${y.path} ${y.labels[row]}: ${objective.words} ` +
        `${text}${others}${isNow ? " (as it is now)" : ""}`,
      href: hrefOf(policy),
      mark: isNow ? "now" : value === least && alike <= BEST_AT_MOST ? "best" : null,
    };
  });
  const deepest = Math.max(0, ...[...best.values()].map(({ count }) => count));
  const bounded = [...best.values()].some(({ policy }) => policy !== null && isScreened(policy));
  return { x, y, cells, deepest, bounded };
}

function nowOf(detail: SweepDetail, x: Axis, y: Axis, xKnob: number, yKnob: number): string {
  const column = x.at.get(detail.incumbentPlace[xKnob] ?? "");
  const row = y.at.get(detail.incumbentPlace[yKnob] ?? "");
  return `${column} ${row}`;
}
