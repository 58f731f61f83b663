/**
 * A deployment that reports nothing while others do is named, pages and holds the rollout, and no
 * machine acts on it. One-minute samples, `silence: 5m`.
 */

import { describe, expect, it } from "vitest";
import type { Deployment, Event, Policy, SampleColumn } from "../../engine/index.ts";
import { advanceWatch, startWatch, takeColumns } from "../../engine/detect/watch.ts";
import { randomStream } from "../../lab/random.ts";
import { runLive, toBatches } from "../engine/liveHost.ts";
import { policyOf } from "../engine/policyFile.ts";

const MINUTE_MS = 60_000;
const PAST = 60;
const WATCH = 60;
const START_MS = PAST * MINUTE_MS;

const LATENCY = {
  metric: "latency",
  tolerance: "10%",
  detector: { kind: "threshold", breaches: 3, of: 3 },
};

function policyWith(more: object = { silence: "5m" }): Policy {
  return policyOf({
    policy: "silence",
    owner: "shop-team",
    watch: `${WATCH}m`,
    signals: { latency: LATENCY },
    assign: [{ otherwise: "full" }],
    ...more,
  });
}

function deploymentOf(version: string | null, startedAtMs = START_MS, id = "d"): Deployment {
  return {
    deploymentId: id,
    service: "shop",
    environment: "production",
    kind: "code",
    startedAtMs,
    version,
    author: null,
    team: null,
    criticality: null,
  };
}

/** Samples of a series in those minutes in which `reports` holds. */
function column(
  service: string,
  version: string | null,
  reports: (minute: number) => boolean,
): SampleColumn {
  const minutes = Array.from({ length: PAST + WATCH }, (_, at) => at).filter(reports);
  const atMs = minutes.map((minute) => minute * MINUTE_MS);
  const series = { service, metric: "latency", version, percentagePoint: 0.01 };
  return { series, atMs, knownAtMs: atMs.map((at) => at + 5000), values: atMs.map(() => 100) };
}

const before = (minute: number): boolean => minute < PAST;
const always = (): boolean => true;
const PEERS = ["a", "b", "c", "e"].map((name) => column(name, null, always));
const OLD = column("shop", "v1", always);

function run(policy: Policy, columns: readonly SampleColumn[], version: string | null = "v2") {
  const started: Event = {
    kind: "deploymentStarted",
    atMs: START_MS,
    knownAtMs: START_MS,
    deployment: deploymentOf(version),
  };
  const { records, commands } = runLive(policy, [started, ...toBatches(columns)]);
  const silent = records.filter(({ decision }) => decision === "silent");
  return {
    records,
    commands: commands.map(({ kind }) => kind),
    silent,
    atMinute: silent.map(({ knownAtMs }) => (knownAtMs - START_MS) / MINUTE_MS),
    ended: records.find(({ decision }) => decision === "ended")!,
  };
}

describe("a new version that reports nothing while the old one does", () => {
  it("is named once, pages, holds the rollout, and is never rolled back", () => {
    const { silent, atMinute, commands, ended } = run(policyWith(), [OLD]);
    expect(atMinute).toEqual([5]);
    const { silence, reason, accountable } = silent[0]!;
    expect(silence).toEqual({
      code: "newVersionSilent",
      sinceMs: START_MS,
      witnesses: ["the old version"],
    });
    expect(reason).toContain("version v2 of shop reports nothing for 5m");
    expect(accountable).toBe("shop-team");
    expect(commands).toEqual(["watchUntil", "page", "holdRollout"]);
    expect(ended.end).toBe("undecidable");
    expect(ended.silence).toEqual(silence);
  });

  it("is named when it falls silent later, with the time of its last sample", () => {
    const fresh = column("shop", "v2", (minute) => minute >= PAST && minute < PAST + 8);
    const { silent, atMinute } = run(policyWith(), [OLD, fresh]);
    expect(silent[0]!.silence!.sinceMs).toBe(START_MS + 7 * MINUTE_MS + 5000);
    expect(atMinute[0]).toBeCloseTo(12, 0);
  });

  it("is not hidden by a deployment that takes its place", () => {
    const next: Event = {
      kind: "deploymentStarted",
      atMs: START_MS + 20 * MINUTE_MS,
      knownAtMs: START_MS + 20 * MINUTE_MS,
      deployment: deploymentOf("v3", START_MS + 20 * MINUTE_MS, "next"),
    };
    const first: Event = {
      kind: "deploymentStarted",
      atMs: START_MS,
      knownAtMs: START_MS,
      deployment: deploymentOf("v2"),
    };
    const events = [first, next, ...toBatches([OLD])].sort((a, b) => a.knownAtMs - b.knownAtMs);
    const { records } = runLive(policyWith(), events);
    const ended = records.find(({ deploymentId, end }) => deploymentId === "d" && end !== null)!;
    expect(ended.end).toBe("superseded");
    expect(ended.silence!.code).toBe("newVersionSilent");
  });
});

