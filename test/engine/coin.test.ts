/** The coin of a policy that explores: when it is tossed, what it puts off, what ends a wait. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  initialFleet,
  nextDueAtMs,
  parsePolicy,
  step,
  type DecisionEvent,
  type DecisionRecord,
  type Deployment,
  type EngineCommand,
  type Policy,
  type SignalEvidence,
} from "../../engine/index.ts";
import { evidenceOf } from "./judgedFleet.ts";
import { policyOf, sha256 } from "./policyFile.ts";

const START_MS = Date.UTC(2026, 2, 12, 9);
const MINUTE_MS = 60_000;

const WRITTEN = {
  policy: "exploring",
  owner: "platform",
  watch: "30m",
  signals: { latency: { metric: "latency_p95_ms", tolerance: "10%" } },
  hardGuard: { latency: { times: 3 } },
  assign: [{ otherwise: "full" }],
};
const issuesOf = (written: object) => parsePolicy(written, sha256).issues ?? [];
const EXPLORE = { probability: "50%", upTo: 2, delay: "10m" };
const exploring = (more: object = {}, explore: object = {}): Policy =>
  policyOf({ ...WRITTEN, ...more, explore: { ...EXPLORE, ...explore } });

interface Told {
  readonly records: readonly DecisionRecord[];
  readonly commands: readonly EngineCommand[];
}

/** One deployment, judged so many minutes after its start, with a punctual clock to the end. */
function run(
  policy: Policy,
  id: string,
  judged: readonly (readonly [minute: number, Partial<SignalEvidence>])[],
  more: readonly DecisionEvent[] = [],
): Told {
  const deployment: Deployment = {
    deploymentId: id,
    service: "api",
    environment: "production",
    kind: "code",
    startedAtMs: START_MS,
    version: null,
    author: null,
    team: null,
    criticality: "low",
  };
  const started = { kind: "deploymentStarted", atMs: START_MS, knownAtMs: START_MS, deployment };
  const events = [
    started as DecisionEvent,
    ...judged.map(([minute, given]): DecisionEvent => {
      const atMs = START_MS + minute * MINUTE_MS;
      const evidence = { ...evidenceOf("latency", 9, "breach"), effect: 0.15, ...given };
      return {
        kind: "signalJudged",
        deploymentId: id,
        atMs,
        knownAtMs: atMs,
        cause: "sample",
        evidence,
      };
    }),
    ...more,
  ].sort((a, b) => a.knownAtMs - b.knownAtMs);
  let fleet = initialFleet;
  const records: DecisionRecord[] = [];
  const commands: EngineCommand[] = [];
  const give = (event: DecisionEvent): void => {
    const made = step(policy, fleet, event);
    fleet = made.state;
    records.push(...made.records);
    commands.push(...made.commands);
  };
  const toldTo = (untilMs: number): void => {
    for (let due = nextDueAtMs(fleet); due < untilMs; due = nextDueAtMs(fleet)) {
      give({ kind: "clockAdvanced", atMs: due, knownAtMs: due });
    }
  };
  for (const event of events) {
    toldTo(event.knownAtMs);
    give(event);
  }
  toldTo(Number.POSITIVE_INFINITY);
  return { records, commands };
}

const said = ({ records }: Told): string[] =>
  records.map(({ decision, knownAtMs }) => `${(knownAtMs - START_MS) / MINUTE_MS} ${decision}`);
const coins = ({ records }: Told) => records.flatMap(({ coin }) => coin ?? []);
/** The first id whose coin falls so. */
const idThat = (outcome: "act" | "wait", policy = exploring()): string => {
  const ids = Array.from({ length: 200 }, (_, nth) => `d${nth}`);
  return ids.find((id) => coins(run(policy, id, [[5, {}]]))[0]?.outcome === outcome)!;
};
const WAITS = idThat("wait");
const ACTS = idThat("act");

