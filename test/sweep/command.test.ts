/** The whole command on a generated history. */

import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { evaluate } from "../../lab/compare/evaluate.ts";
import { scoredWeeks } from "../../lab/compare/within.ts";
import { DEFAULT_BUDGET, limitsOf } from "../../lab/gate/budget.ts";
import { gateOf } from "../../lab/gate/gate.ts";
import { silent } from "../../lab/progress.ts";
import { openHistory, type History } from "../../lab/history/open.ts";
import { isOpen, outcomesOf } from "../../lab/outcome/outcome.ts";
import { recoveryOf } from "../../lab/outcome/recovery.ts";
import { recorded } from "../../lab/people/recorded.ts";
import { watchHistory } from "../../lab/replay/replay.ts";
import { parseDimension } from "../../lab/sweep/dimension.ts";
import { checkSweepPlace, writeSweep } from "../../lab/sweep/directory.ts";
import { sweepDocument } from "../../lab/sweep/document.ts";
import { sweepText } from "../../lab/sweep/print.ts";
import { estimateIn } from "../../lab/score/scorecard.ts";
import { sweep, type Sweep } from "../../lab/sweep/sweep.ts";
import { openBase, type Design } from "../../lab/sweep/variations.ts";
import { inTurn } from "../commandLine.ts";
import { temporaryDirectory } from "../directories.ts";
import { scoreOf } from "../outcome/outcomes.ts";
import { HOOK_MS, policyFile, smallHistory } from "../history/smallWorld.ts";

const VARY = ["tiers.override.window=1m,2m,5m", "signals.*.hold=0s..2m/3"];
const OPTIONS = { people: "recorded", seed: 1, replicates: 100, progress: silent };
const GRID: Design = { kind: "grid", points: 0, seed: 1 };

let history: History;
let swept: Sweep;
beforeAll(async () => {
  history = await openHistory(await smallHistory());
  swept = await sweepOf(VARY);
}, HOOK_MS);
afterAll(() => history.close());

function sweepOf(vary: readonly string[]): Promise<Sweep> {
  const base = openBase(policyFile("two-minute-override"));
  return sweep(history, base, vary, vary.map(parseDimension), GRID, OPTIONS);
}

/** All but the time it took. */
function timeless(made: Sweep): string {
  const document = sweepDocument(made);
  return JSON.stringify({ ...document, manifest: { ...document.manifest, timing: null } });
}

