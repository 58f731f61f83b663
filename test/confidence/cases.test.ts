/** What detectors saw at an alarm and after it, and when a label is known. */

import { join } from "node:path";
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { casesOf } from "../../lab/confidence/cases.ts";
import { loadModel } from "../../lab/confidence/modelFile.ts";
import { absent } from "../../lab/people/recorded.ts";
import { silent } from "../../lab/progress.ts";
import { replay } from "../../lab/replay/replay.ts";
import { inTurn } from "../commandLine.ts";
import { temporaryDirectory } from "../directories.ts";
import { policyOf } from "../engine/policyFile.ts";
import { minute, tinyHistory, type TinyDeployment } from "../history/tinyHistory.ts";

const POLICY = policyOf({
  policy: "asked",
  owner: "o",
  signals: {
    latency: {
      metric: "latency_p95_ms",
      tolerance: "20%",
      clear: "1m",
      detector: { kind: "threshold" },
    },
  },
  assign: [{ otherwise: "observe" }],
});
const PLATFORM = { rollBack: () => ({ durationMs: 0, succeeds: true }) };

it("sees an alarm at its time and later, up to history's own rollback", async () => {
  const history = await tinyHistory({
    brief: { label: "benign", slow: [5, 10] },
    cut: {
      label: "regression",
      slow: [5, 60],
      incident: [5, 90],
      decisions: [[11, "rollbackStarted"]],
    },
    quiet: { label: "benign" },
    open: { slow: [5, 60] },
    endless: { label: "regression", incident: [90, null] },
  });
  const replayed = await replay(history, [POLICY], absent, PLATFORM, silent);
  const cases = new Map(casesOf(history, replayed, 0).map((one) => [one.service, one]));
  history.close();

  const { ground, seen, atMs, knownAtMs } = cases.get("brief")!;
  expect(ground).toBe("alarm");
  expect((atMs - minute(5)) / 60_000).toBe(3);
  expect(seen.map((one) => one?.standing)).toEqual([1, 1, 0, 0, 0]);
  // 50 % slower where 20 % is tolerated, and the first samples count for less.
  expect(seen[0]!.excess).toBeGreaterThan(Math.log(2));
  expect(seen[0]!.excess).toBeLessThanOrEqual(Math.log(2.5));
  expect(seen[0]).toMatchObject({ agreeing: 1, accusing: ["latency"], habit: 0, declared: 0 });
  // Two other services had an alarm in the same minute.
  expect(seen[0]!.elsewhere).toBeCloseTo(Math.log(3), 6);
  // No time is recorded for its label: known when the watch is over.
  expect(knownAtMs).toBe(minute(60));

  const cut = cases.get("cut")!;
  expect(cut.seen.map((one) => one !== null)).toEqual([true, true, true, false, false]);
  // Its incident ends after its watch.
  expect(cut.knownAtMs).toBe(minute(90));

  // Its incident has no recorded end, and began after its watch.
  expect(cases.get("endless")!.knownAtMs).toBe(minute(90));

  expect(cases.get("quiet")).toMatchObject({ ground: "quiet", seen: [], atMs: minute(60) });
  expect(cases.get("open")).toMatchObject({ label: "unknown", knownAtMs: Infinity });
});

const POLICY_FILE = "scenarios/policies/default.yaml";

it("learns from the command line, and refuses too few labels", async () => {
  const bad: TinyDeployment = { label: "regression", slow: [5, 60] };
  const good: TinyDeployment = { label: "benign" };
  const given: Record<string, TinyDeployment> = {};
  for (const name of ["a", "b", "c", "d", "e"]) {
    given[name] = bad;
    given[`good-${name}`] = good;
  }
  const enough = await tinyHistory(given);
  enough.close();
  const out = join(temporaryDirectory(), "confidence.json");
  const args = ["confidence", "learn", "--policy", POLICY_FILE, "--json"];
  const model = join(temporaryDirectory(), "model.json");
  const files = ["--out", out, "--model", model];
  const learned = await inTurn([...args, "--history", enough.dir, ...files]);
  expect(learned.code).toBe(0);
  expect(JSON.parse(readFileSync(out, "utf8"))).toEqual(JSON.parse(learned.stdout));
  expect(JSON.parse(learned.stdout)).toMatchObject({
    manifest: { format: "hindsight-confidence", version: 1, withinMs: null },
    // All began at the same instant, so no label was known at any question.
    walkForward: { labelled: 10, regressions: 5, tooEarly: 10, deployments: null },
  });

  expect(loadModel(model).model).toMatchObject({
    labels: { cases: 10, regressions: 5 },
    alarm: [{ delayMs: 0, cases: 5, regressions: 5 }, {}, {}, {}, {}],
  });

  const few = await tinyHistory({ a: bad, b: good });
  few.close();
  const refused = await inTurn([...args, "--history", few.dir]);
  expect([refused.code, refused.stdout]).toEqual([2, ""]);
  expect(refused.stderr).toContain(few.dir);

  for (const command of [args, ["explain", "--policy", POLICY_FILE, "--deployment", "d-a"]]) {
    const none = await inTurn([...command, "--history", few.dir, "--labels", "derived"]);
    expect([none.code, none.stdout]).toEqual([2, ""]);
    expect(none.stderr).toContain("no label was derived");
  }
});