describe("a coin", () => {
  it("puts an action of tier full off, and its record says how likely that was", () => {
    const told = run(exploring({}, { probability: "40%" }), WAITS, [[5, {}]]);
    const waited = run(exploring(), WAITS, [[5, {}]]);
    expect(said(waited)).toEqual([
      "0 watchStarted",
      "5 proposed",
      "5 waited",
      "15 rollbackOrdered",
    ]);
    expect(coins(waited)[0]).toEqual({
      outcome: "wait",
      propensity: 0.5,
      tossedAtMs: START_MS + 5 * MINUTE_MS,
      untilMs: START_MS + 15 * MINUTE_MS,
    });
    expect([0.4, 0.6]).toContain(coins(told)[0]!.propensity);
    // Nobody is asked: the machine would have asked nobody.
    expect(waited.commands.filter(({ kind }) => kind === "page" || kind === "propose")).toEqual([]);
  });

  it("lets the rest act at once, with the propensity of that", () => {
    const policy = exploring({}, { probability: "10%" });
    const acts = run(policy, idThat("act", policy), [[5, {}]]);
    expect(said(acts)).toEqual(["0 watchStarted", "5 proposed", "5 rollbackOrdered"]);
    expect(coins(acts)).toMatchObject([{ outcome: "act", propensity: 0.9 }]);
  });

  it("waits in the share of deployments that it is asked for", () => {
    const policy = exploring({}, { probability: "10%" });
    const N = 1000;
    let waited = 0;
    for (let nth = 0; nth < N; nth++) {
      const [coin] = coins(run(policy, `checkout-2026-03-12-${nth}`, [[5, {}]]));
      if (coin!.outcome === "wait") waited++;
    }
    // Four standard errors of a tenth.
    expect(Math.abs(waited / N - 0.1)).toBeLessThan(4 * Math.sqrt((0.1 * 0.9) / N));
  });

  it("is tossed when nobody objected within an override window, and not before", () => {
    const policy = exploring({ assign: [{ otherwise: "override" }] });
    const told = run(policy, WAITS, [[5, {}]]);
    expect(said(told)).toEqual(["0 watchStarted", "5 proposed", "7 waited", "17 rollbackOrdered"]);
    expect(coins(told)[0]!.tossedAtMs).toBe(START_MS + 7 * MINUTE_MS);
  });

  it("is not tossed where the machine would not act alone", () => {
    for (const tier of ["approve", "observe"]) {
      expect(coins(run(exploring({ assign: [{ otherwise: tier }] }), WAITS, [[5, {}]]))).toEqual(
        [],
      );
    }
    const never = { guardrails: { never: [{ when: { kind: "code" } }] } };
    expect(coins(run(exploring(never), WAITS, [[5, {}]]))).toEqual([]);
    const spent = { guardrails: { rollbackBudget: { max: 0, in: "1d" } } };
    expect(coins(run(exploring(spent), WAITS, [[5, {}]]))).toEqual([]);
    const high = exploring({}, { when: { criticality: "high" } });
    expect(coins(run(high, WAITS, [[5, {}]]))).toEqual([]);
  });

  it("is tossed only where the tags that count allow it", () => {
    const own = { tag: "delicate", value: "true", service: "api", deploymentId: null };
    const tagged = {
      kind: "deploymentTagged",
      atMs: START_MS,
      knownAtMs: START_MS,
      tag: {
        ...own,
        ...{ signal: null, validFromMs: null, validUntilMs: null, knownAtMs: START_MS },
        ...{ givenBy: "dana", approvedBy: null },
      },
    } as const;
    const tosses = (delicate: boolean, more: readonly DecisionEvent[]): boolean => {
      const policy = exploring({}, { when: { tags: { delicate } } });
      return coins(run(policy, WAITS, [[5, {}]], more)).length > 0;
    };
    expect([tosses(true, []), tosses(true, [tagged])]).toEqual([false, true]);
    expect([tosses(false, []), tosses(false, [tagged])]).toEqual([true, false]);
  });

  it("is not tossed beyond `upTo`, without a known effect, or under a hard guard", () => {
    for (const harm of [{ effect: 0.21 }, { effect: null }, { hardGuard: true as const }]) {
      const told = run(exploring(), WAITS, [[5, harm]]);
      expect(said(told).at(-1)).toBe("5 rollbackOrdered");
      expect(coins(told)).toEqual([]);
    }
  });

  it.each([
    ["a hard guard", { hardGuard: true as const }],
    ["harm beyond `upTo`", { effect: 0.3 }],
  ])("stops waiting at %s", (_what, harm) => {
    const told = run(exploring(), WAITS, [
      [5, {}],
      [8, harm],
    ]);
    expect(said(told)).toEqual(["0 watchStarted", "5 proposed", "5 waited", "8 rollbackOrdered"]);
  });

  it("waits no longer than the watch, and takes the question back where the harm is over", () => {
    expect(said(run(exploring(), WAITS, [[25, {}]]))).toEqual([
      "0 watchStarted",
      "25 proposed",
      "25 waited",
      "30 rollbackOrdered",
    ]);
    const over = { verdict: "healthy" as const, untagged: "healthy" as const };
    const told = run(exploring(), WAITS, [
      [5, {}],
      [8, over],
      [12, {}],
    ]);
    // It is tossed once: what is left of the first wait is waited for.
    expect(said(told)).toEqual([
      "0 watchStarted",
      "5 proposed",
      "5 waited",
      "8 withdrawn",
      "12 proposed",
      "12 waited",
      "15 rollbackOrdered",
    ]);
  });

  it("gives way to a halt", () => {
    const atMs = START_MS + 8 * MINUTE_MS;
    const halt = { kind: "haltOrdered", by: "ada", reason: "stop", atMs, knownAtMs: atMs };
    const told = run(exploring(), WAITS, [[5, {}]], [halt as DecisionEvent]);
    expect(said(told).some((one) => one.endsWith("rollbackOrdered"))).toBe(false);
  });

  it("changes nothing but what it puts off", () => {
    const plain = policyOf(WRITTEN);
    const cut = ({ records }: Told) =>
      records.map(({ decision, end, tier, knownAtMs, reason }) => [
        decision,
        end,
        tier,
        knownAtMs,
        reason,
      ]);
    const judgements = fc.array(
      fc.tuple(
        fc.integer({ min: 1, max: 29 }),
        fc.record({
          effect: fc.constantFrom(0.05, 0.15, 0.25, Number.MAX_VALUE, -0.15),
          verdict: fc.constantFrom("breach" as const, "healthy" as const, "noData" as const),
        }),
      ),
      { maxLength: 5 },
    );
    fc.assert(
      fc.property(judgements, (given) => {
        expect(cut(run(exploring(), ACTS, given))).toEqual(cut(run(plain, ACTS, given)));
      }),
      { numRuns: 100, seed: 24 },
    );
  });
});

describe("a policy that explores", () => {
  it("needs a hard guard on every signal, as nothing else ends a wait", () => {
    const issues = issuesOf({ ...WRITTEN, hardGuard: {}, explore: EXPLORE });
    expect(issues.map(({ path }) => path)).toEqual([["explore"]]);
  });

  it.each(["0%", "0.5%", "60%", "-10%", "NaN%"])("is refused with a probability of %s", (given) => {
    const issues = issuesOf({ ...WRITTEN, explore: { ...EXPLORE, probability: given } });
    expect(issues.map(({ path }) => path)).toEqual([["explore", "probability"]]);
  });

  it("has the digest of before where it does not explore", () => {
    expect(policyOf(WRITTEN).explore).toBeUndefined();
    expect(policyOf(WRITTEN).digest).not.toBe(exploring().digest);
  });
});
