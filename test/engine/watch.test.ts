/** Judgements and their order, where a scenario's trace does not show them. */

import { describe, expect, test } from "vitest";
import {
  compareEvents,
  handle,
  type DecisionEvent,
  type Event,
  type SampleColumn,
  type SignalEvidence,
} from "../../engine/index.ts";
import { judge, remembering } from "./columnar.ts";
import { runLive, toBatches } from "./liveHost.ts";
import { policyOf } from "./policyFile.ts";
import { deployed } from "./deployed.ts";

const MINUTE_MS = 60_000;
const deployment = deployed(60 * MINUTE_MS);
const policy = policyOf({
  policy: "p",
  owner: "o",
  watch: "30m",
  signals: { latency: { metric: "latency_*", tolerance: "10%" } },
  assign: [{ otherwise: "full" }],
});
function column(metric: string, fromMinute: number, toMinute: number, value = 100): SampleColumn {
  const atMs: number[] = [];
  for (let at = fromMinute * MINUTE_MS; at <= toMinute * MINUTE_MS; at += 15_000) atMs.push(at);
  const series = { service: "api", metric, version: null, percentagePoint: 1 };
  return { series, atMs, knownAtMs: atMs, values: atMs.map(() => value) };
}

function policyWorse(worse: "up" | "down") {
  const signals = { latency: { metric: "latency_*", tolerance: "10%", worse } };
  return policyOf({
    policy: "p",
    owner: "o",
    watch: "30m",
    signals,
    assign: [{ otherwise: "full" }],
  });
}

function joinTwo(first: SampleColumn, second: SampleColumn) {
  const join = (field: "atMs" | "knownAtMs" | "values"): number[] => [
    ...Array.from(first[field]),
    ...Array.from(second[field]),
  ];
  return { atMs: join("atMs"), knownAtMs: join("knownAtMs"), values: join("values") };
}

describe("judgements", () => {
  test("a series first seen in the middle of a watch was not silent before", () => {
    const judged = judge(policy, [column("latency_p95", 80, 90)], deployment, []);
    expect(judged.map(({ cause }) => cause)).toEqual(["end"]);
    expect(judged[0]!.evidence.verdict).toBe("inconclusive");
  });

  test("a series that will come later does not keep its signal from having no data", () => {
    const columns = [column("latency_p50", 0, 60), column("latency_p95", 80, 90)];
    const silence = judge(policy, columns, deployment, []).find(({ cause }) => cause === "silence");
    expect(silence!.knownAtMs).toBe(61 * MINUTE_MS);
    expect(silence!.evidence.verdict).toBe("noData");
  });

  const simple = policyOf({
    policy: "p",
    owner: "o",
    watch: "30m",
    signals: {
      latency: {
        metric: "latency_*",
        tolerance: "10%",
        detector: { kind: "threshold", breaches: 1, of: 1 },
      },
    },
    assign: [{ otherwise: "full" }],
  });
  /** Minutes and verdicts when p50 stops and p95 is worse for a while. */
  const changes = (p50Until: number, worseFrom: number, worseUntil: number) => {
    const p95 = column("latency_p95", 0, 90);
    const values = Array.from(p95.atMs, (at) =>
      at >= worseFrom * MINUTE_MS && at < worseUntil * MINUTE_MS ? 200 : 100,
    );
    const columns = [column("latency_p50", 0, p50Until), { ...p95, values }];
    return judge(simple, columns, deployment, [])
      .filter(({ cause }) => cause !== "end")
      .map(({ knownAtMs, evidence }) => [knownAtMs / MINUTE_MS, evidence.verdict]);
  };

  test("a silence between two changes of another series is judged between them", () => {
    // p50 counts as silent at 66, while p95 is in breach; so p95's end is not health.
    expect(changes(65, 64, 68)).toEqual([
      [65, "breach"],
      [70, "inconclusive"],
    ]);
  });

  test("at one instant what was measured comes before what was missed", () => {
    // p50 counts as silent at 75; p95 is back from 73 and clear at 75.
    expect(changes(74, 66, 73)).toEqual([
      [67, "breach"],
      [75, "healthy"],
      [75, "inconclusive"],
    ]);
  });

  test("a breach whose smoothed reading is tolerated says what is not", () => {
    const latency = column("latency_p95", 0, 90);
    const worse = (value: number): string => {
      const values = Array.from(latency.atMs, (at) => (at >= 66 * MINUTE_MS ? value : 100));
      return judge(simple, [{ ...latency, values }], deployment, [])[0]!.evidence.reason;
    };
    expect(worse(150)).toMatch(/^latency_p95 \+4\d.\d %, 10 % tolerated, for 1m$/);
    expect(worse(110.5)).toMatch(
      /^latency_p95 \+9.\d % smoothed, 10 % tolerated, the last sample beyond it, for 1m$/,
    );
  });

  test("a share is asked once for each question, and changes nothing", () => {
    const columns = [column("latency_p95", 0, 70), column("latency_p95_b", 0, 90)];
    const asked: string[] = [];
    const share = remembering();
    const shareFor = (name: string) => ({
      once: <Value>(key: string, make: () => Value): Value =>
        share.once(`${name} ${key}`, () => {
          asked.push(`${name} ${key}`);
          return make();
        }),
    });
    const plain = judge(policy, columns, deployment, []);
    for (let time = 0; time < 2; time++) {
      expect(judge(policy, columns, deployment, [], shareFor)).toEqual(plain);
    }
    expect(new Set(asked).size).toBe(asked.length);
    expect(asked.length).toBeGreaterThan(4);
  });

  test("what was known only after the deployment is in no baseline", () => {
    const late = column("latency_p95", 0, 90);
    const knownAtMs = Array.from(late.atMs, (at) => at + 60_000);
    const [last] = judge(policy, [{ ...late, knownAtMs }], deployment, []);
    // Known by minute 60 are the samples from 0 to 59:00, four a minute.
    expect(last!.evidence.baselineSamples).toBe(59 * 4 + 1);
  });

  test("a sample at the very moment of the deadline is in time, a later one is not", () => {
    const after = (gapMs: number): string[] => {
      const whole = column("latency_p95", 0, 90);
      const kept = Array.from(whole.atMs, (at) => (at > 65 * MINUTE_MS ? at + gapMs - 15_000 : at));
      const given = { ...whole, atMs: kept, knownAtMs: kept };
      return judge(policy, [given], deployment, []).map(({ cause }) => cause);
    };
    expect(after(MINUTE_MS)).toEqual(["end"]);
    expect(after(MINUTE_MS + 1)).toEqual(["silence", "sample", "end"]);
  });

  test("policies that watch other directions do not share their evidence", () => {
    const up = policyWorse("up");
    const down = policyWorse("down");
    const columns = [column("latency_p95", 0, 64), column("latency_p95", 64.25, 90, 10)];
    const joined = [{ ...columns[0]!, ...joinTwo(columns[0]!, columns[1]!) }];
    const share = remembering();
    const verdicts = [up, down, up].map((one) =>
      judge(one, joined, deployment, [], () => share).map(({ evidence }) => evidence.verdict),
    );
    expect(verdicts).toEqual([["healthy"], ["breach", "breach"], ["healthy"]]);
  });

  test("samples of another service, another metric and after the watch count for nothing", () => {
    const own = column("latency_p95", 0, 90);
    const others = [
      { ...column("latency_p95", 0, 90, 900), series: { ...own.series, service: "db" } },
      column("throughput", 0, 90, 900),
      column("latency_p95", 90.5, 120, 900),
    ];
    const alone = judge(policy, [own], deployment, []);
    expect(alone.map(({ evidence }) => evidence.verdict)).toEqual(["healthy"]);
    expect(judge(policy, [own, ...others], deployment, [])).toEqual(alone);
  });
});

