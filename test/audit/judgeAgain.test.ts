/** The samples of a log are read again from a history: the same, or the series that is not. */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { CHAIN_START, chainEntry, isBatch, type LogEntry } from "../../engine/index.ts";
import { judgeAgain } from "../../lab/audit/judgeAgain.ts";
import { silent } from "../../lab/progress.ts";
import { evaluate } from "../../lab/compare/evaluate.ts";
import { writeRun } from "../../lab/compare/runDirectory.ts";
import type { History } from "../../lab/history/open.ts";
import { sha256 } from "../../lab/policy/load.ts";
import { inTurn } from "../commandLine.ts";
import { temporaryDirectory } from "../directories.ts";
import { FULL, tinyHistory } from "../history/tinyHistory.ts";

let history: History;
/** `pay` is slower for longer than in the other, and there is no `shop`. */
let other: History;
let log: string;

beforeAll(async () => {
  history = await tinyHistory({ cart: {}, pay: { slow: [5, 20] }, shop: {} });
  other = await tinyHistory({ cart: {}, pay: { slow: [5, 21] } });
  const run = join(temporaryDirectory(), "run");
  const evaluation = await evaluate(history, [FULL], {
    people: "absent",
    seed: 1,
    replicates: 10,
    progress: silent,
    digestSamples: true,
  });
  await writeRun(run, evaluation, false);
  log = join(run, "decisions.jsonl");
});
afterAll(() => [history, other].forEach((one) => one.close()));

/** The log with other entries, and a chain that is whole again. */
function rewritten(change: (entry: LogEntry) => LogEntry): string {
  let end = CHAIN_START;
  const lines = readFileSync(log, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => {
      const next = chainEntry(end, change(JSON.parse(line) as LogEntry), sha256);
      end = next.end;
      return `${next.line}\n`;
    });
  const file = join(temporaryDirectory(), "decisions.jsonl");
  writeFileSync(file, lines.join(""));
  return file;
}

it("from its own history, samples and judgements are identical", async () => {
  const again = await judgeAgain(log, false, history, silent);
  expect(again).toMatchObject({ sameHistory: true, deployments: 3, samples: [], judged: [] });
  expect(again.judgements).toBeGreaterThan(2);
});

it("from another, the deployment and its series are named, and nothing else is", async () => {
  const again = await judgeAgain(log, false, other, silent);
  expect(again.sameHistory).toBe(false);
  expect(again.samples).toMatchObject(
    [
      { deploymentId: "d-pay", series: "pay/latency_p95_ms", what: /^its \d+ samples are others$/ },
      { deploymentId: "d-shop", series: null, what: /no such deployment/ },
    ].map((one) => ({ ...one, what: expect.stringMatching(one.what) as string })),
  );
  const lines = readFileSync(log, "utf8").split("\n");
  expect(lines[again.samples[0]!.line - 1]).toContain('"deploymentId":"d-pay"');
  // What other samples say is another question.
  expect(again.judged).toEqual([]);
  expect(again.judgements).toBeGreaterThan(0);
});

it("a log that names no series still tells whose samples differ", async () => {
  const older = rewritten((entry) => {
    if (entry.kind !== "samples" || isBatch(entry.content)) return entry;
    const { bySeries, ...content } = entry.content;
    expect(Object.keys(bySeries!)).toHaveLength(1);
    return { kind: "samples", content };
  });
  expect((await judgeAgain(older, false, history, silent)).samples).toEqual([]);
  const [first] = (await judgeAgain(older, false, other, silent)).samples;
  expect(first).toMatchObject({ deploymentId: "d-pay", series: null });
});

it("a judgement that the samples do not bear out is listed; exit code 1", async () => {
  const forged = rewritten((entry) =>
    entry.kind === "event" &&
    entry.content.kind === "signalJudged" &&
    entry.content.deploymentId === "d-cart"
      ? {
          kind: "event",
          content: {
            ...entry.content,
            evidence: { ...entry.content.evidence, reason: "all was well" },
          },
        }
      : entry,
  );
  const { samples, judged } = await judgeAgain(forged, false, history, silent);
  expect(samples).toEqual([]);
  expect(judged[0]).toMatchObject({ deploymentId: "d-cart", logged: "healthy: all was well" });
  expect(judged[0]!.now).toMatch(/^healthy: /);
  const { code, stdout } = await inTurn(["audit", "replay", forged, "--history", history.dir]);
  expect(stdout).toContain("latency of d-cart under full: judged otherwise");
  expect(code).toBe(1);
});
