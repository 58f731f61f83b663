/**
 * What queries answered, kept in a history. Goal: a value, NaN, both infinities, no series and a
 * failed query come back as what they were, and an ordinary history is as it was before.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AnswerKind, elementMetric, elementOf, type Answer } from "../../engine/index.ts";
import { answersOf, type Asked } from "../../lab/history/answersOf.ts";
import { openHistory, type History } from "../../lab/history/open.ts";
import { createHistory } from "../../lab/history/write.ts";
import { temporaryDirectory } from "../directories.ts";
import { ABOUT, NO_TABLES } from "./samples.ts";
import { streamWindows } from "../../lab/history/windows.ts";

const { value, nan, none, failed, infinite, minusInfinite } = AnswerKind;
const START_MS = Date.parse("2026-07-07T08:00:00Z");
const STEP_MS = 30_000;

/** A history of one service; each metric has these answers, 1.5 wherever there is a value. */
async function historyOf(
  metrics: Readonly<Record<string, readonly number[]>>,
  { kept = true, delayMs = 0 } = {},
): Promise<History> {
  const dir = join(temporaryDirectory(), "history");
  const writer = await createHistory(dir);
  for (const metric of Object.keys(metrics).sort()) {
    const answers = Uint8Array.from(metrics[metric]!);
    const series = writer.addSeries({ service: "checkout", metric, version: null }, "float");
    const atMs = Float64Array.from(answers, (_, i) => START_MS + i * STEP_MS);
    const values = Float64Array.from(answers, (answer) => (answer === value ? 1.5 : NaN));
    await writer.appendIrregular(series, atMs, values, delayMs, kept ? answers : undefined);
  }
  await writer.finish(NO_TABLES, ABOUT);
  return openHistory(dir);
}

function asked(query: string, index: number, over: Partial<Asked> = {}): Asked {
  const atMs = START_MS + index * STEP_MS;
  const question = { query, scope: "all" as const, fromMs: atMs, toMs: atMs };
  return { service: "checkout", question, atMs, version: null, ...over };
}

/** The values of an answer by the labels of its series; `failed` where it failed. */
function shown(answer: Answer): unknown {
  if (answer.kind === "failed") return "failed";
  return answer.series.map(({ labels, values }) => {
    const own = [...labels].filter(([name]) => name !== "service").map((pair) => pair.join("="));
    return [own.join(","), ...values];
  });
}

