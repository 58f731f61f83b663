/** Two policies over real recordings: import, compare, and the same to the last byte again. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { compareDocument } from "../../lab/compare/document.ts";
import { findPlainFiles, importHistory } from "../../lab/history/import/importHistory.ts";
import { openHistory } from "../../lab/history/open.ts";
import { loadPolicy } from "../../lab/policy/load.ts";
import { temporaryDirectory } from "../directories.ts";
import { estimate } from "../outcome/outcomes.ts";
import { evaluated, ROOT, timeless } from "../history/smallWorld.ts";

/** Outside the repository: recordings that may or may not be there. */
const RECORDINGS = join(ROOT, "../shared/data");

const POLICIES = ["recorded-threshold", "recorded-tagged"].map((name) =>
  loadPolicy(join(ROOT, `test/replay/policies/${name}.yaml`)),
);

interface Known {
  readonly name: string;
  readonly deployments: number;
  readonly regressions: number;
  readonly benign: number;
  readonly step: "start" | "end";
}

const KNOWN: readonly Known[] = [
  { name: "nezha-onlineboutique", deployments: 45, regressions: 14, benign: 31, step: "end" },
  { name: "petshop", deployments: 94, regressions: 62, benign: 32, step: "start" },
  { name: "nab-aws", deployments: 194, regressions: 33, benign: 161, step: "end" },
];

describe.each(KNOWN)("$name", ({ name, deployments, regressions, benign, step }) => {
  const dir = join(RECORDINGS, name);
  // Visible as skipped where the recordings are not beside the repository.
  it.skipIf(!existsSync(dir))("compares two policies, twice to the same bytes", async () => {
    const out = join(temporaryDirectory(), name);
    await importHistory((duck) => findPlainFiles(dir, duck), {
      out,
      force: false,
      strict: false,
      timestamp: step,
    });
    const history = await openHistory(out);
    try {
      const evaluation = await evaluated(history, POLICIES);
      expect(timeless(await evaluated(history, POLICIES))).toBe(timeless(evaluation));

      const document = compareDocument(evaluation);
      expect(JSON.parse(JSON.stringify(document))).toEqual(document);
      expect(Object.keys(document.scorecards)).toEqual(["recorded-threshold", "recorded-tagged"]);
      for (const { scored, outcomes } of evaluation.policies) {
        const value = (field: string): number | null => estimate(scored, field).value;
        expect([value("deployments"), value("regressions"), value("benign")]).toEqual([
          deployments,
          regressions,
          benign,
        ]);
        // Something is seen, and by no means everything.
        expect(value("recall")).toBeGreaterThan(0);
        expect(value("falsePositiveRate")).toBeLessThan(1);
        expect(outcomes.filter(({ detectedAtMs }) => detectedAtMs !== null).length).toBeGreaterThan(
          3,
        );
        for (const { startedAtMs, proposedAtMs, executedAtMs } of outcomes) {
          expect(proposedAtMs ?? Infinity).toBeGreaterThanOrEqual(startedAtMs);
          expect(executedAtMs ?? Infinity).toBeGreaterThanOrEqual(proposedAtMs ?? startedAtMs);
        }
      }
      expect(evaluation.manifest.samplesRead).toBeGreaterThan(1000);
    } finally {
      history.close();
    }
  });
});
