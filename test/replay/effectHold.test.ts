/**
 * What history's own rollback hid, against the truth: the same world is written twice,
 * once with a history that rolled back early and once with one that let everything run,
 * and a slower policy is asked what it would have done.
 */

import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { Policy } from "../../engine/index.ts";
import { silent } from "../../lab/progress.ts";
import { evaluate, type Evaluation } from "../../lab/compare/evaluate.ts";
import { openHistory, type History } from "../../lab/history/open.ts";
import { createHistory } from "../../lab/history/write.ts";
import { randomStream } from "../../lab/random.ts";
import { spliceColumns } from "../../lab/replay/splice.ts";
import { temporaryDirectory } from "../directories.ts";
import { MINUTE_MS, START_MS, tinyPolicy } from "../history/tinyHistory.ts";

const WORLDS = process.env["SOAK"] === undefined ? 3 : 20;
const SERVICES = 60;
const BEFORE = 120;
const STEP_MS = 30_000;

/** Slower than history: a breach must be held for six minutes. */
const SLOW = {
  ...tinyPolicy("slow", "assign: [{ otherwise: full }]"),
  signals: tinyPolicy("slow", "assign: [{ otherwise: full }]").signals.map((signal) => ({
    ...signal,
    holdMs: 6 * MINUTE_MS,
  })),
};

interface Step {
  readonly onsetMs: number;
  readonly size: number;
  readonly rolledBackMs: number;
}

/**
 * Log noise with a memory of 0.4 a sample, and a step of +15 to +80 % some minutes in.
 *
 * @param young a metric too that began five minutes before: too little past to go on from
 */
async function write(
  seed: number,
  censored: boolean,
  before = BEFORE,
  young: string | null = null,
): Promise<History> {
  const firstMs = START_MS - before * MINUTE_MS;
  const dir = join(temporaryDirectory(), "history");
  const writer = await createHistory(dir);
  const names = Array.from({ length: SERVICES }, (_, at) => `s${String(at).padStart(2, "0")}`);
  const steps = new Map<string, Step>();
  for (const name of names) {
    const random = randomStream(seed, "step", name);
    const onsetMs = START_MS + Math.round(random.between(1, 8)) * MINUTE_MS;
    const size = random.between(0.15, 0.8);
    const rolledBackMs = onsetMs + Math.round(random.between(2, 6)) * MINUTE_MS;
    steps.set(name, { onsetMs, size, rolledBackMs });
    const series = writer.addSeries(
      { service: name, metric: "latency_p95_ms", version: null },
      "double",
    );
    let noise = 0;
    const values = Float64Array.from({ length: 2 * (before + 70) }, (_, index) => {
      const atMs = firstMs + index * STEP_MS;
      noise = 0.4 * noise + 0.05 * random.normal();
      const over = censored && atMs > rolledBackMs;
      return 100 * Math.exp(noise) * (atMs >= onsetMs && !over ? 1 + size : 1);
    });
    await writer.appendRegular(series, firstMs, STEP_MS, values, 0);
    if (young === null) continue;
    const other = writer.addSeries({ service: name, metric: young, version: null }, "double");
    await writer.appendRegular(other, START_MS - 10 * STEP_MS, STEP_MS, values.slice(-150), 0);
  }
  const each = <Row>(make: (name: string, step: Step) => readonly Row[]): Row[] =>
    names.flatMap((name) => make(name, steps.get(name)!));
  await writer.finish(
    {
      deployments: each((name) => [
        {
          deploymentId: `d-${name}`,
          service: name,
          environment: "production",
          kind: "code",
          kindSource: "code",
          startedAtMs: START_MS,
          finishedAtMs: null,
          version: null,
          author: null,
          stages: [],
        },
      ]),
      tags: [],
      incidents: each((name, { onsetMs, rolledBackMs }) => [
        {
          incidentId: `i-${name}`,
          deploymentId: `d-${name}`,
          service: name,
          label: "bad-deployment",
          onsetAtMs: onsetMs,
          detectedAtMs: null,
          // Ninety seconds to put the old version back and two minutes to recover.
          resolvedAtMs: censored ? rolledBackMs + 210_000 : null,
          resolvedBy: null,
          severity: null,
        },
      ]),
      labels: each((name) => [
        {
          deploymentId: `d-${name}`,
          label: "regression",
          basis: "planted",
          labelledBy: null,
          labelledAtMs: null,
        },
      ]),
      decisions: each((name, { rolledBackMs }) =>
        !censored
          ? []
          : (["rollbackStarted", "rollbackFinished"] as const).map((what, at) => ({
              deploymentId: `d-${name}`,
              atMs: rolledBackMs + at * 90_000,
              what,
              by: "history",
              justification: null,
              confidence: null,
            })),
      ),
      services: [],
      metricCatalog: [],
      cases: [],
    },
    { madeBy: "a test", sources: [], dropped: [], warnings: [], loggingPolicy: null },
  );
  return openHistory(dir);
}

