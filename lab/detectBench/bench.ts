/**
 * Measures a policy's detection on every labelled deployment of a history, beside the baselines.
 *
 * All detectors see the same signals, tolerances and windows. No threshold is tuned on this history
 * except in `crossValidatedF1`, and there never on the service that is judged.
 */

import {
  ENGINE_VERSION,
  watches,
  type DetectorSettings,
  type Policy,
  type SeriesName,
} from "../../engine/index.ts";
import type { Progress } from "../progress.ts";
import { listed } from "../history/import/findings.ts";
import { namesOf } from "../history/metric/seriesName.ts";
import type { History } from "../history/open.ts";
import { absent } from "../people/recorded.ts";
import { watchedFor } from "../policy/watchedFor.ts";
import { Problem } from "../problem.ts";
import { replay } from "../replay/replay.ts";
import { blindCases, ruleOf } from "./baselines.ts";
import { casesOf, type Case } from "./cases.ts";
import { measure, type Measures } from "./measures.ts";
import { naiveCases } from "./naive.ts";
import { counted } from "../counted.ts";

export interface BenchRow extends Measures {
  readonly detector: string;
}

export interface Bench {
  readonly manifest: {
    readonly engineVersion: string;
    readonly history: string;
    readonly policy: { readonly name: string; readonly digest: string };
    readonly withinMs: number | null;
    readonly historyMs: number | null;
    readonly seed: number;
    readonly replicates: number;
  };
  /** Null, or why these rows say nothing. */
  readonly inconclusive: string | null;
  readonly bad: number;
  readonly good: number;
  /** None where nothing is watched. */
  readonly rows: readonly BenchRow[];
  readonly notes: readonly string[];
}

export interface BenchOptions {
  /** How long after a change it is judged; null for the policy's watch. */
  readonly withinMs: number | null;
  /** How much of the past is shown before a change; null for all that the baseline needs. */
  readonly historyMs: number | null;
  readonly seed: number;
  readonly replicates: number;
  readonly progress: Progress;
}

const base = { baselineMs: 0, season: false };

/** Rules that people run today, expressed as settings of our detectors. */
const RULES: readonly (readonly [string, DetectorSettings])[] = [
  ["plain threshold", { ...base, kind: "threshold", breaches: 1, of: 1 }],
  ["threshold 3 of 3", { ...base, kind: "threshold", breaches: 3, of: 3 }],
  // One sample three standard deviations beyond the tolerance: no memory at all.
  ["3 sigma", { ...base, kind: "ewma", weight: 1, clip: 1000, limit: 3 }],
  [
    "Kayenta-compatible",
    { ...base, kind: "mannWhitney", confidence: 0.98, limit: 0.25, atLeast: 3, every: 1 },
  ],
];

function whatItHas(names: readonly SeriesName[]): string {
  const metrics = new Set(names.map(({ metric, role }) => `${metric} (${role ?? "no role"})`));
  return `It has ${listed([...metrics].sort(), 12)}.`;
}

const CURE =
  "Watch these by `role` or `metric`, or correct their roles in metric_catalog.csv; " +
  "`hindsight policy suggest` drafts a policy for this history.";

/** @throws Problem when no deployment is labelled good, or none bad */
export async function benchDetection(
  history: History,
  policy: Policy,
  options: BenchOptions,
): Promise<Bench> {
  const { withinMs, seed, replicates } = options;
  const judged = withinMs === null ? policy : watchedFor(policy, withinMs);
  const manifest = {
    engineVersion: ENGINE_VERSION,
    history: history.manifest.digest,
    policy: { name: policy.policy, digest: policy.digest },
    withinMs,
    historyMs: options.historyMs,
    seed,
    replicates,
  };
  const names = namesOf(history);
  if (!policy.signals.some((signal) => names.some((name) => watches(signal, name)))) {
    const inconclusive = `no metric of this history is watched by ${policy.policy}`;
    return { manifest, inconclusive, bad: 0, good: 0, rows: [], notes: [whatItHas(names), CURE] };
  }
  const policies = [judged, ...RULES.map(([name, detector]) => ruleOf(judged, name, detector))];
  const replayed = await replay(
    history,
    policies,
    absent,
    { rollBack: () => ({ durationMs: 0, succeeds: true }) },
    options.progress,
    { lookBackAtMostMs: options.historyMs ?? undefined },
  );
  const own = casesOf(history, replayed, 0);
  const bad = own.filter((one) => one.bad).length;
  if (bad === 0 || bad === own.length) {
    throw new Problem(`${bad} bad and ${own.length - bad} good deployments are labelled`, {
      file: history.dir,
      cure: "detect-bench needs both: import labels.csv with regressions and benign deployments.",
    });
  }
  const row = (detector: string, cases: readonly Case[]): BenchRow => ({
    detector,
    ...measure(cases, seed, replicates),
  });
  const naive = await naiveCases(history, replayed.plan, judged, own);
  return {
    manifest,
    inconclusive: own.every(({ undecided }) => undecided)
      ? `${policy.policy} could judge none of ${counted(own.length, "labelled deployment")}`
      : null,
    bad,
    good: own.length - bad,
    rows: [
      row(policy.policy, own),
      row("naive before/after", naive),
      ...RULES.map(([name], index) => row(name, casesOf(history, replayed, index + 1))),
      ...[...blindCases(own, seed)].map(([name, cases]) => row(name, cases)),
    ],
    notes: notesOf(history, own, bad),
  };
}

function notesOf(history: History, cases: readonly Case[], bad: number): string[] {
  const notes: string[] = [];
  const left = history.tables.deployments.length - cases.length;
  if (left > 0)
    notes.push(`Left out, labelled unrelated or not at all: ${counted(left, "deployment")}.`);
  const unjudged = cases.filter((one) => one.undecided);
  if (unjudged.length > 0) {
    const isBad = unjudged.filter((one) => one.bad).length;
    notes.push(
      `Could not be judged: ${counted(unjudged.length, "deployment")}, ${isBad} of them bad. ` +
        "They are neither misses nor correct passes; recall and balanced accuracy count them " +
        "as wrong.",
    );
  }
  if (bad < 30)
    notes.push(`Only ${counted(bad, "bad deployment")}: read the intervals, not the values.`);
  const censored = history.tables.decisions.some(({ what }) => what === "rollbackStarted");
  if (censored) {
    notes.push("History rolled back some of these: what a slower detector would have seen is cut.");
  }
  return notes;
}
