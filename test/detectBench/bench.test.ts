/** detect-bench on small histories: it says so where it can say nothing, and never prints zeros. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { benchDetection } from "../../lab/detectBench/bench.ts";
import type { History } from "../../lab/history/open.ts";
import { silent } from "../../lab/progress.ts";
import { inTurn } from "../commandLine.ts";
import { temporaryDirectory } from "../directories.ts";
import { policyOf } from "../engine/policyFile.ts";
import { tinyHistory } from "../history/tinyHistory.ts";

const policyOn = (metric: string) =>
  policyOf({
    policy: "asked",
    owner: "o",
    signals: { one: { metric, tolerance: "20%", detector: { kind: "threshold" } } },
    assign: [{ otherwise: "observe" }],
  });
const OPTIONS = { withinMs: null, historyMs: null, seed: 1, replicates: 100, progress: silent };

const labelled = (): Promise<History> =>
  tinyHistory({
    bad: { label: "regression", slow: [5, 60] },
    good: { label: "benign" },
  });

it("says that no metric is watched, and ends inconclusive", async () => {
  const history = await labelled();
  const bench = await benchDetection(history, policyOn("other"), OPTIONS);
  expect(bench.inconclusive).toMatch(/^no metric of this history is watched/);
  expect(bench.rows).toEqual([]);
  expect(bench.notes.join("\n")).toMatch(/latency_p95_ms \(latency\)/);
  history.close();
  const file = join(temporaryDirectory(), "asked.yaml");
  writeFileSync(
    file,
    "policy: asked\nowner: o\nsignals: { one: { role: business, tolerance: 10% } }\n" +
      "assign: [{ otherwise: observe }]\n",
  );
  const args = ["--history", history.dir, "--policy", file, "--replicates", "100", "--json"];
  const { code, stdout } = await inTurn(["detect-bench", ...args]);
  expect(code).toBe(3);
  const { rows, inconclusive } = JSON.parse(stdout) as { rows: unknown[]; inconclusive: string };
  expect([rows, inconclusive]).toEqual([[], expect.stringMatching(/^no metric/)]);
});

it("puts the naive rule beside the policy, and counts what neither could judge", async () => {
  const history = await labelled();
  const bench = await benchDetection(history, policyOn("latency_p95_ms"), OPTIONS);
  expect(bench.inconclusive).toBeNull();
  const [own] = bench.rows;
  const naive = bench.rows.find(({ detector }) => detector === "naive before/after");
  for (const row of [own, naive]) {
    expect(row).toMatchObject({ truePositives: 1, trueNegatives: 1, unjudgedBad: 0 });
  }
  history.close();
});
