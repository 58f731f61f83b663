/**
 * The gate on a history in which nobody rolled back, so that all of it can be judged: a
 * candidate made worse on purpose fails with the right guard named, an equal one passes,
 * a history too small is inconclusive, and no evidence is never a pass.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Policy } from "../../engine/index.ts";
import { silent } from "../../lab/progress.ts";
import {
  budgetSchema,
  DEFAULT_BUDGET,
  loadAcceptedFlips,
  loadBudget,
  type AcceptedFlip,
  type Budget,
} from "../../lab/gate/budget.ts";
import { gateDocument, gateJunit, gateMarkdown, gateText } from "../../lab/gate/formats.ts";
import { gateOf, type Gate } from "../../lab/gate/gate.ts";
import { openHistory, type History } from "../../lab/history/open.ts";
import { loadPolicy, policyFromText } from "../../lab/policy/load.ts";
import { generateHistory } from "../../lab/simulate/generate.ts";
import { temporaryDirectory } from "../directories.ts";
import {
  evaluated,
  freshWorld,
  HOOK_MS,
  policyFile,
  ROOT,
  shipped,
  smallHistory,
} from "../history/smallWorld.ts";
import { tinyHistory } from "../history/tinyHistory.ts";

const WEEKS = 3;
const BASELINE = shipped("two-minute-override");
const WRITTEN = readFileSync(policyFile("two-minute-override"), "utf8");

function changed(name: string, change: (text: string) => string): Policy {
  return policyFromText(change(WRITTEN).replace(/^policy: .*/m, `policy: ${name}`), name);
}

const HIGHER = changed("higher", (text) =>
  text.replaceAll("tolerance: 10%", "tolerance: 15%").replace("tolerance: 1pp", "tolerance: 1.5pp"),
);
const SLOWER = changed("slower", (text) => text.replace("window: 2m", "window: 30m"));
const DEAF = changed("deaf", (text) => text.replace(/^modes:[^]*?(?=^guardrails:)/m, ""));

async function judge(
  history: History,
  candidate: Policy,
  budget: Budget = DEFAULT_BUDGET,
  accepted: readonly AcceptedFlip[] = [],
): Promise<{ gate: Gate; evaluation: Awaited<ReturnType<typeof evaluated>> }> {
  const evaluation = await evaluated(history, [BASELINE, candidate]);
  return { gate: gateOf(evaluation, budget, accepted, WEEKS), evaluation };
}

const failed = ({ checks }: Gate): string[] =>
  checks.filter(({ verdict }) => verdict === "fail").map(({ name }) => name);

let history: History;
beforeAll(async () => {
  const dir = join(temporaryDirectory(), "history");
  const { world, sources } = freshWorld();
  const observer = loadPolicy(join(ROOT, "test/gate/observer.yaml"));
  const options = { force: false, madeBy: "a test", sources, progress: silent };
  await generateHistory(world, observer, dir, options);
  history = await openHistory(dir);
}, HOOK_MS);
afterAll(() => history.close());

describe("a candidate made worse on purpose", () => {
  test.each([
    ["tolerances half as high again", HIGHER, "timeToRecovery.restrictedMean60m"],
    ["a window of 30 minutes for 2", SLOWER, "timeToRecovery.restrictedMean60m"],
    ["tags ignored", DEAF, "nightPages"],
  ])("%s fails", async (_what, candidate, guard) => {
    const { gate } = await judge(history, candidate);
    expect(gate.verdict).toBe("fail");
    expect(failed(gate)).toContain(guard);
    const check = gate.checks.find(({ name }) => name === guard)!;
    expect(check.worseBy!).toBeGreaterThan(check.margin!);
  });

  test("is never inconclusive in a guard that failed, and says by how much", async () => {
    const { gate, evaluation } = await judge(history, SLOWER);
    const difference = evaluation.differences.find(
      ({ field }) => field === "timeToRecovery.restrictedMean60m",
    )!;
    const check = gate.checks.find(({ name }) => name === difference.field)!;
    expect([check.worseBy, check.atMost]).toEqual([difference.difference, difference.high]);
    expect(gateText(evaluation, gate)).toMatch(/^FAIL: slower against two-minute-override: /);
  });

  test("fails by its best guess where it is surely worse, and its reason says so", async () => {
    const evaluation = await evaluated(history, [BASELINE, SLOWER]);
    const name = "timeToRecovery.restrictedMean60m";
    const { low, difference, high } = evaluation.differences.find(({ field }) => field === name)!;
    expect(low).toBeGreaterThan(0);
    const within = (seconds: number): Gate["checks"][number] => {
      const guards = { [name]: `${Math.round(seconds * 1000)}ms` };
      return gateOf(evaluation, budgetOf({ guards }), [], WEEKS).checks[0]!;
    };
    const failing = within((low! + difference!) / 2);
    expect(failing.verdict).toBe("fail");
    expect(failing.reason).toMatch(/^surely worse, by .+ at least and .+ as the best guess; /);
    expect(within((difference! + high!) / 2).verdict).toBe("inconclusive");
    expect(within(high! + 1).verdict).toBe("pass");
  });
});

