/** What policies of a sweep are held against each other by, and how it is written. */

import { formatValue } from "../../../lab/compare/words.ts";
import { countText, decimalText } from "../../../lab/counted.ts";
import { identifiedText } from "../../../lab/score/identified.ts";
import type { ScoresDocument, SweepDetail } from "../../../lab/server/contract/sweeps.ts";
import type { Settings } from "../../shell/address.svelte.ts";
import { limitSettingsOf } from "../../shell/limits.ts";
import { settingsOf } from "../../shell/stretch.svelte.ts";

export type SweepResult = NonNullable<SweepDetail["result"]>;
export type SweptPolicy = SweepResult["variations"][number];
export type ObjectiveKey = keyof ScoresDocument;

export interface Objective {
  readonly key: ObjectiveKey;
  readonly words: string;
  readonly text: (value: number) => string;
  /**
   * What a value is of a variation that is not scored as on Compare: what history hid counts as not
   * rolled back there, which bounds some scores from one side.
   */
  readonly screened: "≤" | "≥" | "≈";
}

const percent = (value: number): string => `${(value * 100).toFixed(1)} %`;

/** All are better when lower; the first two are the axes of the frontier. */
export const OBJECTIVES: readonly Objective[] = [
  {
    key: "recoveryMinutes",
    // The same words and the same form as on Compare.
    words: "recovery, first hour counted",
    text: (value) => formatValue("seconds", value * 60),
    screened: "≤",
  },
  { key: "falsePositiveRate", words: "false-positive rate", text: percent, screened: "≥" },
  {
    key: "cost",
    words: "cost of 100 deployments",
    text: (value) => countText(Math.round(value)),
    screened: "≈",
  },
  { key: "missRate", words: "regressions missed", text: percent, screened: "≤" },
  {
    key: "nightPages",
    words: "night pages a week",
    text: (value) => decimalText(value, 1),
    screened: "≈",
  },
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

/** A sweep of an earlier version scored every variation alike. */
export function isScreened({ compared }: Partial<Pick<SweptPolicy, "compared">>): boolean {
  return compared === false;
}

/** The same with its bound where it is only screened, and how far it is identified if little. */
export function knownText(
  objective: Objective,
  one: Pick<SweptPolicy, "scores"> & Partial<Pick<SweptPolicy, "reasons" | "compared">>,
): string {
  const reason = one.reasons?.[objective.key];
  const value = one.scores[objective.key];
  const bound = isScreened(one) && value != null ? `${objective.screened} ` : "";
  const text = `${bound}${scoreText(objective, value)}`;
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

/** The settings with which What-if shows a variation: what the sweep scored, and its limits. */
export function whatIfSettings(
  { policy, scored, limits }: Pick<SweepDetail, "policy" | "scored" | "limits">,
  changes: SweptPolicy["changes"],
): Settings {
  const set = changes.map(({ path, to }) => `${path}=${to}`);
  return { base: policy.id, set, limit: limitSettingsOf(limits), ...settingsOf(scored) };
}
