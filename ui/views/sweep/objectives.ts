/** What policies of a sweep are held against each other by, and how it is written. */

import { countText, decimalText } from "../../../lab/counted.ts";
import { identifiedText } from "../../../lab/score/identified.ts";
import type { ScoresDocument, SweepDetail } from "../../../lab/server/contract/sweeps.ts";
import type { Settings } from "../../shell/address.svelte.ts";
import { settingsOf } from "../../shell/stretch.svelte.ts";

export type SweepResult = NonNullable<SweepDetail["result"]>;
export type SweptPolicy = SweepResult["variations"][number];
export type ObjectiveKey = keyof ScoresDocument;

export interface Objective {
  readonly key: ObjectiveKey;
  readonly words: string;
  readonly text: (value: number) => string;
}

const percent = (value: number): string => `${(value * 100).toFixed(1)} %`;

/** All are better when lower; the first two are the axes of the frontier. */
export const OBJECTIVES: readonly Objective[] = [
  {
    key: "recoveryMinutes",
    words: "minutes to recovery",
    text: (value) => decimalText(value, 1),
  },
  { key: "falsePositiveRate", words: "false-positive rate", text: percent },
  {
    key: "cost",
    words: "cost of 100 deployments",
    text: (value) => countText(Math.round(value)),
  },
  { key: "missRate", words: "regressions missed", text: percent },
  { key: "nightPages", words: "night pages a week", text: (value) => decimalText(value, 1) },
];

export function objectiveOf(key: string | null, otherwise: ObjectiveKey): Objective {
  return (
    OBJECTIVES.find((one) => one.key === key) ?? OBJECTIVES.find((one) => one.key === otherwise)!
  );
}

/** A dash where this history cannot say it. */
export function scoreText({ text }: Objective, value: number | null | undefined): string {
  return value == null ? "–" : text(value);
}

/** The same, and how far it is identified where that is less than half. */
export function knownText(
  objective: Objective,
  { scores, reasons }: Pick<SweptPolicy, "scores"> & Partial<Pick<SweptPolicy, "reasons">>,
): string {
  const reason = reasons?.[objective.key];
  const text = scoreText(objective, scores[objective.key]);
  return reason === undefined ? text : `${text} (${identifiedText(reason)}: no interval)`;
}

export interface BarSource {
  readonly intervals: SweptPolicy["intervals"];
}

/** The 95 % interval of one objective; null where none is known. */
export function barOf({ intervals }: BarSource, key: ObjectiveKey): [number, number] | null {
  const found = intervals[key];
  return found == null ? null : [Math.max(0, found.low), found.high];
}

/** `window=1m, hold=0s`: what differs from the base. */
export function changesText(policy: Pick<SweptPolicy, "changes" | "name">): string {
  if (policy.changes.length === 0) return policy.name;
  return policy.changes.map(({ path, from, to }) => `${path}: ${from} → ${to}`).join(", ");
}

/** The settings with which What-if shows a variation, on what the sweep scored. */
export function whatIfSettings(
  { policy, scored }: Pick<SweepDetail, "policy" | "scored">,
  changes: SweptPolicy["changes"],
): Settings {
  const set = changes.map(({ path, to }) => `${path}=${to}`);
  return { base: policy.id, set, ...settingsOf(scored) };
}
