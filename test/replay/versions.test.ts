/**
 * The comparison of versions in a generated world of canaries, beside before and after. Long, so
 * here one world and one policy with and without the word; `SOAK=1` takes ten worlds and the
 * shipped policies, and prints the table of lab/detectBench/README.md.
 */

import { resolve } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { WorldDeployment } from "../../datasets/world/index.ts";
import { loadPolicy } from "../../lab/policy/load.ts";
import { SOAK } from "../detectors/noise.ts";
import { withoutTheWord, counted, saidIn, type Said } from "./canaryWorld.ts";

const SEEDS = SOAK ? [201, 202, 203, 204, 205, 206, 207, 208, 209, 210] : [203];
const load = (name: string) =>
  loadPolicy(resolve(import.meta.dirname, `../../scenarios/policies/${name}.yaml`));
const canary = load("canary");
const POLICIES = [
  canary,
  withoutTheWord(canary),
  ...(SOAK ? ["default", "plain-window", "naive-threshold"].map(load) : []),
];

const isBad = ({ label }: WorldDeployment): boolean => label === "regression";
const isGood = ({ label }: WorldDeployment): boolean => label === "benign";
const isStaged = ({ stages }: WorldDeployment): boolean => stages.length > 1;
const because =
  (cause: string) =>
  (truth: WorldDeployment): boolean =>
    truth.cause === cause;
const found = ({ blamed, silent }: Said): boolean => blamed || silent;

let apart: (readonly (readonly Said[])[])[];
let whole: (readonly (readonly Said[])[])[];
beforeAll(async () => {
  apart = [];
  whole = [];
  for (const seed of SEEDS) {
    apart.push(await saidIn(seed, POLICIES));
    whole.push(await saidIn(seed, POLICIES.slice(1), false));
  }
}, 1_200_000);

/** What one policy said in all worlds: by place in POLICIES, with versions or as a whole. */
const inAll = (worlds: typeof apart, at: number) => worlds.map((world) => world[at]!);
const shareOf = ({ flagged, all }: { flagged: number; all: number }): number => flagged / all;
const f1 = (worlds: readonly (readonly Said[])[]): number => {
  const right = counted(worlds, isBad, found);
  const wrong = counted(worlds, isGood);
  return (2 * right.flagged) / (right.flagged + wrong.flagged + right.all);
};

describe("the new version beside the old one", () => {
  it("finds more at fewer false alarms than before and after, whatever the series hold", () => {
    const beside = inAll(apart, 0);
    for (const at of SOAK ? [0, 1] : [0])
      expect(f1(beside)).toBeGreaterThan(f1(inAll(whole, at)) + 0.02);
    if (SOAK) expect(f1(beside)).toBeGreaterThan(f1(inAll(apart, 2)) + 0.05);
    const wrong = shareOf(counted(beside, isGood));
    expect(wrong).toBeLessThan(0.06);
    expect(wrong).toBeLessThan(0.6 * shareOf(counted(inAll(whole, 0), isGood)));
  });

  it("finds every silent version and every memory leak", () => {
    const beside = inAll(apart, 0);
    const quiet = counted(beside, because("silent_version"), ({ silent }) => silent);
    expect(quiet.flagged).toBe(quiet.all);
    const leaks = counted(beside, because("memory_leak"));
    expect(shareOf(leaks)).toBeGreaterThan(0.9);
    expect(Math.min(quiet.all, leaks.all)).toBeGreaterThan(2);
  });

  it("blames no staged deployment for replaced pods, and few for what another one did", () => {
    const beside = inAll(apart, 0);
    const pods = counted(
      beside,
      (truth) => truth.cause === "pod_replacement" && isGood(truth) && isStaged(truth),
    );
    expect(shareOf(pods)).toBeLessThan(0.03);
    const isHit = (truth: WorldDeployment): boolean =>
      truth.label === "unrelated_incident" && isStaged(truth);
    const hit = counted(beside, isHit);
    expect(shareOf(hit)).toBeLessThan(0.25);
    expect(shareOf(hit)).toBeLessThan(0.6 * shareOf(counted(inAll(whole, 0), isHit)));
  });

  it("makes no shipped policy worse than the same world as a whole", () => {
    for (const at of SOAK ? [1, 2] : [1]) {
      expect(f1(inAll(apart, at))).toBeGreaterThan(f1(inAll(whole, at - 1)) - 0.04);
    }
  });

  it("names few others silent", () => {
    const others = counted(
      inAll(apart, 0),
      (truth) => !isBad(truth),
      ({ silent }) => silent,
    );
    expect(shareOf(others)).toBeLessThan(0.03);
  });

  it.runIf(SOAK)("as a table", () => {
    const causes = [
      ...new Set(
        apart
          .flat(2)
          .filter((one) => isBad(one.truth))
          .map(({ truth }) => truth.cause),
      ),
    ];
    const cell = (one: { flagged: number; all: number }): string => `${one.flagged}/${one.all}`;
    const rows: [string, readonly (readonly Said[])[]][] = [
      ...POLICIES.map(({ policy }, at): [string, (readonly Said[])[]] => [
        policy,
        inAll(apart, at),
      ]),
      ...POLICIES.slice(1).map(({ policy }, at): [string, (readonly Said[])[]] => [
        `${policy}, no versions`,
        inAll(whole, at),
      ]),
    ];
    const lines = rows.map(([name, worlds]) => {
      const parts = [
        cell(counted(worlds, isBad, found)),
        cell(counted(worlds, isGood)),
        f1(worlds).toFixed(2),
        cell(counted(worlds, (truth) => truth.cause === "pod_replacement" && isGood(truth))),
        cell(counted(worlds, ({ label }) => label === "unrelated_incident")),
        ...causes.sort().map((cause) => cell(counted(worlds, because(cause), found))),
      ];
      return `| ${[name, ...parts].join(" | ")} |`;
    });
    console.log(["policy", "found", "false", "F1", "pods", "unrelated", ...causes].join(" | "));
    console.log(lines.join("\n"));
  });
});