describe("an equal candidate", () => {
  test("passes under its own name and another, with no deployment ending differently", async () => {
    const renamed = changed("renamed", (text) => text);
    const { gate } = await judge(history, renamed);
    expect(gate.verdict).toBe("pass");
    expect(gate.flips).toEqual([]);
  });

  test("whose rules differ is not known to be equal from so few regressions", async () => {
    // Nobody reads this tag, so nothing ends differently; 26 regressions exclude 11.5 pp.
    const written = `assign:\n  - { when: { tags: { unheard_of: true } }, tier: observe }`;
    const same = changed("same", (text) => text.replace("assign:", written));
    const { gate, evaluation } = await judge(history, same);
    expect(gate.verdict).toBe("inconclusive");
    const check = gate.checks.find(({ name }) => name === "missRate")!;
    expect(check).toMatchObject({ verdict: "inconclusive", worseBy: 0 });
    expect(check.atMost).toBeCloseTo(3 / 26, 9);
    expect(check.historyTimes).toBeCloseTo(3 / 26 / 0.01, 6);
    // Three of them missed, at 10 a minute, an hour each or longer.
    const { unaidedSeconds } = evaluation.manifest.recovery;
    const missed = 10 * Math.max(60, unaidedSeconds / 60);
    const cost = gate.checks.find(({ name }) => name === "cost")!;
    expect(cost.atMost).toBeCloseTo(3 * missed, 6);
    expect(cost.atMost).toBeGreaterThanOrEqual(1800);
    const wide = budgetOf({ guards: { missRate: "12pp" } });
    expect((await judge(history, same, wide)).gate.verdict).toBe("pass");
  });
});

function budgetOf(written: unknown): Budget {
  const { guards, worseFlips = null } = budgetSchema.parse(written);
  return { ...DEFAULT_BUDGET, guards, worseFlips };
}

describe("no evidence", () => {
  test("is inconclusive on a tiny history, whatever ends differently there", async () => {
    const tiny = await tinyHistory({
      good: { label: "benign" },
      slow: { label: "regression", slow: [3, 45], incident: [3, 45] },
    });
    try {
      const { gate } = await judge(tiny, SLOWER);
      expect(gate.verdict).toBe("inconclusive");
      expect(failed(gate)).toEqual([]);
    } finally {
      tiny.close();
    }
  });

  test("is inconclusive where no label says what was right", async () => {
    const tiny = await tinyHistory({ some: { slow: [3, 45] } });
    try {
      const { gate } = await judge(tiny, SLOWER, budgetOf({ guards: { missRate: "50pp" } }));
      expect(gate.verdict).toBe("inconclusive");
      expect(gate.checks[0]!.reason).toBe("this history cannot say it");
    } finally {
      tiny.close();
    }
  });
});

describe("more history", () => {
  const shortOf = (history: History): Promise<Awaited<ReturnType<typeof evaluated>>> =>
    evaluated(history, [shipped("full-autonomy"), shipped("default")]);

  test("narrows the sampling part of an interval, not the part that history hid", async () => {
    const rolledBack = await openHistory(await smallHistory());
    try {
      const evaluation = await shortOf(rolledBack);
      const told = evaluation.differences.find(({ field }) => field === "missRate")!;
      const [hidden, most] = [told.hiddenHigh!, told.high!];
      expect(hidden).toBeGreaterThan(Math.max(0, told.difference!));
      expect(most).toBeGreaterThan(hidden);
      const within = (margin: number): Gate["checks"][number] => {
        const guard = { ...DEFAULT_BUDGET.guards.find(({ field }) => field.name === "missRate")! };
        const written = { amount: margin, of: "absolute" as const, text: "" };
        const budget = { ...DEFAULT_BUDGET, guards: [{ ...guard, margin: written }] };
        return gateOf(evaluation, budget, [], WEEKS).checks[0]!;
      };
      // Luck has to halve, which four times as much does.
      expect(within((hidden + most) / 2).historyTimes).toBeCloseTo(4, 6);
      const beyond = within((Math.max(0, told.difference!) + hidden) / 2);
      expect(beyond).toMatchObject({ verdict: "inconclusive", historyTimes: null });
      expect(beyond.reason).toContain("no length of such a history would tell");
    } finally {
      rolledBack.close();
    }
  });

  test("gives the plain multiple of history where history hid nothing", async () => {
    const { gate, evaluation } = await judge(history, HIGHER);
    const open = gate.checks.filter(({ historyTimes }) => historyTimes !== null);
    for (const { name, worseBy, atMost, margin, historyTimes } of open) {
      const told = evaluation.differences.find(({ field }) => field === name)!;
      if (told.low === -told.unseen.below && told.high === told.unseen.above) continue;
      expect(historyTimes).toBeCloseTo(((atMost! - worseBy!) / (margin! - worseBy!)) ** 2, 6);
    }
  });
});

