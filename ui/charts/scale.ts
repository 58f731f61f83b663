/** Domains and ticks that all charts of one kind share. */

import { max } from "d3-array";
import { scaleLinear, type ScaleLinear } from "d3-scale";

/** Numbers of the page have three decimals at most, so that two renderings are the same bytes. */
export function px(value: number): number {
  return Math.round(value * 1000) / 1000;
}

/** As far to either side of zero as any of them is, so that zero is in the middle of all charts. */
export function domainAround(values: readonly (number | null)[]): [number, number] {
  const most = max(values, (value) => (value === null ? undefined : Math.abs(value))) ?? 0;
  return most === 0 ? [-1, 1] : [-most, most];
}

export function linear(
  domain: readonly [number, number],
  range: readonly [number, number],
): ScaleLinear<number, number> {
  return scaleLinear([...domain], [...range]).clamp(true);
}
