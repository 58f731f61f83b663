/** `--from` and `--to`: what is scored is a stretch, what happens is the whole history. */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { moment } from "../../lab/cli/moment.ts";
import { evaluate, type EvaluateOptions, type Evaluation } from "../../lab/compare/evaluate.ts";
import type { Within } from "../../lab/compare/within.ts";
import { openHistory, type History } from "../../lab/history/open.ts";
import { Problem } from "../../lab/problem.ts";
import { silent } from "../../lab/progress.ts";
import { estimateIn } from "../../lab/score/scorecard.ts";
import { portsOf } from "../../lab/scale/ports.ts";
import { Store } from "../../lab/scale/store.ts";
import { parseDimension } from "../../lab/sweep/dimension.ts";
import { sweep, type Sweep } from "../../lab/sweep/sweep.ts";
import { openBase } from "../../lab/sweep/variations.ts";
import { valueOfTags } from "../../lab/tags/value.ts";
import { inTurn } from "../commandLine.ts";
import { temporaryDirectory } from "../directories.ts";
import { fewHistory, HOOK_MS, policyFile, shipped } from "../history/smallWorld.ts";

const POLICIES = ["two-minute-override", "full-autonomy"].map(shipped);
const OPTIONS: EvaluateOptions = {
  people: "absent",
  seed: 1,
  replicates: 100,
  draws: 2,
  progress: silent,
};

let dir = "";
let history: History;
let whole: Evaluation;
let within: Within;
let part: Evaluation;
beforeAll(async () => {
  dir = await fewHistory();
  history = await openHistory(dir);
  const [fromMs, toMs] = [history.manifest.from, history.manifest.to].map((at) => Date.parse(at!));
  const thirdMs = (toMs! - fromMs!) / 3;
  within = { fromMs: fromMs! + thirdMs, toMs: toMs! - thirdMs };
  whole = await evaluate(history, POLICIES, OPTIONS);
  part = await evaluate(history, POLICIES, { ...OPTIONS, within });
}, HOOK_MS);
afterAll(() => history.close());

function isInside({ startedAtMs }: { readonly startedAtMs: number }): boolean {
  return startedAtMs >= within.fromMs && startedAtMs < within.toMs;
}

describe("a stretch of a history", () => {
  it("ends each of its deployments as the whole history does, and scores no other", () => {
    for (const [at, { outcomes, scored }] of part.policies.entries()) {
      const inside = [...whole.policies[at]!.outcomes].filter(isInside);
      expect(inside.length).toBeGreaterThan(10);
      expect(inside.length).toBeLessThan(whole.policies[at]!.outcomes.length);
      expect([...outcomes]).toEqual(inside);
      expect(estimateIn(scored.scorecard, "deployments").value).toBe(inside.length);
      const rollbacks = inside.filter(({ rolledBack }) => rolledBack).length;
      expect(rollbacks).toBeGreaterThan(0);
    }
    expect(part.flips).toEqual(
      whole.flips.filter(({ deploymentId }) =>
        [...part.policies[0]!.outcomes].some((one) => one.deploymentId === deploymentId),
      ),
    );
  });

  it("is told in the manifest, and counts a week by its own length", () => {
    const { from, to } = part.manifest.within!;
    expect([Date.parse(from!), Date.parse(to!)]).toEqual([within.fromMs, within.toMs]);
    expect(part.manifest.notes[0]).toMatch(/^Scored: the \d+ deployments of \d+ that started from/);
    expect(whole.manifest.within).toBeUndefined();
    const { scorecard } = part.policies[0]!.scored;
    const pages = estimateIn(scorecard, "pages").value!;
    const pagesPerWeek = estimateIn(scorecard, "pagesPerWeek").value!;
    const weeks = (within.toMs - within.fromMs) / 604_800_000;
    expect(pages).toBeGreaterThan(0);
    expect(pagesPerWeek * weeks).toBeCloseTo(pages, 6);
  });

  it("is refused where nothing starts in it", async () => {
    const [fromMs, toMs] = [Date.parse("2020-01-01"), Date.parse("2020-02-01")];
    const empty = evaluate(history, POLICIES, { ...OPTIONS, within: { fromMs, toMs } });
    await expect(empty).rejects.toThrow(Problem);
    await expect(empty).rejects.toThrow(/no deployment .* between --from and --to/);
  });

  it("has tags of its own", async () => {
    const once = { ...OPTIONS, draws: 1 };
    const all = (await valueOfTags(history, POLICIES[0]!, once))!;
    const own = (await valueOfTags(history, POLICIES[0]!, { ...once, within }))!;
    const tags = ({ kinds }: typeof all): number => kinds.reduce((sum, one) => sum + one.tags, 0);
    expect(tags(own)).toBeGreaterThan(0);
    expect(tags(own)).toBeLessThan(tags(all));
  });
});