describe("deployments that end worse", () => {
  test("fail a budget that limits them, unless they are accepted by name and end", async () => {
    const strict = budgetOf({ guards: { missRate: "100pp" }, worseFlips: 0 });
    const { gate } = await judge(history, HIGHER, strict);
    expect(failed(gate)).toEqual(["worseFlips"]);
    const worse = gate.flips.filter(({ change }) => change === "worse");
    expect(worse.length).toBeGreaterThan(0);
    const accepted = worse.map(({ deploymentId, candidate }) => ({
      deployment: deploymentId,
      end: candidate.end,
      by: "a.person",
      why: "looked at",
    }));
    expect((await judge(history, HIGHER, strict, accepted)).gate.verdict).toBe("pass");
    const otherEnd = accepted.map((one) => ({ ...one, end: "expired" }));
    const refused = (await judge(history, HIGHER, strict, otherEnd)).gate;
    expect(failed(refused)).toEqual(["worseFlips"]);
    expect(refused.unused).toEqual(otherEnd);
  });
});

describe("what CI reads", () => {
  test("JUnit has a case for each guard, and inconclusive is an error", async () => {
    const { gate, evaluation } = await judge(history, HIGHER);
    const xml = gateJunit(evaluation, gate);
    expect(xml.match(/<testcase /g)).toHaveLength(gate.checks.length);
    const count = (verdict: string): number =>
      gate.checks.filter((check) => check.verdict === verdict).length;
    expect(xml.match(/<failure /g)).toHaveLength(count("fail"));
    expect(xml.match(/<error /g)).toHaveLength(count("inconclusive"));
    expect(xml).toContain(`failures="${count("fail")}" errors="${count("inconclusive")}"`);
  });

  test("texts cannot break Markdown tables or XML", async () => {
    const { gate, evaluation } = await judge(history, HIGHER);
    const nasty = 'a | b <script> & "c"\n\u0007';
    const checks = [{ ...gate.checks[0]!, verdict: "fail" as const, reason: nasty }];
    const flips = gate.flips.map((flip) => ({ ...flip, why: nasty }));
    const broken = { ...gate, checks, flips };
    for (const line of gateMarkdown(evaluation, broken).split("\n")) {
      if (line.startsWith("| ") && line.includes("script")) {
        expect(line).toContain("a \\| b &lt;script>");
      }
    }
    const xml = gateJunit(evaluation, broken);
    expect(xml).toContain("a | b &lt;script&gt; &amp; &quot;c&quot;");
    expect(xml).not.toContain("\u0007");
  });

  test("the Markdown says what the candidate does differently", async () => {
    const { gate, evaluation } = await judge(history, SLOWER);
    expect(gateMarkdown(evaluation, gate)).toContain(
      "\nWhat changes:\n\n- override window 2m → 30m\n\n| guard",
    );
  });

  test("the Markdown says who answers, and what the comparison notes", async () => {
    const { gate, evaluation } = await judge(history, SLOWER);
    const text = gateMarkdown(evaluation, gate);
    expect(text).toContain(`, people ${evaluation.manifest.people}, engine `);
    expect(evaluation.manifest.notes.length).toBeGreaterThan(0);
    for (const one of evaluation.manifest.notes) expect(text).toContain(`\n${one}\n`);
  });

  test("the JSON is that of compare with verdict, checks and judged flips", async () => {
    const { gate, evaluation } = await judge(history, HIGHER);
    const document = gateDocument(evaluation, gate);
    expect(Object.keys(document)).toEqual(
      expect.arrayContaining(["manifest", "scorecards", "differences", "verdict", "checks"]),
    );
    expect(document.flips.every((flip) => "accepted" in flip)).toBe(true);
  });
});

describe("budget files", () => {
  const file = (text: string): string => {
    const path = join(temporaryDirectory(), "budget.yaml");
    writeFileSync(path, text);
    return path;
  };

  test("the shipped one is the default, and the shipped list of accepted flips is read", () => {
    expect(loadBudget(join(ROOT, "scenarios/gate/budget.yaml"))).toEqual(DEFAULT_BUDGET);
    expect(loadAcceptedFlips(join(ROOT, "scenarios/gate/accepted-flips.yaml"))).toHaveLength(1);
  });

  test.each([
    ["guards:\n  misRate: 1pp\n", /budget.yaml:2:3: guards.misRate: no such field/],
    ["guards:\n  missRate: 30s\n", /:2:3: guards.missRate: expected a margin such as 1pp or 5%/],
    ["guards:\n  nightPages: 1pp\n", /expected a margin such as 2, 0.5\/week or 5%/],
    ["guards: {}\n", /:1:1: guards: name at least one guard/],
    ["guard:\n  missRate: 1pp\n", /:1:1: guard: unknown key/],
    ["guards:\n  a: [1\n", /budget.yaml:\d+:\d+: /],
    ["worseFlips: -1\n", /:1:1: worseFlips: /],
  ])("errors name the line and what may stand there: %j", (text, message) => {
    expect(() => loadBudget(file(text))).toThrow(message);
  });

  test("an accepted flip needs somebody and a reason", () => {
    const text = "accepted:\n  - { deployment: a, end: missed, by: '', why: x }\n";
    expect(() => loadAcceptedFlips(file(text))).toThrow(/2:\d+: accepted.0.by: say who/);
  });
});
