/** What was judged of one watch: its judgements, or less where less says the same. */

import type { Deployment, SignalEvidence, SignalJudged } from "../event.ts";

/** A watch whose signals are silent and end healthy, as a glance knows it: whosever it is. */
export interface QuietWatch {
  readonly watchMs: number;
  /** Of every signal, in the order of the policy. */
  readonly evidence: readonly SignalEvidence[];
}

/** A watch whose judgements a host keeps in some form of its own. */
export interface KeptWatch {
  /** Does none of them breach or hold evidence that stands? */
  readonly isSilent: boolean;
  /** Equal each time, and not always the same objects. */
  readonly writtenOut: (deploymentId: string) => readonly SignalJudged[];
}

/** What was judged of one watch, in known order. */
export type WatchJudged = readonly SignalJudged[] | QuietWatch | KeptWatch;

export function isQuietWatch(judged: WatchJudged): judged is QuietWatch {
  return "evidence" in judged;
}

export function isKeptWatch(judged: WatchJudged): judged is KeptWatch {
  return "writtenOut" in judged;
}

/** The judgements of a deployment's watch, those of a quiet one or a kept one written out. */
export function judgementsOf(
  judged: WatchJudged,
  { deploymentId, startedAtMs }: Deployment,
): readonly SignalJudged[] {
  if (isKeptWatch(judged)) return judged.writtenOut(deploymentId);
  if (!isQuietWatch(judged)) return judged;
  const atMs = startedAtMs + judged.watchMs;
  return judged.evidence.map((evidence): SignalJudged => {
    return { kind: "signalJudged", atMs, knownAtMs: atMs, deploymentId, evidence, cause: "end" };
  });
}