describe("a sweep of a stretch", () => {
  const vary = ["tiers.override.window=1m,5m"];
  const swept = (options: Partial<EvaluateOptions>): Promise<Sweep> => {
    const base = openBase(policyFile("two-minute-override"));
    const design = { kind: "grid" as const, points: 0, seed: 1 };
    return sweep(history, base, vary, vary.map(parseDimension), design, { ...OPTIONS, ...options });
  };

  it("has its own deployments and no others, with a store as without", async () => {
    const ports = portsOf({
      store: new Store(temporaryDirectory()),
      leastSamples: 0,
      shardWindows: 400,
      work: () => null,
    });
    const { fromMs } = within;
    const all = await swept({});
    // For each policy the cost of its deployments; those of the parts are those of the whole.
    const costsOf = ({ scores }: Sweep, deployments: number): number[] =>
      scores.map(({ cost }) => (cost * deployments) / 100);
    const starts = history.tables.deployments.map(({ startedAtMs }) => startedAtMs);
    const after = starts.filter((atMs) => atMs >= fromMs).length;
    const before = await swept({ within: { fromMs: -Infinity, toMs: fromMs } });
    const costsBefore = costsOf(before, starts.length - after);
    for (const options of [{}, ports]) {
      const own = await swept({ ...options, within: { fromMs, toMs: Infinity } });
      const costs = costsOf(own, after);
      expect(costs.every((cost) => cost > 0)).toBe(true);
      costsOf(all, starts.length).forEach((cost, at) => {
        expect((costs[at]! + costsBefore[at]!) / cost).toBeCloseTo(1, 8);
      });
      expect(own.manifest.within).toEqual({ from: part.manifest.within!.from, to: null });
      expect(own.manifest.notes[0]).toMatch(/^Scored: the /);
    }
    const kept = await swept(ports);
    expect(kept.scores, "another question than its part").toEqual(all.scores);
  });
});

describe("--from and --to", () => {
  const asked = (...stretch: string[]) =>
    inTurn([
      ...["replay", "--history", dir, "--policy", policyFile("full-autonomy")],
      ...["--json", ...stretch],
    ]);

  it("take a day, an instant, or how long before the end of the history", async () => {
    const [endMs] = [Date.parse(history.manifest.to!)];
    expect(moment("2026-07-01")(endMs)).toBe(Date.parse("2026-07-01T00:00:00Z"));
    expect(moment("2026-07-01T08:00:00+02:00")(endMs)).toBe(Date.parse("2026-07-01T06:00:00Z"));
    expect(moment("100h")(endMs)).toBe(endMs - 100 * 3_600_000);
    const { code, stdout } = await asked("--from", "100h");
    expect(code).toBe(0);
    const { manifest, outcomes } = JSON.parse(stdout) as {
      readonly manifest: { readonly within: { readonly from: string; readonly to: null } };
      readonly outcomes: readonly { readonly startedAt: string }[];
    };
    expect(Date.parse(manifest.within.from)).toBe(endMs - 100 * 3_600_000);
    expect(manifest.within.to).toBeNull();
    const starts = history.tables.deployments.map(({ startedAtMs }) => startedAtMs);
    const inside = starts.filter((atMs) => atMs >= endMs - 100 * 3_600_000);
    expect(outcomes.map(({ startedAt }) => Date.parse(startedAt)).sort()).toEqual(inside.sort());
  });

  it("say what is wrong with them", async () => {
    const later = await asked("--from", "2026-07-02", "--to", "2026-07-01");
    expect(later).toMatchObject({ code: 2, stdout: "" });
    expect(later.stderr).toContain("--from is not before --to");
    const word = await asked("--from", "yesterday");
    expect(word).toMatchObject({ code: 2, stdout: "" });
    expect(word.stderr).toContain("so long before the end: 30d");
    const none = await asked("--to", "2020-01-01");
    expect(none).toMatchObject({ code: 2, stdout: "" });
    expect(none.stderr).toMatch(/Its \d+ deployments started from \d{4}/);
  });
});
