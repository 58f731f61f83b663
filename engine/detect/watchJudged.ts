/**
 * What was judged of one watch. A replay keeps millions of them, so there are two shorter forms
 * beside the list of judgements; `judgementsOf` gives the same judgements from each.
 */

import type { Deployment, SignalEvidence, SignalJudged } from "../event.ts";

/**
 * A watch in which nothing happened until its end: only the last evidence of each signal is kept.
 * It names no deployment, so equal ones can be shared (see glance/).
 */
export interface QuietWatch {
  readonly watchMs: number;
  /** The last evidence of every signal, in the order of the policy. */
  readonly evidence: readonly SignalEvidence[];
}

/** A watch whose judgements a host keeps in a form of its own, such as packed columns. */
export interface KeptWatch {
  /** True where no judgement is a breach or holds standing evidence. */
  readonly isSilent: boolean;
  /** The judgements; equal at each call, but not always the same objects. */
  readonly writtenOut: (deploymentId: string) => readonly SignalJudged[];
}

/** What was judged of one watch, in the order it became known. */
export type WatchJudged = readonly SignalJudged[] | QuietWatch | KeptWatch;

export function isQuietWatch(judged: WatchJudged): judged is QuietWatch {
  return "evidence" in judged;
}

export function isKeptWatch(judged: WatchJudged): judged is KeptWatch {
  return "writtenOut" in judged;
}

/** The judgements of a deployment's watch, whichever form they are kept in. */
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
