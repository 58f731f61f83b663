/** The fitted world against the recordings: datasets/worlds/README.md has the table. */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { quantile } from "simple-statistics";
import { describe, expect, it } from "vitest";
import { createWorld } from "../../datasets/world/index.ts";
import { openWorld } from "../../lab/simulate/open.ts";
import { RECORDINGS, ROOT } from "../history/samples.ts";
import { quietOf, slowedOf } from "./fittedWorld.ts";
import { measureRecordings, pairsOf, residualsOf, LATENCY, TRAFFIC } from "./measures.ts";
import { coarser, courseOf, residuals, spreadOf, type Spread } from "./statistics.ts";

const { spec } = openWorld(join(ROOT, "datasets/worlds/fitted.yaml"), 1).world;
const quiet = quietOf(spec, 1, 2);

function middle(values: readonly number[]): number {
  return quantile([...values], 0.5);
}

describe("the fitted world", () => {
  // Between the two recordings that have each number; a world without `noise` has none of these.
  const spreads = [...residualsOf(quiet, LATENCY).values()].map(spreadOf) as readonly Spread[];
  it.each([
    ["core", 0.065, 0.187],
    ["sd", 0.091, 0.254],
    ["phi", 0.02, 0.31],
    ["high", 2.8, 3.4],
  ] as const)("has a latency noise whose %s lies between the recordings", (field, low, high) => {
    const value = middle(spreads.map((one) => one[field]));
    expect(value).toBeGreaterThanOrEqual(low);
    expect(value).toBeLessThanOrEqual(high);
  });

  it("has services that differ in noise as recorded ones do", () => {
    const logs = spreads.map(({ core }) => Math.log(core));
    // Quartiles of the recordings together: 0.065 and 0.187, a factor of 2.9.
    expect(Math.exp(quantile(logs, 0.75) - quantile(logs, 0.25))).toBeGreaterThan(1.7);
  });

  it("shares latency noise along calls and traffic in a time zone", () => {
    const of = (names: readonly string[], calling: boolean): number =>
      middle(pairsOf(quiet, names).flatMap(([is, value]) => (is === calling ? [value] : [])));
    expect(of(LATENCY, true)).toBeGreaterThan(0.05);
    expect(Math.abs(of(LATENCY, false))).toBeLessThan(0.04);
    expect(of(TRAFFIC, false)).toBeGreaterThan(0.05);
  });

  it("counts conversions from so many that a drop of a tenth is seen", () => {
    const sds = [...quiet.services.values()].map(
      (metrics) => spreadOf(residuals(metrics.get("conversion_rate")!, 60))!.sd,
    );
    expect(middle(sds)).toBeLessThan(0.04);
    expect(Math.max(...sds)).toBeLessThan(0.1);
  });

  it("harms in bursts that fill less than a third of their hour", () => {
    const bursts = [1, 2, 3, 4]
      .flatMap((seed) => slowedOf(createWorld(spec, seed)))
      .filter(({ cause }) => cause === "bursts")
      .map(({ before, after }) => courseOf(coarser(before, 5), coarser(after, 5))!);
    expect(bursts.length).toBeGreaterThan(20);
    expect(middle(bursts.map(({ aboveHalf }) => aboveHalf))).toBeLessThan(0.3);
    expect(middle(bursts.map(({ medianShare }) => medianShare))).toBeLessThan(0.4);
  });
});

describe("datasets/worlds/README.md", () => {
  it.skipIf(!existsSync(RECORDINGS))("has what the recordings give", async () => {
    const readme = readFileSync(join(ROOT, "datasets/worlds/README.md"), "utf8");
    const rows = readme.split("\n").map((line) => line.split("|").map((cell) => cell.trim()));
    const columns = await measureRecordings(RECORDINGS);
    columns.forEach(({ rows: measured }, at) => {
      for (const [name, value] of measured) {
        const row = rows.find(([, cell]) => cell === name);
        expect([name, row?.[2 + at]]).toEqual([name, value]);
      }
    });
  });
});
