/**
 * Judges the deployments of a log again from the samples of their history: are the samples those
 * whose digests the log has, and does today's detection judge them as it did then?
 *
 * Where the digest of a deployment's samples differs, the differing series are named, and its
 * judgements are not compared.
 */

import {
  canonicalJson,
  isBatch,
  judgementsOf,
  own,
  type DecisionEvent,
  type JsonObject,
  type Policy,
  type SamplesSeen,
  type SignalJudged,
} from "../../engine/index.ts";
import type { Progress } from "../progress.ts";
import type { Past } from "../history/open.ts";
import { Problem } from "../problem.ts";
import { detect } from "../replay/detect.ts";
import { planReplay } from "../replay/plan.ts";
import { withDefaults } from "./policyOfLog.ts";
import { logEntries } from "./read.ts";
import { collectSamples } from "../replay/samplesSeen.ts";

export interface SampleDifference {
  /** Of the log, counted from 1. */
  readonly line: number;
  readonly deploymentId: string;
  /** `service/metric`; null where it is not about a single series. */
  readonly series: string | null;
  readonly what: string;
}

export interface JudgementDifference {
  readonly line: number;
  readonly deploymentId: string;
  readonly policy: string;
  readonly signal: string;
  readonly logged: string;
  /** Null where today's detection makes no judgement at that time. */
  readonly now: string | null;
}

export interface JudgedAgain {
  /** Does the history have the digest that the log names? */
  readonly sameHistory: boolean;
  /** Deployments whose samples were compared. */
  readonly deployments: number;
  readonly samples: readonly SampleDifference[];
  /** Judgements made again. */
  readonly judgements: number;
  readonly judged: readonly JudgementDifference[];
}

interface Logged {
  readonly policies: readonly Policy[];
  readonly histories: ReadonlySet<string | null>;
  readonly samples: readonly { readonly line: number; readonly seen: SamplesSeen }[];
  readonly judgements: readonly {
    readonly line: number;
    readonly policy: number;
    readonly event: SignalJudged;
  }[];
}

/** @throws Problem as `logEntries` does, and where the log has no digests of samples */
export async function judgeAgain(
  file: string,
  open: boolean,
  history: Past,
  progress: Progress,
): Promise<JudgedAgain> {
  const logged = readLogged(file, open);
  if (logged.samples.length === 0) {
    throw new Problem("this log has no digests of samples: nothing can be held against a history", {
      file,
      cure: "`replay --out` and `compare --out` write logs that have them.",
    });
  }
  const plan = await planReplay(history, logged.policies);
  const { seen, byDeployment } = collectSamples();
  const { judged } = await detect(history, plan, logged.policies, progress, { seen });
  progress.end();
  const known = new Map(
    logged.samples.map(({ line, seen: then }) => [
      then.deploymentId,
      sampleDifferences(line, then, byDeployment.get(then.deploymentId) ?? null),
    ]),
  );
  const places = new Map(
    plan.deployments.map(({ deployment }, at) => [deployment.deploymentId, at]),
  );
  const compared = logged.judgements.filter(
    ({ event }) => known.get(event.deploymentId)?.length === 0,
  );
  return {
    sameHistory: logged.histories.has(history.manifest.digest) && logged.histories.size === 1,
    deployments: known.size,
    samples: [...known.values()].flat(),
    judgements: compared.length,
    judged: compared.flatMap(({ line, policy, event }) => {
      const place = places.get(event.deploymentId)!;
      const now = judgementsOf(judged[policy]![place]!, plan.deployments.at(place)!.deployment);
      return judgementDifference(line, logged.policies[policy]!.policy, event, now);
    }),
  };
}

function readLogged(file: string, open: boolean): Logged {
  const policies: Policy[] = [];
  const histories = new Set<string | null>();
  const samples = new Map<string, Logged["samples"][number]>();
  const judgements: Logged["judgements"][number][] = [];
  let policy: number | null = null;
  const take = (line: number, event: DecisionEvent): void => {
    // After a change of policy, judgements cannot be made again with the header's policy.
    if (event.kind === "policyChanged") policy = null;
    if (event.kind === "signalJudged" && policy !== null) judgements.push({ line, policy, event });
  };
  for (const { line, entry } of logEntries(file, open)) {
    if (entry.kind === "event") {
      if (entry.content.kind !== "contextPrepared") take(line, entry.content);
    } else if (entry.kind === "header") {
      const { digest } = entry.content.policy;
      policy = policies.findIndex((one) => one.digest === digest);
      if (policy < 0) policy = policies.push(withDefaults(entry.content.policy).policy) - 1;
      histories.add(entry.content.history);
    } else if (entry.kind === "samples" && !isBatch(entry.content)) {
      const seen = entry.content;
      if (!samples.has(seen.deploymentId)) samples.set(seen.deploymentId, { line, seen });
    }
  }
  return { policies, histories, samples: [...samples.values()], judgements };
}

function sampleDifferences(
  line: number,
  then: SamplesSeen,
  now: SamplesSeen | null,
): SampleDifference[] {
  const found = (series: string | null, what: string): SampleDifference => ({
    line,
    deploymentId: then.deploymentId,
    series,
    what,
  });
  if (now === null) return [found(null, "the history has no such deployment, or no samples of it")];
  if (now.digest === then.digest) {
    if (now.contextDigest === then.contextDigest) return [];
    return [found(null, "what its judgement was prepared with from earlier samples is other")];
  }
  const [before, after] = [then.bySeries ?? {}, now.bySeries!];
  const named = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  const bySeries = named.flatMap((series): SampleDifference[] => {
    const [was, is] = [own(before, series), own(after, series)];
    if (was === undefined) return [found(series, "the log does not have this series")];
    if (is === undefined) return [found(series, "the history does not have this series")];
    if (was.digest === is.digest) return [];
    if (was.samples === is.samples) return [found(series, `its ${is.samples} samples are others`)];
    return [found(series, `${was.samples} samples in the log, ${is.samples} in the history`)];
  });
  if (then.bySeries !== undefined && bySeries.length > 0) return bySeries;
  return [
    found(
      null,
      `${then.samples} samples of ${then.series} series in the log, ${now.samples} of ` +
        `${now.series} in the history, and they are not the same; this log names no series`,
    ),
  ];
}

function judgementDifference(
  line: number,
  policy: string,
  event: SignalJudged,
  now: readonly SignalJudged[],
): JudgementDifference[] {
  const { deploymentId, knownAtMs, evidence } = event;
  const same = now.find(
    (one) => one.knownAtMs === knownAtMs && one.evidence.signal === evidence.signal,
  );
  if (same !== undefined && isAlike(evidence, same.evidence)) return [];
  const say = (one: SignalJudged): string => `${one.evidence.verdict}: ${one.evidence.reason}`;
  const text = same === undefined ? null : say(same);
  const { signal } = evidence;
  return [{ line, deploymentId, policy, signal, logged: say(event), now: text }];
}

/** Compares the fields that the log has; fields that were added since are ignored. */
function isAlike(logged: object, now: object): boolean {
  const today = now as JsonObject;
  return Object.entries(logged).every(
    ([name, value]) => canonicalJson(value ?? null) === canonicalJson(own(today, name) ?? null),
  );
}
