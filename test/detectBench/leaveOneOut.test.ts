/**
 * The table "one recording left out" of lab/detectBench/README.md: what is scored on a recording
 * was chosen on the other two. The recordings are not in the repository; SOAK=1 runs it.
 */

import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { benchDetection } from "../../lab/detectBench/bench.ts";
import { casesOf } from "../../lab/detectBench/cases.ts";
import { measure, type Measures } from "../../lab/detectBench/measures.ts";
import { findPlainFiles, importHistory } from "../../lab/history/import/importHistory.ts";
import { openHistory, type History } from "../../lab/history/open.ts";
import { absent } from "../../lab/people/recorded.ts";
import { loadPolicy } from "../../lab/policy/load.ts";
import { silent } from "../../lab/progress.ts";
import { replay } from "../../lab/replay/replay.ts";
import { suggestPolicy } from "../../lab/suggest/suggest.ts";
import { temporaryDirectory } from "../directories.ts";
import { best, candidates } from "./byRole.ts";

const data = resolve(import.meta.dirname, "../../../shared/data");
const isAsked = process.env["SOAK"] !== undefined && existsSync(data);
const MINUTE_MS = 60_000;
const RECORDINGS = [
  { name: "nezha-onlineboutique", withinMs: 8 * MINUTE_MS, historyMs: null },
  { name: "petshop", withinMs: 15 * MINUTE_MS, historyMs: 10 * MINUTE_MS },
  { name: "nab-aws", withinMs: null, historyMs: null },
] as const;
type Recording = (typeof RECORDINGS)[number];
const PLATFORM = { rollBack: () => ({ durationMs: 0, succeeds: true }) };

const policies = candidates();

async function opened({ name }: Recording): Promise<History> {
  const out = join(temporaryDirectory(), name);
  const options = { out, force: false, strict: false, timestamp: "start" } as const;
  await importHistory((duck) => findPlainFiles(join(data, name), duck), options);
  return openHistory(out);
}

/** All candidates in one pass. */
async function measuredOn(history: History, { withinMs, historyMs }: Recording) {
  const asked = policies.map((policy) => ({ ...policy, watchMs: withinMs ?? policy.watchMs }));
  const options = { lookBackAtMostMs: historyMs ?? undefined };
  const replayed = await replay(history, asked, absent, PLATFORM, silent, options);
  return asked.map((_, at): Measures => measure(casesOf(history, replayed, at), 1, 0));
}

const shown = ({
  detector,
  balancedAccuracy: { value, low, high },
  ...row
}: Measures & { detector: string }) => {
  const counts = [row.truePositives, row.falseNegatives, row.falsePositives, row.trueNegatives];
  const unjudged = row.unjudgedBad + row.unjudgedGood;
  const round = (one: number | null): string => (one === null ? "–" : one.toFixed(2));
  const interval = `[${round(low)}, ${round(high)}]`;
  return `${detector}: ${counts.join("/")}/${unjudged} ${round(value)} ${interval}`;
};

describe.skipIf(!isAsked)("policies in roles, chosen on the other recordings", () => {
  test("table", { timeout: 1_200_000 }, async () => {
    const measured: Measures[][] = [];
    const histories: History[] = [];
    for (const recording of RECORDINGS) {
      const history = await opened(recording);
      histories.push(history);
      measured.push(await measuredOn(history, recording));
    }
    const whole = best(policies, measured);
    console.log("on all three:", policies[whole]!.policy);
    for (const [left, recording] of RECORDINGS.entries()) {
      const others = measured.filter((_, at) => at !== left);
      const chosen = policies[best(policies, others)]!;
      const history = histories[left]!;
      // Nothing that is drafted may know a label of what it is scored on.
      const blind = { ...history, tables: { ...history.tables, labels: [] } };
      const { policy: drafted } = await suggestPolicy(blind, { count: 1, per: "day" }, "o", silent);
      const options = { ...recording, seed: 1, replicates: 500, progress: silent };
      const own = await benchDetection(history, { ...chosen, policy: "by role" }, options);
      const suggested = await benchDetection(history, drafted, options);
      const file = resolve(import.meta.dirname, "../../scenarios/policies/default.yaml");
      const shipped = await benchDetection(history, loadPolicy(file), options);
      console.log(`${recording.name}: chosen ${chosen.policy}`);
      for (const row of [...own.rows, suggested.rows[0]!, shipped.rows[0]!])
        console.log(shown(row));
      expect(own.inconclusive).toBeNull();
    }
    histories.forEach((history) => history.close());
  });
});
