/**
 * Random fleets that were judged already: whatever is decided of a deployment alone or with some
 * others is what the whole fleet in one fold decides, told late or not, whoever is to blame.
 */

import fc from "fast-check";
import { expect, test } from "vitest";
import type { AgentProposed, Deployment, SignalJudged } from "../../engine/index.ts";
import { absent } from "../../lab/people/recorded.ts";
import { quietMemory } from "../../lab/replay/beginning.ts";
import { decisionsOf } from "../../lab/replay/decide.ts";
import { inOrder } from "../../lab/replay/order.ts";
import type { Plan, PlannedDeployment } from "../../lab/replay/plan.ts";
import { evidenceOf } from "../engine/judgedFleet.ts";
import { policyOf } from "../engine/policyFile.ts";

const SOAKS = process.env["SOAK"] !== undefined;
const RUNS = SOAKS ? { numRuns: 50_000 } : { numRuns: 1500, seed: 20_261_126 };
const MINUTE_MS = 60_000;
const START_MS = Date.UTC(2026, 2, 12, 9);
const oneOf = <Value>(...values: readonly Value[]) => fc.constantFrom(...values);

const POLICIES = ["full", "override", "approve"].flatMap((otherwise) =>
  ["30m", "60m"].map((watch) =>
    policyOf({
      policy: `${otherwise}-${watch}`,
      owner: "platform",
      watch,
      signals: { errors: { metric: "errors", of: ["own", "dependants"], tolerance: "10%" } },
      fusion: "any",
      assign: [{ otherwise }],
      ...(watch === "60m" ? { agents: { sre: { from: "50%", aloneFrom: "80%" } } } : {}),
    }),
  ),
);

interface Deployed {
  readonly service: string;
  /** Since the first may start, as all of these. */
  readonly startMinute: number;
  readonly lateMinutes: number;
  /** Of which service a breach is, and how far into the watch it begins; null: it is quiet. */
  readonly breach: { readonly of: string; readonly share: number } | null;
  /** An agent proposes so many minutes after the start, so sure. */
  readonly word: { readonly minute: number; readonly confidence: number } | null;
}

const deployed: fc.Arbitrary<Deployed> = fc.record({
  service: oneOf("api", "auth", "web"),
  startMinute: fc.nat(24).map((tens) => 10 * tens),
  lateMinutes: oneOf(0, 0, 0, 1, 5, 15, 25, 40, 70, 100),
  breach: fc.option(
    fc.record({ of: oneOf("own", "web"), share: fc.double({ min: 0.1, max: 0.9, noNaN: true }) }),
    { freq: 2 },
  ),
  word: fc.oneof(
    { weight: 3, arbitrary: fc.constant(null) },
    {
      weight: 1,
      arbitrary: fc.record({ minute: oneOf(-5, 3, 12, 40), confidence: oneOf(0.3, 0.6, 0.9) }),
    },
  ),
});

function planned(
  { service, startMinute, lateMinutes, word }: Deployed,
  at: number,
): PlannedDeployment {
  const startedAtMs = START_MS + startMinute * MINUTE_MS;
  // Both others are called by web, and nobody calls it.
  const called = service === "web" ? [] : ["web"];
  const deployment: Deployment = {
    ...{ deploymentId: `d${at}`, service, environment: "production", kind: "code", startedAtMs },
    ...{ version: null, author: null, team: null, criticality: null },
    ...{ callers: called, dependants: called },
  };
  const none = { tags: [], sources: [], stages: [], series: [], peers: [], peersOf: [] };
  const knownAtMs = startedAtMs + lateMinutes * MINUTE_MS;
  const rest = { ...none, departures: [], caseId: null, rolledBackAtMs: null };
  if (word === null) return { deployment, knownAtMs, ...rest };
  const atMs = startedAtMs + word.minute * MINUTE_MS;
  const said: AgentProposed = {
    ...{ kind: "agentProposed", atMs, knownAtMs: atMs, deploymentId: `d${at}` },
    ...{ proposalId: `p${at}`, agent: "sre", confidence: word.confidence, rationale: null },
  };
  return { deployment, knownAtMs, ...rest, words: [said] };
}

function judgedAs(
  { breach }: Deployed,
  { deployment, knownAtMs: toldMs }: PlannedDeployment,
  watchMs: number,
): readonly SignalJudged[] {
  const { deploymentId, service, startedAtMs } = deployment;
  const endMs = startedAtMs + watchMs;
  if (toldMs >= endMs) return [];
  const said = (atMs: number, evidence: SignalJudged["evidence"]): SignalJudged => {
    const knownAtMs = Math.max(atMs, toldMs);
    return { kind: "signalJudged", deploymentId, atMs, knownAtMs, cause: "sample", evidence };
  };
  const end = said(endMs, evidenceOf("errors", 0, "healthy"));
  if (breach === null) return [end];
  const sinceMs = startedAtMs + Math.floor(breach.share * watchMs);
  const series = `${breach.of === "own" ? service : breach.of}/errors`;
  const evidence = evidenceOf("errors", 6, "breach");
  const breaching = [{ series, sinceMs }];
  return [said(sinceMs + MINUTE_MS, { ...evidence, series, breaching }), end];
}

test("what is decided apart is what the whole fleet decides", { timeout: 3_600_000 }, () => {
  let apart = 0;
  let replaced = 0;
  let shared = 0;
  let listened = 0;
  const fleets = fc.array(deployed, { minLength: 2, maxLength: 8 });
  fc.assert(
    fc.property(oneOf(...POLICIES), fleets, (policy, given) => {
      const all = [...given].sort((a, b) => a.startMinute - b.startMinute);
      const deployments = all.map(planned);
      const { rows } = inOrder(
        deployments.map(({ deployment }) => ({
          ...deployment,
          kindSource: "",
          finishedAtMs: null,
          stages: [],
        })),
        null,
      );
      const nothing = {
        matching: [],
        controlled: [],
        versions: false,
        placebos: false,
        passesOn: false,
      };
      const plan: Plan = {
        ...{ deployments, rows, places: new Map(), ...nothing, season: false },
        lookAheadMs: policy.watchMs,
        spokenOf: new Set(all.flatMap(({ word }, at) => (word === null ? [] : [at]))),
      };
      const judged = all.map((one, at) => judgedAs(one, deployments[at]!, policy.watchMs));
      const platform = { rollBack: () => ({ durationMs: 90_000, succeeds: true }) };
      const made = decisionsOf(plan, policy, judged, absent, platform, quietMemory(false));
      const sorted = (records: readonly unknown[]): string[] =>
        records.map((record) => JSON.stringify(record)).sort();
      const parts = deployments.flatMap((_, at) => made.of(at).records);
      expect(sorted(parts)).toEqual(sorted(made.records));
      apart += made.alone().reduce((sum, is) => sum + is, 0);
      replaced += made.records.filter(({ end }) => end === "superseded").length;
      listened += made.records.filter(({ agent }) => agent?.alone === true).length;
      shared += made.records.filter(({ explanations }) => explanations.length > 1).length;
    }),
    RUNS,
  );
  // All of it is met often.
  for (const many of [apart, replaced, shared, listened]) expect(many).toBeGreaterThan(50);
});
