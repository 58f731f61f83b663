/**
 * The table of lab/detectBench/README.md: the shipped default policy on the public
 * recordings. They are not in the repository; without them these tests are skipped.
 */

import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { silent } from "../../lab/progress.ts";
import { benchDetection } from "../../lab/detectBench/bench.ts";
import { findPlainFiles, importHistory } from "../../lab/history/import/importHistory.ts";
import { openHistory } from "../../lab/history/open.ts";
import { loadPolicy } from "../../lab/policy/load.ts";
import { temporaryDirectory } from "../directories.ts";

const data = resolve(import.meta.dirname, "../../../shared/data");
const policy = loadPolicy(resolve(import.meta.dirname, "../../scenarios/policies/default.yaml"));
const directory = temporaryDirectory();

const MINUTE_MS = 60_000;
const RECORDINGS = [
  ["nezha-onlineboutique", 8 * MINUTE_MS, null, [13, 1, 0, 31, 0]],
  ["petshop", 15 * MINUTE_MS, 10 * MINUTE_MS, [56, 0, 1, 0, 37]],
  ["nab-aws", null, null, [19, 13, 3, 154, 5]],
] as const;

describe.skipIf(!existsSync(data))("the default policy (skipped without ../shared/data)", () => {
  test.each(RECORDINGS)("on %s", async (name, withinMs, historyMs, expected) => {
    const out = join(directory, name);
    await importHistory((duck) => findPlainFiles(join(data, name), duck), {
      out,
      force: false,
      strict: false,
      timestamp: "start",
    });
    const history = await openHistory(out);
    try {
      const { rows } = await benchDetection(history, policy, {
        withinMs,
        historyMs,
        seed: 1,
        replicates: 100,
        progress: silent,
      });
      const own = rows[0]!;
      const unjudged = own.unjudgedBad + own.unjudgedGood;
      const missed = own.falseNegatives;
      const counts = [own.truePositives, missed, own.falsePositives, own.trueNegatives, unjudged];
      expect(counts).toEqual(expected);
      expect(own.auc.value).toBeGreaterThan(0.85);
      for (const blind of ["never", "always"]) {
        expect(rows.find(({ detector }) => detector === blind)?.auc.value).toBe(0.5);
      }
    } finally {
      history.close();
    }
  });
});