describe("the answers of queries", () => {
  it("are kept apart, and are all missing samples to a detector", async () => {
    const answers = [value, nan, none, failed, infinite, minusInfinite, value];
    const history = await historyOf({ errors: answers });
    const found = await answersOf(
      history,
      answers.map((_, i) => asked("errors", i)),
    );
    expect(found.map(shown)).toEqual([
      [["", 1.5]],
      [["", NaN]],
      [],
      "failed",
      [["", Infinity]],
      [["", -Infinity]],
      [["", 1.5]],
    ]);
    expect(history.manifest).toMatchObject({
      schemaVersion: 2,
      samples: 2,
      missingSamples: 5,
      answers: { nan: 1, failed: 1, infinite: 2 },
    });
    const request = { id: 0, series: 0, fromMs: START_MS, toMs: Infinity };
    for await (const { window } of streamWindows(history, [request])) {
      expect([...window.values]).toEqual([1.5, NaN, NaN, NaN, NaN, NaN, 1.5]);
      expect([...window.answers!]).toEqual(answers);
    }
    history.close();
  });

  it("cost nothing where every answer is a number or no series", async () => {
    const answers = [value, value, none, value];
    const [kept, plain] = [
      await historyOf({ errors: answers }),
      await historyOf({ errors: answers }, { kept: false }),
    ];
    expect(kept.manifest.digest).toBe(plain.manifest.digest);
    expect(kept.manifest.schemaVersion).toBe(1);
    expect(kept.manifest.files).toEqual(plain.manifest.files);
    expect(readFileSync(join(kept.dir, "manifest.json"), "utf8")).toBe(
      readFileSync(join(plain.dir, "manifest.json"), "utf8"),
    );
    expect((await answersOf(plain, [asked("errors", 2)])).map(shown)).toEqual([[]]);
    expect(await historyOf({ errors: [value, value, failed, value] })).toMatchObject({
      manifest: { schemaVersion: 2 },
    });
  });

  it("are part of the digest", async () => {
    const of = async (answer: number): Promise<string> =>
      (await historyOf({ errors: [value, answer] })).manifest.digest;
    expect(new Set([await of(nan), await of(failed), await of(none)]).size).toBe(3);
  });

  it("are those of each element of a vector, and a failure is of all of them", async () => {
    const a = elementMetric("errors", new Map([["job", 'a "b"']]));
    const b = elementMetric("errors", new Map(Object.entries({ job: "b", az: "1" })));
    const history = await historyOf({
      errors: [none, none, failed],
      [a]: [value, nan, none],
      [b]: [value, none, none],
      errors2: [value, value, value],
    });
    const found = await answersOf(
      history,
      [0, 1, 2].map((i) => asked("errors", i)),
    );
    expect(found.map(shown)).toEqual([
      [
        ["az=1,job=b", 1.5],
        ['job=a "b"', 1.5],
      ],
      [['job=a "b"', NaN]],
      "failed",
    ]);
    history.close();
  });

  it("are not known before their delay is over, nor to another service", async () => {
    const history = await historyOf({ errors: [value, failed] }, { delayMs: 40_000 });
    const late = (ms: number): Asked => asked("errors", 1, { atMs: START_MS + STEP_MS + ms });
    const found = await answersOf(history, [
      asked("errors", 1),
      late(10_000),
      late(40_000),
      { ...late(40_000), service: "search" },
    ]);
    expect(found.map(shown)).toEqual([[], [["", 1.5]], "failed", []]);
    history.close();
  });

  it("of a range are those within it, and it fails only where all of them failed", async () => {
    const history = await historyOf({ errors: [failed, value, infinite, none, failed, failed] });
    const over = (from: number, to: number): Asked => {
      const [fromMs, toMs] = [START_MS + from * STEP_MS, START_MS + to * STEP_MS];
      return asked("errors", to, { question: { query: "errors", scope: "all", fromMs, toMs } });
    };
    const found = await answersOf(history, [over(0, 3), over(4, 5), over(3, 3)]);
    expect(found.map(shown)).toEqual([[["", 1.5, Infinity]], "failed", []]);
    history.close();
  });

  it("come back whatever they are, across blocks", async () => {
    const kinds = fc.constantFrom(value, nan, none, failed, infinite, minusInfinite);
    const runs = fc.array(fc.tuple(kinds, fc.integer({ min: 1, max: 900 })), {
      minLength: 1,
      maxLength: 8,
    });
    await fc.assert(
      fc.asyncProperty(runs, async (given) => {
        const answers = given.flatMap(([kind, length]) => Array<number>(length).fill(kind));
        const history = await historyOf({ errors: answers });
        const request = { id: 0, series: 0, fromMs: START_MS + 5 * STEP_MS, toMs: Infinity };
        for await (const { window } of streamWindows(history, [request])) {
          const found = window.answers ?? window.values.map((v) => (Number.isNaN(v) ? none : 0));
          expect([...found]).toEqual(answers.slice(5));
        }
        history.close();
      }),
      { numRuns: 15, seed: 26 },
    );
  });
});

describe("the metric of an element", () => {
  it("is the query with its labels, and tells them again", () => {
    const name = fc.stringMatching(/^[a-zA-Z_][a-zA-Z0-9_]{0,8}$/);
    const labels = fc.dictionary(name, fc.string({ unit: "grapheme" }), { noNullPrototype: true });
    const query = fc.string({ minLength: 1 }).filter((text) => !text.includes("{"));
    fc.assert(
      fc.property(query, labels, (of, given) => {
        const element = elementOf(elementMetric(of, new Map(Object.entries(given))));
        expect(element.query).toBe(of);
        expect(Object.fromEntries(element.labels)).toEqual(given);
      }),
      { seed: 26 },
    );
    expect(elementOf("a{b")).toEqual({ query: "a{b", labels: new Map() });
  });
});