const opened: History[] = [];
afterAll(() => opened.forEach((history) => history.close()));

async function asked(seed: number, censored: boolean): Promise<Evaluation> {
  const history = await write(seed, censored);
  opened.push(history);
  return evaluate(history, [SLOW], {
    people: "absent",
    seed: 5,
    replicates: 100,
    draws: 5,
    progress: silent,
  });
}

const cardOf = (evaluation: Evaluation) => evaluation.policies[0]!.scored.scorecard;

describe(`effect-hold over ${WORLDS} step worlds of ${SERVICES} services`, () => {
  it("is within five per cent of the truth, and the bounds hold it always", async () => {
    let held = 0;
    let true60 = 0;
    let cut = 0;
    for (let seed = 1; seed <= WORLDS; seed++) {
      const truth = cardOf(await asked(seed, false)).timeToRecovery.restrictedMean60m.value!;
      const evaluation = await asked(seed, true);
      const card = cardOf(evaluation);
      cut += evaluation.policies[0]!.outcomes.filter((one) => one.censoredAtMs !== null).length;
      held += card.timeToRecovery.restrictedMean60m.value!;
      true60 += truth;
      const { best, worst } = card.restrictedMean60mBounds;
      expect(best!).toBeLessThanOrEqual(truth);
      expect(worst!).toBeGreaterThanOrEqual(truth);
    }
    const share = cut / (WORLDS * SERVICES);
    // Most of it is hidden, or the test would show nothing.
    expect(share).toBeGreaterThan(0.4);
    if (process.env["SOAK"] !== undefined) {
      console.info({ held: held / WORLDS, true60: true60 / WORLDS, share, WORLDS });
    }
    expect(Math.abs(held / true60 - 1)).toBeLessThan(0.05);
  });
});

describe("what history hid", () => {
  it("goes on the same for a policy alone as beside others that look further back", async () => {
    // Long enough for its spacing to be known: no more is read than is asked for.
    const history = await write(1, true, 480);
    opened.push(history);
    const looksBack = (minutes: number): Policy => ({
      ...SLOW,
      policy: `looks back ${minutes} min`,
      digest: String(minutes),
      signals: SLOW.signals.map((signal) => ({
        ...signal,
        detector: { ...signal.detector, baselineMs: minutes * MINUTE_MS },
      })),
    });
    const options = { people: "absent", seed: 5, replicates: 10, draws: 3, progress: silent };
    const short = looksBack(20);
    const alone = await evaluate(history, [short], options);
    const beside = await evaluate(history, [short, looksBack(60), looksBack(120)], options);
    expect(alone.replay.imagined[0]!.size).toBeGreaterThan(20);
    const seenBy = ({ replay: { draws } }: Evaluation) => draws.map(([first]) => first!.judged);
    expect(seenBy(beside)).toEqual(seenBy(alone));
  });

  it("goes on to nobody who judges none of what goes on, whoever stands beside", async () => {
    const history = await write(1, true, BEFORE, "queue_age_ms");
    opened.push(history);
    const young: Policy = {
      ...SLOW,
      policy: "young",
      digest: "young",
      signals: SLOW.signals.map((signal) => ({ ...signal, metric: "queue_age_ms" })),
    };
    const options = { people: "absent", seed: 5, replicates: 10, draws: 3, progress: silent };
    const alone = await evaluate(history, [young], options);
    const beside = await evaluate(history, [young, SLOW], options);
    const slow = await evaluate(history, [SLOW], options);
    expect(beside.replay.imagined.map(({ size }) => size)).toEqual([
      0,
      slow.replay.imagined[0]!.size,
    ]);
    expect(slow.replay.imagined[0]!.size).toBeGreaterThan(20);
    const told = ({ policies: [first] }: Evaluation) => [
      [...first!.outcomes],
      first!.scored.scorecard,
    ];
    expect(told(beside)).toEqual(told(alone));
    expect([...beside.policies[1]!.outcomes]).toEqual([...slow.policies[0]!.outcomes]);
  });
});

