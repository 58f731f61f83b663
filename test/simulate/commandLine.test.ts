/** `hindsight simulate` as a shell sees it, on threads of the built files. */

import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { simulateCommand } from "../../lab/cli/simulate.ts";
import { silent } from "../../lab/progress.ts";
import { fidelityOf, liveManyWorlds, type PairFidelity } from "../../lab/simulate/fidelity.ts";
import type { WorldResult } from "../../lab/simulate/oneWorld.ts";
import { hindsight, inTurn } from "../commandLine.ts";
import { temporaryDirectory } from "../directories.ts";
import { fewServices, policyFile, WORLD_FILE } from "../history/smallWorld.ts";

/** Threads have to start, on machines that do other things as well. */
const PATIENCE_MS = 120_000;

const NAIVE = policyFile("naive-threshold");
const LOGGING = policyFile("plain-window");

describe("simulate", () => {
  it(
    "prints the answer first, in a sentence",
    async () => {
      const world = fewServices();
      const quick = ["--replicates", "100", "--seed", "3"];
      const lived = await inTurn(["simulate", world, "--policy", NAIVE, ...quick]);
      expect(lived.stdout).toMatch(/^naive-threshold rolled back \d+ of \d+ regressions?, and /);
      expect(lived.stdout.match(/^│/gm)!.length - 1).toBeLessThanOrEqual(8);
      const many = ["--worlds", "2", "--draws", "1", "--workers", "1"];
      const asked = ["--log-policy", LOGGING, "--ask", NAIVE];
      const measured = await inTurn(["simulate", world, ...asked, ...many, ...quick]);
      expect(measured.stdout).toMatch(
        /^A replay of naive-threshold gave \d+ verdicts? in 2 worlds, \d+ of them wrong/,
      );
    },
    PATIENCE_MS,
  );

  it(
    "answers the same on two threads as on one, each world by its own seed",
    async () => {
      const asked = ["--log-policy", LOGGING, "--ask", NAIVE, "--worlds", "2", "--seed", "3"];
      const how = ["--replicates", "100", "--draws", "1", "--workers", "2", "--json"];
      const worldFile = fewServices();
      const { code, stdout } = await hindsight(["simulate", worldFile, ...asked, ...how]);
      expect(code).toBe(0);
      const document = JSON.parse(stdout) as { pairs: PairFidelity[]; worlds: WorldResult[] };
      const task = {
        worldFile,
        seed: 3,
        logPolicy: LOGGING,
        asked: [NAIVE],
        people: "modelled",
        replicates: 100,
        draws: 1,
        effect: "hold",
      } as const;
      const here = await liveManyWorlds(task, { worlds: 2, workers: 1, progress: silent });
      expect(document.worlds).toEqual(here);
      expect(document.worlds.map(({ seed }) => seed)).toEqual([3, 4]);
      expect(here[0]!.asked).not.toEqual(here[1]!.asked);
      expect(document.pairs).toEqual([fidelityOf("plain-window", "naive-threshold", here)]);
    },
    PATIENCE_MS,
  );

  it(
    "writes a run whose log is whole, of the time in which the policy was there",
    async () => {
      const run = join(temporaryDirectory(), "run");
      const when = [
        "--from",
        "2026-10-19T00:00:00Z",
        "--to",
        "2026-10-26T00:00:00Z",
        "--seed",
        "7",
      ];
      const lived = ["simulate", WORLD_FILE, "--policy", LOGGING, ...when, "--out", run, "--json"];
      const { code, stdout } = await hindsight(lived);
      expect(code).toBe(0);
      const { outcomes, manifest } = JSON.parse(stdout) as {
        outcomes: { startedAt: string; evidence: string }[];
        manifest: { world: { seed: number; broken: unknown } };
      };
      expect(outcomes.length).toBeGreaterThan(20);
      for (const { startedAt, evidence } of outcomes) {
        expect(startedAt > "2026-10-19" && startedAt < "2026-10-26").toBe(true);
        expect(evidence).toBe("observed");
      }
      expect(manifest.world).toMatchObject({
        seed: 7,
        broken: { "plain-window": { rollbacks: 0 } },
      });
      const verified = await inTurn(["audit", "verify", join(run, "decisions.jsonl")]);
      expect(verified.code).toBe(0);
    },
    PATIENCE_MS,
  );

  it.each([
    ["nothing is to live", []],
    ["no recorded answers", ["--policy", NAIVE, "--people", "recorded"]],
    ["between two policies", ["--log-policy", NAIVE]],
    ["--policy has no meaning", ["--log-policy", NAIVE, "--ask", NAIVE, "--policy", NAIVE]],
    ["no time between", ["--policy", NAIVE, "--from", "2027-01-01T00:00:00Z"]],
  ])("refuses where %s", async (what, words) => {
    const asked = simulateCommand().parseAsync([WORLD_FILE, ...words], { from: "user" });
    await expect(asked).rejects.toThrow(new RegExp(`${what}[^\n]*\n  \\S`));
  });
});
