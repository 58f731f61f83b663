/** How right derived labels are in worlds with truth: the tables of lab/history/labels. */

import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { deriveLabels } from "../../lab/history/labels/derive.ts";
import { openHistory } from "../../lab/history/open.ts";
import { silent } from "../../lab/progress.ts";
import { generateHistory } from "../../lab/simulate/generate.ts";
import { openWorld } from "../../lab/simulate/open.ts";
import { madeOnce } from "../once.ts";
import { againstTruth, deliveryLog } from "./deliveryLog.ts";
import { ROOT } from "./samples.ts";
import { smallHistory } from "./smallWorld.ts";

async function world(name: string, seed: number): Promise<string> {
  return madeOnce(join(tmpdir(), `labels-${name}-${seed}`), async (dir) => {
    const {
      world: made,
      loggingPolicy,
      sources,
    } = openWorld(join(ROOT, `datasets/worlds/${name}.yaml`), seed);
    const about = { force: false, madeBy: "a test", sources, progress: silent };
    await generateHistory(made, loggingPolicy, dir, about);
  });
}

/** The table of lab/history/labels/README.md. */
async function measured(dir: string) {
  const history = await openHistory(dir);
  history.close();
  const { tables } = history;
  return (incidents: "none" | "linked" | "unlinked") => {
    const log = deliveryLog(tables, { tells: "version", incidents });
    // Without incidents none is sure enough to score, and how right they are counts all the same.
    const least = incidents === "none" ? 0 : 0.5;
    const labels = deriveLabels(log, log.said);
    return { ...againstTruth(labels, tables.labels, "regression", least), labels };
  };
}

describe("against the truth of a world", () => {
  it("finds nearly all regressions where incidents name deployments", async () => {
    const of = await measured(await smallHistory());
    const { precision, recall } = of("linked");
    expect(precision).toBeGreaterThanOrEqual(0.95);
    expect(recall).toBeGreaterThanOrEqual(0.8);
    // Rollbacks alone say what the policy of that time decided.
    const alone = of("none");
    expect(alone.precision).toBeLessThan(precision);
    const bad = alone.labels.filter(({ derived }) => derived === "regression");
    expect(bad.length).toBeGreaterThan(0);
    expect(bad.every(({ confidence }) => confidence < 0.5)).toBe(true);
  });

  it.runIf(process.env["SOAK"] === "1")(
    "gives the numbers of the README on quarter and fitted, seed 7",
    async () => {
      const quarter = await measured(await world("quarter", 7));
      expect(quarter("linked")).toMatchObject({ precision: 1, recall: 1 });
      expect(quarter("unlinked").precision).toBeCloseTo(0.65, 2);
      expect(quarter("none").precision).toBeCloseTo(0.27, 2);
      const fitted = await measured(await world("fitted", 7));
      expect(fitted("linked")).toMatchObject({ precision: 1, recall: 1 });
      expect(fitted("unlinked").precision).toBeCloseTo(0.8, 2);
      expect(fitted("none").precision).toBeCloseTo(0.47, 2);
    },
    900_000,
  );
});