describe("a spliced series", () => {
  const columns = (effect: number, growsBy = 0) => {
    const random = randomStream(1, "column");
    const atMs = Float64Array.from({ length: 80 }, (_, at) => at * 60_000);
    const values = Float64Array.from(
      atMs,
      (ms, at) =>
        100 * (at >= 70 ? effect + growsBy * (at - 70) : 1) * Math.exp(0.02 * random.normal()),
    );
    const series = { service: "s", metric: "m", version: null, percentagePoint: 0.01 };
    return [{ series, atMs, knownAtMs: atMs.map((ms) => ms + 5000), values }];
  };
  const future = {
    startedAtMs: 65 * 60_000,
    onsetAtMs: 70 * 60_000,
    rolledBackAtMs: 79 * 60_000 + 10_000,
    untilMs: 200 * 60_000,
    passing: {},
    isCounter: () => false,
    noiseFromMs: () => 0,
  };
  const meanAfter = (rule: "hold" | "decay" | "grow", from: number, to: number): number => {
    const [column] = spliceColumns(columns(1.5), { ...future, rule }, 1, "d", 0)!;
    const values = [...(column!.values as Float64Array)].slice(from, to);
    return values.reduce((sum, value) => sum + value, 0) / values.length;
  };

  it("keeps what was seen, and holds, halves or grows what comes after it", () => {
    const [seen] = columns(1.5);
    const [column] = spliceColumns(columns(1.5), { ...future, rule: "hold" }, 1, "d", 0)!;
    expect([...(column!.values as Float64Array)].slice(0, 80)).toEqual([...seen!.values]);
    expect(column!.atMs[80]).toBe(80 * 60_000);
    expect(column!.knownAtMs[80]).toBe(80 * 60_000 + 5000);
    expect(meanAfter("hold", 80, 190) / 150).toBeCloseTo(1, 1);
    expect(meanAfter("decay", 160, 190) / 100).toBeCloseTo(1, 1);
  });

  it("lets what clearly grew go on growing, from where it had come to", () => {
    const [column] = spliceColumns(columns(1, 0.05), { ...future, rule: "hold" }, 1, "d", 0)!;
    const [grown] = spliceColumns(columns(1, 0.05), { ...future, rule: "grow" }, 1, "d", 0)!;
    const values = [...(column!.values as Float64Array)];
    expect(values[79]! / 145).toBeCloseTo(1, 1);
    expect(values[80]! / 150).toBeCloseTo(1, 1);
    expect(values[90]!).toBeGreaterThan(190);
    expect([...(grown!.values as Float64Array)]).toEqual(values);
    // What barely moves is held at what it was in the middle.
    const [held] = spliceColumns(columns(1.5, 0.001), { ...future, rule: "hold" }, 1, "d", 0)!;
    expect((held!.values as Float64Array)[120]! / 150).toBeCloseTo(1, 1);
  });

  it("is the same for everybody in one draw, and another in another", () => {
    const make = (draw: number) => [
      ...(spliceColumns(columns(1.5), { ...future, rule: "hold" }, 1, "d", draw)![0]!
        .values as Float64Array),
    ];
    expect(make(0)).toEqual(make(0));
    expect(make(1)).not.toEqual(make(0));
  });

  it("is not made where nothing was seen since the onset", () => {
    const late = { ...future, onsetAtMs: 100 * 60_000, rule: "hold" } as const;
    expect(spliceColumns(columns(1.5), late, 1, "d", 0)).toBeNull();
  });
});
