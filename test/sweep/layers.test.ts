/** A base that extends another file, and confidences of a policy that fuses evidence. */

import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { silent } from "../../lab/progress.ts";
import { openHistory, type History } from "../../lab/history/open.ts";
import { parseDimension } from "../../lab/sweep/dimension.ts";
import { sweep, type Sweep } from "../../lab/sweep/sweep.ts";
import { openBase, variationsOf, type Design } from "../../lab/sweep/variations.ts";
import { hindsight } from "../commandLine.ts";
import { temporaryDirectory } from "../directories.ts";
import { HOOK_MS, policyFile, fewHistory } from "../history/smallWorld.ts";

const OPTIONS = { people: "recorded", seed: 1, replicates: 100, progress: silent };
const GRID: Design = { kind: "grid", points: 0, seed: 1 };

let history: History;
beforeAll(async () => {
  history = await openHistory(await fewHistory());
}, HOOK_MS);
afterAll(() => history.close());

function sweepOf(file: string, ...vary: string[]): Promise<Sweep> {
  return sweep(history, openBase(file), vary, vary.map(parseDimension), GRID, OPTIONS);
}

/** A team's file in a folder of its own, on top of the shipped policy. */
function team(): string {
  const file = join(temporaryDirectory(), "team.yaml");
  const shipped = policyFile("two-minute-override");
  writeFileSync(file, `policy: team\nextends: ${shipped}\ntiers: { override: { window: 5m } }\n`);
  return file;
}

describe("a base that extends another", () => {
  it("is varied at what it inherits, and the rest stays inherited", async () => {
    const made = await sweepOf(team(), "signals.*.hold=0s,60s", "tiers.override.window=1m,5m");
    expect(made.variations.map(({ name }) => name)).toEqual([
      "hold=0s window=1m",
      "hold=0s window=5m",
      "hold=60s window=1m",
    ]);
    const [first] = made.variations;
    expect(first!.policy.signals.map(({ holdMs }) => holdMs)).toEqual([0, 0, 0]);
    expect(first!.policy.guardrails).toEqual(made.base.guardrails);
    expect(made.base.guardrails.never).toHaveLength(1);
    expect(first!.changes).toContainEqual({
      path: "tiers.override.window",
      from: "5m",
      to: "1m",
    });
  });

  it("scores as the same policy in one file does", async () => {
    const layered = await sweepOf(team(), "tiers.override.window=1m,2m");
    const flat = await sweepOf(policyFile("two-minute-override"), "tiers.override.window=1m,5m");
    // Its two minutes are the shipped file's own, whose five are its own.
    expect(layered.scores[0]).toEqual(flat.scores[2]);
    expect(layered.scores[1]).toEqual(flat.scores[1]);
    expect(layered.scores[2]).toEqual(flat.scores[0]);
  });

  it("says which option is wrong, and no line of a file that nobody wrote", () => {
    const base = openBase(team());
    const trying = (vary: string) => () => variationsOf(base, [parseDimension(vary)], GRID);
    expect(trying("signals.latncy.tolerance=10%,20%")).toThrow(
      /^--vary signals\.latncy\.tolerance: no key `latncy` .*\n {2}Did you mean signals\.latency\?/,
    );
    expect(trying("signals.latency.tolerance=10,20")).toThrow(
      /^--vary signals\.latency\.tolerance=10: expected a tolerance such as 10% or 1pp\n/,
    );
  });

  it("may not be loosened by a variation", () => {
    const base = openBase(team());
    const loose = ["guardrails.toleranceAtMost=90%"].map(parseDimension);
    expect(() => variationsOf(base, loose, GRID)).toThrow(/toleranceAtMost/);
  });
});

describe("confidences of evidence.yaml", () => {
  it("decide differently on one detection", async () => {
    const made = await sweepOf(policyFile("evidence"), "tiers.override.confidence=60%,80%,95%");
    expect(made.manifest).toMatchObject({ detections: 1, passes: 1 });
    expect(made.variations.map(({ policy }) => policy.tiers.override.confidence)).toEqual([
      0.6, 0.95,
    ]);
    const [own, eager, sure] = made.scores.map(({ rollbacks }) => rollbacks) as [
      number,
      number,
      number,
    ];
    expect(eager).toBeGreaterThanOrEqual(own);
    expect(own).toBeGreaterThanOrEqual(sure);
    expect(eager).toBeGreaterThan(sure);
  });
});

describe("Ctrl-C during a sweep", () => {
  it("leaves nothing behind", async () => {
    const parent = join(temporaryDirectory(), "parent");
    mkdirSync(parent);
    const args = ["--history", history.dir, "--policy", policyFile("two-minute-override")];
    const vary = ["--vary", "tiers.override.window=1s..60m/1500", "--out", join(parent, "out")];
    const cache = join(temporaryDirectory(), "cache");
    const { code } = await hindsight(["sweep", ...args, ...vary, "--cache", cache], {
      during: (child) => {
        // What was judged is kept before so many policies are decided.
        const look = setInterval(() => {
          if (!existsSync(cache)) return;
          clearInterval(look);
          child.kill("SIGINT");
        }, 20);
        child.on("close", () => clearInterval(look));
      },
    });
    // Null where nothing was half-written, so that nobody listened for the signal.
    expect([130, null]).toContain(code);
    expect(existsSync(cache)).toBe(true);
    expect(readdirSync(parent)).toEqual([]);
  });
});