describe("a whole service that reports nothing", () => {
  it("is named while three others report", () => {
    const { silent, commands } = run(policyWith(), [column("shop", null, before), ...PEERS], null);
    expect(silent[0]!.silence).toMatchObject({
      code: "serviceSilent",
      witnesses: ["a", "b", "c", "e"],
    });
    expect(commands).not.toContain("rollBack");
  });

  it("is not named in an outage of the metrics API, and is after it", () => {
    const out = (minute: number): boolean => minute < PAST + 2 || minute >= PAST + 20;
    const others = ["a", "b", "c", "e"].map((name) => column(name, null, out));
    const back = run(policyWith(), [column("shop", null, out), ...others], null);
    expect(back.silent).toEqual([]);
    const gone = run(policyWith(), [column("shop", null, before), ...others], null);
    expect(gone.atMinute[0]).toBeGreaterThan(20);
    expect(gone.atMinute[0]).toBeLessThan(31);
  });

  it("is not named where it never reported, or nobody else is known", () => {
    expect(run(policyWith(), [...PEERS], null).silent).toEqual([]);
    expect(run(policyWith(), [column("shop", null, before)], null).silent).toEqual([]);
  });
});

it("is not named in the minutes in which pods are replaced", () => {
  const fresh = column("shop", "v2", (minute) => minute >= PAST + 3);
  expect(run(policyWith(), [column("shop", "v1", before), fresh, ...PEERS]).silent).toEqual([]);
});

it("is not asked by a policy that does not say so", () => {
  const { silent, commands, ended } = run(policyWith({}), [OLD, ...PEERS]);
  expect(silent).toEqual([]);
  expect(commands).toEqual(["watchUntil"]);
  expect(ended.silence).toBeUndefined();
});

describe("a live host", () => {
  it.each([1, 2, 3, 4, 5, 6])("judges as whole columns do, case %i", (seed) => {
    const random = randomStream("silence", seed);
    const [fresh, old] = [random.between(0, 30), random.between(0, 60)];
    const outage = random.between(0, 40);
    const isOut = (minute: number): boolean =>
      minute >= PAST + outage && minute < PAST + outage + 9;
    const columns = [
      column("shop", "v1", (minute) => minute < PAST + old && !isOut(minute)),
      column("shop", "v2", (minute) => minute >= PAST && minute < PAST + fresh && !isOut(minute)),
      ...["a", "b", "c"].map((name) => column(name, null, (minute) => !isOut(minute))),
    ].filter(({ atMs }) => atMs.length > 0);
    const policy = policyWith();
    const deployment = deploymentOf("v2");
    const watch = takeColumns(policy, startWatch(policy, deployment, []), columns);
    const whole = advanceWatch(policy, watch, watch.endsAtMs).judgements;
    const started: Event = {
      kind: "deploymentStarted",
      atMs: START_MS,
      knownAtMs: START_MS,
      deployment,
    };
    const { handled } = runLive(policy, [started, ...toBatches(columns)]);
    const live = handled.flatMap(({ event }) => (event.kind === "signalJudged" ? [event] : []));
    expect(live).toEqual(whole);
    expect(whole.some(({ evidence }) => evidence.silence !== undefined)).toBe(true);
  });

  it("keeps of the others no more than a later question can ask", () => {
    const policy = policyWith();
    const others = ["a", "b", "c"].map((name) => column(name, null, () => true));
    const columns = [column("shop", "v2", () => true), ...others];
    const watch = takeColumns(policy, startWatch(policy, deploymentOf("v2"), []), columns);
    const later = advanceWatch(policy, watch, START_MS + 50 * MINUTE_MS).watch;
    const kept = [...later.silence!.others.values()].map((times) => times.length);
    // Of ten minutes ahead, which the columns hold already, and of the last five.
    expect(kept).toEqual([15, 15, 15]);
  });

  it("hears the five services that follow by name, whatever a host hands on", () => {
    const policy = policyWith();
    const deployment = deploymentOf(null);
    const names = ["t", "u", "v", "w", "x", "a", "b", "c", "d"];
    const isPast = (minute: number): boolean => minute < PAST;
    const judged = (reporting: readonly string[], handedOn: readonly string[]) => {
      const columns = [
        column("shop", null, isPast),
        ...handedOn.map((name) =>
          column(name, null, (at) => isPast(at) || reporting.includes(name)),
        ),
      ];
      const watch = takeColumns(policy, startWatch(policy, deployment, []), columns);
      const { judgements } = advanceWatch(policy, watch, watch.endsAtMs);
      const started = { atMs: START_MS, knownAtMs: START_MS, deployment };
      const events: Event[] = [{ kind: "deploymentStarted", ...started }, ...toBatches(columns)];
      const live = runLive(policy, events).handled.flatMap(({ event }) =>
        event.kind === "signalJudged" ? [event] : [],
      );
      expect(live).toEqual(judgements);
      return judgements.flatMap(({ evidence: { silence } }) => silence ?? [])[0]?.witnesses;
    };
    const five = names.slice(0, 5);
    expect(judged(["a", "b", "c", "d"], names)).toBeUndefined();
    for (const handedOn of [names, five]) {
      expect(judged(["t", "v", "x"], handedOn)).toEqual(["t", "v", "x"]);
    }
  });
});