describe("the order of events at one instant", () => {
  test("declared, measured, missed, done, and the clock last", () => {
    const timed = { atMs: 0, knownAtMs: 0 };
    const tag = {
      deploymentId: null,
      service: "api",
      tag: "t",
      value: "true",
      signal: null,
      validFromMs: null,
      validUntilMs: null,
      knownAtMs: 0,
      givenBy: null,
      approvedBy: null,
    };
    const signalJudged = (id: string, cause: "sample" | "silence" | "end"): DecisionEvent => ({
      kind: "signalJudged",
      ...timed,
      deploymentId: id,
      evidence: { signal: "latency", series: "api/latency" } as SignalEvidence,
      cause,
    });
    const person = { deploymentId: "d1", by: "dana" };
    const inOrder: (Event | DecisionEvent)[] = [
      { kind: "deploymentStarted", ...timed, deployment },
      { kind: "deploymentTagged", ...timed, tag },
      signalJudged("d1", "sample"),
      signalJudged("d2", "sample"),
      signalJudged("d1", "silence"),
      signalJudged("d1", "end"),
      { kind: "rollbackFinished", ...timed, deploymentId: "d1", succeeded: true, detail: "" },
      { kind: "overrideGiven", ...timed, ...person, justification: "known" },
      { kind: "approvalGiven", ...timed, ...person },
      { kind: "clockAdvanced", ...timed },
    ];
    expect([...inOrder].reverse().sort(compareEvents)).toEqual(inOrder);
    const earlier = { kind: "clockAdvanced", atMs: 9, knownAtMs: -1 } as const;
    expect([...inOrder, earlier].sort(compareEvents)[0]).toBe(earlier);
  });

  test("the order in which columns and series arrive means nothing", () => {
    const columns = [column("latency_p50", 0, 70), column("latency_p95", 0, 90, 100)];
    const start: Event = {
      kind: "deploymentStarted",
      atMs: deployment.startedAtMs,
      knownAtMs: deployment.startedAtMs,
      deployment,
    };
    const run = (given: SampleColumn[]) => runLive(policy, [start, ...toBatches(given)]).records;
    expect(run([...columns].reverse())).toEqual(run(columns));
  });
});

test("every step of a run made again from its state is the same step", () => {
  const start: Event = {
    kind: "deploymentStarted",
    atMs: deployment.startedAtMs,
    knownAtMs: deployment.startedAtMs,
    deployment,
  };
  const quiet = column("latency_p95", 0, 64);
  const worse = joinTwo(
    { ...quiet, ...joinTwo(quiet, column("latency_p95", 64.25, 70, 200)) },
    column("latency_p95", 70.25, 90),
  );
  const { steps } = runLive(policy, [start, ...toBatches([{ ...quiet, ...worse }])]);
  expect(steps.flatMap(({ records }) => records).length).toBeGreaterThan(2);
  // Backwards, because forwards a state that is changed in place would be changed back.
  for (const { before, event, records, commands } of steps.toReversed()) {
    const again = handle(policy, before, event);
    expect(again.records).toEqual(records);
    expect(again.commands).toEqual(commands);
  }
});
