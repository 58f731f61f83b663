/**
 * The gate on quarters of a fleet: wider tolerances fail, and a change that changes nothing passes.
 * Minutes for each quarter, so it runs under `SOAK=1`. `QUARTERS=DIR,DIR` names histories that are
 * there already; else the quarters of `SEEDS` are generated.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Gate, GateVerdict } from "../../lab/gate/gate.ts";
import { getOrMake } from "../../lab/getOrMake.ts";
import { hindsight } from "../commandLine.ts";
import { temporaryDirectory } from "../directories.ts";
import { policyFile, ROOT } from "../history/smallWorld.ts";

const SOAK = process.env["SOAK"] !== undefined;
const SEEDS = ["7", "11", "12", "13"];
const LIMIT = { timeout: 3_600_000 };

const TEXT = readFileSync(policyFile("two-minute-override"), "utf8");

/** The shipped policy with so many times its tolerances and this `hold`. */
function written(name: string, times: number, hold: string): string {
  const file = join(temporaryDirectory(), `${name}.yaml`);
  const text = TEXT.replace("policy: two-minute-override", `policy: ${name}`)
    .replaceAll("tolerance: 10%", `tolerance: ${10 * times}%`)
    .replaceAll("tolerance: 1pp", `tolerance: ${times}pp`)
    .replaceAll("hold: 60s", `hold: ${hold}`);
  writeFileSync(file, times > 6 ? text.replace("AtMost: 60%", "AtMost: 99%") : text);
  return file;
}

/**
 * Times the tolerances, the hold, that of the baseline, and verdicts that are right. A sample comes
 * each minute, so a hold of 61 s is one of two minutes: it costs a minute, which fails. From there
 * one second more changes nothing.
 */
const CASES: readonly (readonly [number, string, string, readonly GateVerdict[]])[] = [
  [8, "60s", "60s", ["fail"]],
  [2, "60s", "60s", ["fail", "inconclusive"]],
  [1, "60s", "60s", ["pass"]],
  [1, "61s", "60s", ["fail", "inconclusive"]],
  [1, "62s", "61s", ["pass"]],
];

const QUARTERS = process.env["QUARTERS"]?.split(",") ?? SEEDS;
/** Histories by what they are called above; a cache is what four questions have in common. */
const known = new Map<string, Promise<string>>();
const cache = join(temporaryDirectory(), "cache");

/** The directory of a quarter, which is generated where a seed is given. */
async function historyOf(quarter: string): Promise<string> {
  if (!SEEDS.includes(quarter)) return quarter;
  const directory = join(temporaryDirectory(), `quarter-${quarter}`);
  const world = join(ROOT, "datasets/worlds/quarter.yaml");
  const words = ["generate", world, "--seed", quarter, "--out", directory];
  const { code, stderr } = await hindsight(words);
  expect(code, stderr).toBe(0);
  return directory;
}

describe.runIf(SOAK).each(QUARTERS.map((quarter) => [quarter] as const))(
  "quarter %s",
  (quarter) => {
    it.each(CASES)("tolerances %i times, hold %s after %s: %j", LIMIT, async (...one) => {
      const [times, hold, before, verdicts] = one;
      const history = await getOrMake(known, quarter, () => historyOf(quarter));
      const { stdout } = await hindsight([
        ...["gate", "--history", history, "--people", "modelled", "--json", "--cache", cache],
        ...["--baseline", written("baseline", 1, before)],
        ...["--candidate", written("candidate", times, hold)],
      ]);
      const gate = JSON.parse(stdout) as Gate;
      const checks = gate.checks.map((check) => {
        const { name, ground, worseBy, atMost, margin, tipping } = check;
        const overturn = tipping === null ? null : `${tipping.flips ?? "none"} of ${tipping.of}`;
        return { name, verdict: check.verdict, ground, worseBy, atMost, margin, overturn };
      });
      const { verdict } = gate;
      const flips = gate.flips.length;
      console.info(JSON.stringify({ quarter, times, hold, before, verdict, flips, checks }));
      expect(verdicts).toContain(verdict);
    });
  },
);