describe("a sweep", () => {
  it("scores what it shows as compare does, and judges it as the gate does", async () => {
    expect(swept.compared).toEqual([...swept.scores.keys()]);
    const weeks = scoredWeeks(history.manifest, undefined);
    const count = history.tables.deployments.length;
    for (const at of [1, swept.variations.length]) {
      const { policy, name } = swept.variations[at - 1]!;
      const evaluation = await evaluate(history, [swept.base, { ...policy, policy: name }], {
        ...OPTIONS,
        modelled: { limits: limitsOf(DEFAULT_BUDGET) },
      });
      evaluation.policies.forEach(({ scored: { scorecard: card } }, index) => {
        const own = swept.scores[index === 0 ? 0 : at]!;
        expect({
          missRate: own.missRate,
          falsePositiveRate: own.falsePositiveRate,
          rollbacks: own.rollbacks,
        }).toEqual({
          missRate: estimateIn(card, "missRate").value,
          falsePositiveRate: estimateIn(card, "falsePositiveRate").value,
          rollbacks: estimateIn(card, "rollbacks").value,
        });
        expect((own.cost * count) / 100).toBeCloseTo(card.cost.value!, 6);
        expect(own.nightPages * weeks).toBeCloseTo(estimateIn(card, "nightPages").value!, 9);
        const { restrictedMean60m } = card.timeToRecovery;
        expect(60 * own.recoveryMinutes).toBeCloseTo(restrictedMean60m.value!, 8);
      });
      const { verdict, checks } = gateOf(evaluation, DEFAULT_BUDGET, [], weeks);
      expect(swept.gated.find(({ place }) => place === at)!.gate).toEqual({ verdict, checks });
    }
  });

  it("scores the others as a replay of them alone does", async () => {
    const many = await sweepOf([VARY[0]!, "signals.*.hold=0s..2m/8"]);
    expect(many.compared).toContain(0);
    const others = [...many.scores.keys()].filter((place) => !many.compared.includes(place));
    expect(others.length).toBeGreaterThan(0);
    for (const at of others.slice(0, 2)) {
      const { policy } = many.variations[at - 1]!;
      const { plan, decide } = await watchHistory(history, [policy], silent);
      const people = recorded(history.tables.decisions);
      const recovery = recoveryOf(history.tables, 1);
      const made = decide(0, people, recovery);
      const seen = { plan, imagined: new Set<number>() };
      const zones = new Map(history.tables.services.map((row) => [row.service, row.timezone]));
      const outcomes = outcomesOf(history, seen, made, people, recovery);
      const timezoneOf = (service: string): string | null => zones.get(service) ?? null;
      const { scorecard } = scoreOf(outcomes, { timezoneOf });
      const own = many.scores[at]!;
      const deployments = history.tables.deployments.length;
      expect((own.cost * deployments) / (100 * scorecard.cost.value!)).toBeCloseTo(1, 8);
      expect(own.recoveryMinutes * 60).toBeCloseTo(
        scorecard.timeToRecovery.restrictedMean60m.value!,
        5,
      );
      for (const name of ["falsePositiveRate", "missRate"] as const) {
        expect(own[name]).toBeCloseTo((scorecard[name] as { value: number }).value, 8);
      }
      // At least wrong, at most missed.
      const hidden = outcomes.filter((one) => one.censoredAtMs !== null && isOpen(one));
      expect(hidden.length).toBeGreaterThan(0);
      expect(hidden.some(({ rolledBack }) => rolledBack)).toBe(false);
    }
  });

  it("gives every policy a cost between the oracle's and a plausible bound", () => {
    const oracle = swept.anchors.find(({ name }) => name === "oracle")!.scores;
    expect(oracle.falsePositiveRate).toBe(0);
    for (const { cost, recoveryMinutes } of swept.scores) {
      expect(cost).toBeGreaterThan(oracle.cost);
      expect(recoveryMinutes).toBeGreaterThanOrEqual(oracle.recoveryMinutes);
    }
    expect(swept.anchors.map(({ name }) => name)).toEqual([
      "never",
      "oracle",
      "all full",
      "all override",
      "all approve",
    ]);
  });

  it("shows what the gate says of every row, and no bounds", () => {
    const rows = sweepText(swept, 200).split("\n");
    const [header] = rows.filter((line) => line.includes("│ policy"));
    expect(header).toMatch(/false-positive rate +│ +missed │.* limits │/);
    const said = new Set(
      rows.flatMap((line) => /(within|beyond|not shown) │$/.exec(line)?.[1] ?? []),
    );
    const words = { pass: "within", fail: "beyond", inconclusive: "not shown" };
    expect(said.size).toBeGreaterThan(0);
    for (const word of said) {
      expect(swept.gated.map(({ gate }) => words[gate.verdict])).toContain(word);
    }
    const { variations } = sweepDocument(swept);
    expect(variations.map(({ compared, gate }) => [compared, gate?.verdict])).toEqual(
      swept.gated.map(({ gate }) => [true, gate.verdict]),
    );
  });

  it("of a history without deployments is refused, as every replay is", async () => {
    const [dir, none] = [temporaryDirectory(), temporaryDirectory()];
    writeFileSync(
      join(dir, "metrics.csv"),
      "service,metric,ts,value\nshop,latency_p95_ms,2026-03-12T09:00:00Z,1\n",
    );
    writeFileSync(join(dir, "deployments.csv"), "deployment_id,service,deployed_at,kind\n");
    const made = join(none, "history");
    expect((await inTurn(["import", "csv", dir, "--out", made])).code).toBe(0);
    const policy = ["--history", made, "--policy", policyFile("two-minute-override")];
    const { code, stdout, stderr } = await inTurn([
      "sweep",
      ...policy,
      "--vary",
      VARY[0]!,
      "--cache",
      join(none, "kept"),
    ]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain("this history has no deployments: there is nothing to replay");
  });

  it("is the same twice, and a policy's scores do not depend on the others", async () => {
    expect(timeless(await sweepOf(VARY))).toBe(timeless(swept));
    const fewer = await sweepOf(["tiers.override.window=5m"]);
    const same = swept.variations.findIndex(
      ({ policy }) => policy.digest === fewer.variations[0]!.policy.digest,
    );
    expect(same).toBeGreaterThanOrEqual(0);
    expect(swept.scores[same + 1]).toEqual(fewer.scores[1]);
  });

  it("of three weeks recommends nothing and says why", () => {
    expect(swept.recommendation.verdict).toBe("cannot say");
    const [answer] = sweepText(swept).split("\n");
    expect(answer).toMatch(/^This history cannot tell which of \d+ variations is better than two-/);
    expect(sweepText(swept)).toContain("too short to train, test and seal");
  });

  it("shows policies with equal results in one row, and names all in its JSON", async () => {
    // Nobody is asked for an approval under this policy, so how long one may take is nothing.
    const same = await sweepOf(["tiers.approve.sla=5m,10m,20m", "tiers.override.window=1m,2m"]);
    const document = sweepDocument(same);
    expect(document.variations).toHaveLength(5);
    expect(document.alike).toEqual([
      {
        name: "sla=5m to 20m window=2m",
        policies: ["two-minute-override", "sla=5m window=2m", "sla=20m window=2m"],
      },
      {
        name: "sla=5m to 20m window=1m",
        policies: ["sla=5m window=1m", "sla=10m window=1m", "sla=20m window=1m"],
      },
    ]);
    const everywhere = { ...same.frontier, members: [0, 1, 2, 3, 4, 5] };
    const lines = sweepText({ ...same, frontier: everywhere }).split("\n");
    expect(lines[2]).toBe(
      "5 variations, 5 of them on the frontier (those that come to the same share a row)",
    );
    const rows = lines.filter((line) => /^│ +(\S|the same)/.test(line)).map((line) => line.trim());
    const policies = rows.map((row) => row.split("│")[1]!.trim());
    expect(policies.filter((name) => !name.startsWith("·")).sort()).toEqual([
      "policy",
      "sla=5m to 20m window=1m",
      "the same: sla=5m to 20m window=2m",
      "two-minute-override (now)",
    ]);
  });

  it("writes its directory whole, and replaces only a sweep", async () => {
    const dir = join(temporaryDirectory(), "out");
    await writeSweep(dir, sweepDocument(swept), false);
    expect(readdirSync(dir).sort()).toEqual(["manifest.json", "sweep.json"]);
    const written = JSON.parse(readFileSync(join(dir, "sweep.json"), "utf8")) as {
      variations: unknown[];
    };
    expect(written.variations).toHaveLength(swept.variations.length);
    expect(() => checkSweepPlace(dir, false)).toThrow("there is a sweep already");
    await writeSweep(dir, sweepDocument(swept), true);
    expect(existsSync(join(dir, "manifest.json"))).toBe(true);
    expect(() => checkSweepPlace(history.dir, true)).toThrow("not empty");
  });
});
