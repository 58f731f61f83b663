/** A deployment that becomes known late: nothing is judged before, and nothing out of order. */

import { describe, expect, test } from "vitest";
import type { Deployment, Event, SampleColumn } from "../../engine/index.ts";
import { judge, replay } from "./columnar.ts";
import { runLive, toBatches } from "./liveHost.ts";
import { policyOf } from "./policyFile.ts";

const MINUTE_MS = 60_000;
const START_MS = 60 * MINUTE_MS;
const KNOWN_MS = 64 * MINUTE_MS;

function deployed(service: string, startedAtMs: number): Deployment {
  return {
    deploymentId: service,
    service,
    environment: "production",
    kind: "code",
    startedAtMs,
    version: null,
    author: null,
    team: null,
    criticality: null,
  };
}

/** Twice as slow from the given minute on. */
function slowFrom(minute: number): SampleColumn {
  const atMs = Array.from({ length: 361 }, (_, index) => index * 15_000);
  const series = { service: "api", metric: "latency", version: null, percentagePoint: 1 };
  const values = atMs.map((at, index) => (at < minute * MINUTE_MS ? 100 + (index % 3) : 200));
  return { series, atMs, knownAtMs: atMs, values };
}

function policyWith(more: object, detector: object = { kind: "threshold", breaches: 1, of: 1 }) {
  return policyOf({
    policy: "p",
    owner: "o",
    watch: "30m",
    signals: { latency: { metric: "latency", tolerance: "10%", hold: "0s", detector } },
    assign: [{ otherwise: "observe" }],
    ...more,
  });
}

describe("a deployment known late", () => {
  test("is not judged before, and then also by the sample of its very start", () => {
    const api = deployed("api", START_MS);
    const judged = judge(policyWith({}), [slowFrom(60)], api, [], undefined, KNOWN_MS);
    expect(judged[0]!.evidence.verdict).toBe("breach");
    expect(judged[0]!).toMatchObject({ atMs: START_MS, knownAtMs: KNOWN_MS });
  });

  test("keeps the evidence of the samples that became known with it", () => {
    const policy = policyWith({ fusion: "evidence" }, { kind: "eprocess" });
    const api = deployed("api", START_MS);
    const judged = judge(policy, [slowFrom(61)], api, [], undefined, KNOWN_MS);
    const known = judged.filter(({ knownAtMs }) => knownAtMs === KNOWN_MS);
    expect(known[0]!.evidence.standing!.tagged).toBe(0);
    expect(known.at(-1)!.evidence.standing!.tagged).toBeGreaterThan(0);
  });

  test("is judged after another deployment that became known at the same instant", () => {
    const columns = [slowFrom(61)];
    const others = [deployed("api", START_MS), deployed("db", KNOWN_MS - 1)].map(
      (deployment): Event => ({
        kind: "deploymentStarted",
        atMs: deployment.startedAtMs,
        knownAtMs: KNOWN_MS,
        deployment,
      }),
    );
    const policy = policyWith({});
    const run = runLive(policy, [...others, ...toBatches(columns)]);
    expect(run.records).toEqual(replay(policy, columns, others, null).records);
    const then = run.handled.map(({ event }) => event).filter((one) => one.knownAtMs === KNOWN_MS);
    const kinds = then.map(({ kind }) => kind);
    expect(kinds).toEqual(["deploymentStarted", "deploymentStarted", "signalJudged"]);
  });
});

describe("one that started before another of its service, and is told after it", () => {
  const policy = policyWith({ assign: [{ otherwise: "full" }] });
  const told = (id: string, startedAtMs: number, knownAtMs: number): Event => ({
    ...{ kind: "deploymentStarted", atMs: startedAtMs, knownAtMs },
    deployment: { ...deployed("api", startedAtMs), deploymentId: id },
  });
  const ends = (events: readonly Event[]): string[] =>
    runLive(policy, [...events, ...toBatches([slowFrom(68)])]).records.flatMap(
      ({ deploymentId, end, reason, decision }) =>
        decision === "rollbackOrdered"
          ? `${deploymentId} ${decision}`
          : end === null
            ? []
            : `${deploymentId} ${end}: ${reason}`,
    );
  const newer = told("new", START_MS, START_MS);

  test("does not take its place: the newer one is watched on, and rolled back", () => {
    const old = told("old", START_MS - 10 * MINUTE_MS, START_MS + 5 * MINUTE_MS);
    const [first, then] = ends([newer, old]);
    expect(first).toBe("old superseded: superseded by new");
    expect(then).toBe("new rollbackOrdered");
  });

  test("nor where nothing is watched any more", () => {
    const old = told("old", START_MS - 120 * MINUTE_MS, START_MS + 5 * MINUTE_MS);
    const [first, then] = ends([newer, old]);
    expect(first).toBe("old undecidable: it became known after its watch was over");
    expect(then).toBe("new rollbackOrdered");
  });

  test("is not blamed for what the newer one did before it was rolled back", () => {
    const old = told("old", START_MS - 10 * MINUTE_MS, START_MS + 15 * MINUTE_MS);
    const all = ends([newer, old]);
    expect(all[0]).toBe("new rollbackOrdered");
    expect(all).toContain("old superseded: superseded by new");
    expect(all).not.toContain("old rollbackOrdered");
  });

  test("takes its place where both started at once", () => {
    const again = told("again", START_MS, START_MS + 5 * MINUTE_MS);
    const [first, then] = ends([newer, again]);
    expect(first).toBe("new superseded: superseded by again");
    expect(then).toBe("again rollbackOrdered");
  });
});
