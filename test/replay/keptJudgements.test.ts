/**
 * Judgements as columns, held against what a detection says of a small world and of watches
 * that a world rarely has. Law: what is written out again is equal to what was kept.
 */

import { afterAll, beforeAll, expect, it } from "vitest";
import {
  isKeptWatch,
  judgementsOf,
  type KeptWatch,
  type SignalEvidence,
  type SignalJudged,
  type WatchJudged,
} from "../../engine/index.ts";
import { openHistory, type History } from "../../lab/history/open.ts";
import { silent } from "../../lab/progress.ts";
import { quietMemory } from "../../lab/replay/beginning.ts";
import { KeptJudgements } from "../../lab/replay/keptJudgements.ts";
import { watchHistory } from "../../lab/replay/replay.ts";
import { HOOK_MS, shipped, smallHistory } from "../history/smallWorld.ts";

let history: History;
beforeAll(async () => {
  history = await openHistory(await smallHistory());
}, HOOK_MS);
afterAll(() => history.close());

it("come back as a detection made them, and are as silent", async () => {
  const policies = ["evidence", "default", "tagged-threshold"].map(shipped);
  const { plan, judged } = await watchHistory(history, policies, silent);
  let [silentOnes, tagged, standing] = [0, 0, 0];
  for (const ofPolicy of judged) {
    const watches = [...ofPolicy];
    const kept = new KeptJudgements(watches, [], 7);
    for (const place of watches.keys()) kept.keep(place);
    const { length } = ofPolicy.filter((watch) => (watch as readonly SignalJudged[]).length > 0);
    expect(watches.filter(isKeptWatch)).toHaveLength(length);
    const { isQuiet } = quietMemory(false);
    watches.forEach((watch, place) => {
      const { deployment } = plan.deployments.at(place)!;
      const before = ofPolicy[place]! as readonly SignalJudged[];
      expect(judgementsOf(watch, deployment)).toEqual(before);
      expect(isQuiet(watch)).toBe(isQuiet(before));
      if (isQuiet(watch)) silentOnes++;
      if (before.some(({ evidence }) => evidence.tags.length > 0)) tagged++;
      if (before.some(({ evidence }) => evidence.standing !== null)) standing++;
    });
  }
  const all = policies.length * plan.deployments.length;
  expect(silentOnes).toBeGreaterThan(0.2 * all);
  expect(silentOnes).toBeLessThan(all);
  expect(Math.min(tagged, standing)).toBeGreaterThan(0);
});

it("share what they shared, keep what is rare, and stay as they are where they are few", () => {
  const quiet: SignalEvidence = evidence({ signal: "errors" });
  const breach = evidence({
    verdict: "breach",
    series: null,
    effect: -0,
    interval: { low: -0.09, high: 0.01 },
    breaching: [{ series: "shop/latency_p95_ms", sinceMs: 1 }],
    control: { peers: 3, subtracted: 0.1 },
    season: { days: 0, without: "too new" },
    hardGuard: true,
    cause: "noData",
  });
  const judgements = [judged(breach, "sample"), judged(quiet, "end"), judged(breach, "end")];
  const watches: WatchJudged[] = [judgements, [], judgements];
  const kept = new KeptJudgements(watches, [quiet], 1);
  kept.keep(0);
  expect(watches[0]).toBe(judgements);
  kept.keep(1);
  kept.keep(2);
  const [watch, nothing, other] = watches as [KeptWatch, WatchJudged, KeptWatch];
  expect(nothing).toEqual([]);
  expect([watch, other].map(isKeptWatch)).toEqual([true, true]);
  expect(other.writtenOut("d1")).toEqual(judgements);
  expect(watch.isSilent).toBe(false);
  const again = watch.writtenOut("d1");
  expect(again).toEqual(judgements);
  expect(again[1]!.evidence).toBe(quiet);
  expect(again[2]!.evidence).toEqual(again[0]!.evidence);
});

function judged(of: SignalEvidence, cause: SignalJudged["cause"]): SignalJudged {
  return {
    kind: "signalJudged",
    atMs: 1000,
    knownAtMs: 2000,
    deploymentId: "d1",
    evidence: of,
    cause,
  };
}

function evidence(some: Partial<SignalEvidence>): SignalEvidence {
  return {
    signal: "latency",
    verdict: "healthy",
    reason: "within tolerance",
    series: "shop/latency_p95_ms",
    effect: null,
    interval: null,
    expected: 180.5,
    scale: 0.04,
    tolerance: 0.1,
    baseTolerance: 0.1,
    statistic: null,
    limit: 8,
    logE: null,
    breaching: [],
    standing: null,
    samples: 39,
    baselineSamples: 360,
    missing: 0,
    tags: [],
    untagged: "healthy",
    untaggedReason: "without tags: within tolerance",
    placebo: null,
    control: null,
    season: null,
    ...some,
  };
}
