/** What tags did and what is wrong with some, in words; and which numbers tell their worth. */

import type { Unit } from "../../../lab/server/contract/compare.ts";
import type { TagsValue } from "../../../lab/server/contract/tags.ts";

export type Value = NonNullable<TagsValue["value"]>;
export type Change = Value["changes"][number];

/** Fields of a scorecard in which tags are valued; all are better when lower. */
export const WORTH: readonly { readonly field: string; readonly words: string }[] = [
  { field: "falsePositiveRollbacks", words: "false-positive rollbacks" },
  { field: "falsePositiveRate", words: "good deployments rolled back" },
  { field: "missRate", words: "regressions missed" },
  { field: "timeToRecovery.restrictedMean60m", words: "recovery, at most 60m" },
  { field: "mttr", words: "time to recovery" },
  { field: "pages", words: "pages" },
  { field: "nightPages", words: "night pages" },
  { field: "cost", words: "cost" },
];

/** By what tags did, the worst first. */
export const DEEDS: Readonly<Record<Change["did"], string>> = {
  masked: "masked: a regression was not rolled back",
  harmed: "harmed: a good deployment was rolled back",
  delayed: "delayed: a regression was rolled back later",
  saved: "saved: a good deployment was kept",
  caught: "caught: a regression was rolled back only with tags",
  hastened: "hastened: a regression was rolled back sooner",
};

export const STALE_WORDS: Readonly<Record<Value["stale"][number]["why"], string>> = {
  "about no deployment": "it is about no deployment of this history",
  "known too late": "it was known after the watch was over",
  "window missed the watch": "its window and the watch do not meet",
  outlives: "its window goes on long after the deployment's watch",
};

export type Difference = Value["differences"][number];

export function differenceOf(value: Value, arm: string, field: string): Difference | null {
  return (
    value.differences.find(
      (one) => one.against === "none" && one.candidatePolicy === arm && one.field === field,
    ) ?? null
  );
}

/** A share of a kind of tag: `82 %`; a dash where it was never measured. */
export function percentText(share: number | null): string {
  return share === null ? "–" : `${Math.round(share * 100)} %`;
}

/** Is a difference one in which no digit would be seen? */
export function isNone(difference: number | null, unit: Unit): boolean {
  if (difference === null) return false;
  return unit === "share" ? Math.abs(difference) < 5e-4 : Math.abs(difference) < 5e-2;
}
