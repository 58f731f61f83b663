/**
 * Bodies that anybody may send: whatever is changed in a good one, the readers of exports and of
 * metrics answer with rows that are whole and problems in words, never with an exception.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, it } from "vitest";
import { readArgocd } from "../../lab/history/import/exports/argocd.ts";
import { PLAIN_NAMING } from "../../lab/history/import/exports/foreign.ts";
import { readGithub } from "../../lab/history/import/exports/github.ts";
import {
  readPagerdutyChanges,
  readPagerdutyIncidents,
} from "../../lab/history/import/exports/pagerduty.ts";
import { readRollouts } from "../../lab/history/import/exports/rollouts.ts";
import type { Fields } from "../../lab/jsonBody.ts";
import { readMatrix } from "../../lab/shadow/source/matrix.ts";
import { METRICS } from "../../lab/shadow/source/settings.ts";
import { ROOT } from "./samples.ts";

const JUNK: readonly unknown[] = [
  ...[null, true, 0, -1, 1e300, "", [], {}, [null], [[]], "now", "2026-02-30T00:00:00Z"],
  ...["9999-12-31T23:59:59-23:59", { toString: 1 }, [{ toString: null }], { length: 3 }],
];

type Path = readonly (string | number)[];

/** Every place in a body, the whole of it left out. */
function placesIn(value: unknown, at: Path = []): Path[] {
  if (typeof value !== "object" || value === null) return at.length === 0 ? [] : [at];
  const inside = Object.entries(value).flatMap(([key, one]) => placesIn(one, [...at, key]));
  return at.length === 0 ? inside : [at, ...inside];
}

/** The body with a few places of it gone or replaced. */
function spoiled(good: unknown): fc.Arbitrary<unknown> {
  const places = placesIn(good);
  const change = fc.tuple(fc.constantFrom(...places), fc.constantFrom(undefined, ...JUNK));
  return fc.array(change, { maxLength: 5 }).map((changes) => {
    const body = structuredClone(good);
    for (const [path, junk] of changes) {
      let inside = body as Record<string, unknown>;
      for (const key of path.slice(0, -1)) {
        inside = (inside[key] ?? {}) as Record<string, unknown>;
      }
      if (typeof inside !== "object") continue;
      if (junk === undefined) Reflect.deleteProperty(inside, path.at(-1)!);
      else inside[path.at(-1)!] = structuredClone(junk);
    }
    return JSON.parse(JSON.stringify(body)) as unknown;
  });
}

function file(name: string): unknown {
  return JSON.parse(readFileSync(join(ROOT, "test/history/exports", name), "utf8"));
}

it.each([
  ["deployments.json", readGithub],
  ["applications.json", readArgocd],
  ["incidents.json", readPagerdutyIncidents],
  ["change-events.json", readPagerdutyChanges],
  ["rollouts.json", (elements, naming) => readRollouts(elements, naming).deployments],
])("%s, spoiled", (name, read) => {
  let rowsRead = 0;
  const good = file(name);
  fc.assert(
    fc.property(spoiled(good), (body) => {
      const elements = Array.isArray(body) ? (body as unknown[]) : [body];
      const { rows, problems } = read(elements, PLAIN_NAMING);
      for (const row of rows) {
        rowsRead++;
        expect(Number.isSafeInteger(row.startedAtMs)).toBe(true);
        expect(row.service).not.toBe("");
      }
      for (const problem of problems) expect(problem).toMatch(/^element \d+: ./);
    }),
    { seed: 9, numRuns: 300 },
  );
  expect(rowsRead).toBeGreaterThan(100);
});

it("an answer of a metrics API, spoiled", () => {
  const series = (service: string, seconds: readonly number[]): unknown => ({
    metric: { __name__: "x", service },
    values: seconds.map((at) => [at, String(at)]),
  });
  const result = [series("a", [1, 2, 3]), series("b", [3, 2, 2]), series("a", [9])];
  const good = {
    status: "success",
    data: { resultType: "matrix", result },
    warnings: ["PromQL i"],
  };
  const [query] = METRICS.parse({ url: "http://x", queries: { x: "x" } }).queries;
  let columnsRead = 0;
  fc.assert(
    fc.property(spoiled(good), (body) => {
      const read = readMatrix(body as Fields, query!, 1_000, 8_000);
      if (read.columns === null) {
        expect(read.problem).not.toBe("");
        return;
      }
      for (const { atMs, values } of read.columns) {
        columnsRead++;
        expect(values).toHaveLength(atMs.length);
        expect(atMs.every((at, i) => at > (atMs[i - 1] ?? 1_000) && at <= 8_000)).toBe(true);
        expect(values.every((value) => Math.abs(value) !== Infinity)).toBe(true);
      }
    }),
    { seed: 9, numRuns: 1000 },
  );
  expect(columnsRead).toBeGreaterThan(100);
});
