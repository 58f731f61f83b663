/** Judges a history under one policy and learns its confidence from the labels. */

import { LABELS_AT_LEAST, ENGINE_VERSION, isEnough, type Policy } from "../../engine/index.ts";
import type { Labelling } from "../history/labels/choose.ts";
import type { History } from "../history/open.ts";
import { absent } from "../people/recorded.ts";
import { watchedFor } from "../policy/watchedFor.ts";
import { Problem } from "../problem.ts";
import type { Progress } from "../progress.ts";
import { replay } from "../replay/replay.ts";
import { casesOf, type Case } from "./cases.ts";
import { isRegression, learn, type Learned } from "./learn.ts";
import { walkForward, type WalkForward } from "./walkForward.ts";

export interface LearnedConfidence {
  readonly manifest: {
    readonly engineVersion: string;
    readonly history: string;
    readonly policy: { readonly name: string; readonly digest: string };
    readonly withinMs: number | null;
    readonly historyMs: number | null;
    readonly seed: number;
    /** On which labels it rests; absent where none were derived. */
    readonly labels?: Labelling;
  };
  /** Labelled ones, in the order of their moments. */
  readonly cases: readonly Case[];
  readonly learned: Learned;
  readonly walkForward: WalkForward;
}

export interface LearnOptions {
  readonly seed: number;
  /** How long after a change it is judged; null for the policy's watch. */
  readonly withinMs: number | null;
  /** How much of the past is shown before a change; null for all that the baseline needs. */
  readonly historyMs: number | null;
  readonly progress: Progress;
}

const PLATFORM = { rollBack: () => ({ durationMs: 0, succeeds: true }) };

/** @throws Problem where the history has too few labels to learn anything */
export async function learnConfidence(
  history: History,
  policy: Policy,
  { seed, withinMs, historyMs, progress }: LearnOptions,
): Promise<LearnedConfidence> {
  refuseFewLabels(history);
  const judged = withinMs === null ? policy : watchedFor(policy, withinMs);
  const replayed = await replay(history, [judged], absent, PLATFORM, progress, {
    lookBackAtMostMs: historyMs ?? undefined,
  });
  const cases = casesOf(history, replayed, 0).filter(({ label }) => label !== "unknown");
  return {
    manifest: {
      engineVersion: ENGINE_VERSION,
      history: history.manifest.digest,
      policy: { name: policy.policy, digest: policy.digest },
      withinMs,
      historyMs,
      seed,
      ...(history.labelling === undefined ? {} : { labels: history.labelling }),
    },
    cases,
    learned: learn(cases),
    walkForward: walkForward(cases, seed),
  };
}

/** Asked before the replay, which takes long. */
function refuseFewLabels({ tables, dir }: History): void {
  const labelled = tables.labels.filter(({ label }) => label !== "unknown");
  const regressions = labelled.filter(isRegression).length;
  const others = labelled.length - regressions;
  if (isEnough({ cases: labelled.length, regressions })) return;
  throw new Problem(
    `too few labels to learn from: ${regressions} regressions and ${others} others`,
    {
      file: dir,
      cure:
        `Label at least ${LABELS_AT_LEAST} of either (labels.csv). ` +
        "Until then there is only evidence, and no confidence.",
    },
  );
}
