/**
 * The table of lab/confidence/README.md on generated worlds: a confidence learned walk-forward
 * beats the share of regressions, and is right as often as it says. SOAK=1 runs it: minutes.
 */

import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { learnConfidence } from "../../lab/confidence/learnFrom.ts";
import { confidenceText } from "../../lab/confidence/print.ts";
import { openHistory } from "../../lab/history/open.ts";
import { loadPolicy } from "../../lab/policy/load.ts";
import { silent } from "../../lab/progress.ts";
import { generateHistory } from "../../lab/simulate/generate.ts";
import { openWorld } from "../../lab/simulate/open.ts";
import { temporaryDirectory } from "../directories.ts";

const policy = loadPolicy("scenarios/policies/default.yaml");
const SEED = 301;

describe.skipIf(process.env["SOAK"] === undefined)("learned on generated worlds", () => {
  it.each(["quarter", "fitted", "fidelity"])("%s", async (name) => {
    const { world, loggingPolicy } = openWorld(`datasets/worlds/${name}.yaml`, SEED);
    const dir = join(temporaryDirectory(), name);
    const about = { force: false, madeBy: "a test", sources: [], progress: silent };
    await generateHistory(world, loggingPolicy, dir, about);
    const history = await openHistory(dir);
    const options = { seed: 1, withinMs: null, historyMs: null, progress: silent };
    const learned = await learnConfidence(history, policy, options);
    history.close();
    console.log(`${name}\n${confidenceText(learned)}`);
    const { deployments } = learned.walkForward;
    expect(deployments!.gain.high).toBeLessThan(0);
    const judged = deployments!.tenths.filter(({ band }) => band !== null);
    expect(judged.length).toBeGreaterThan(0);
    expect(judged.filter(({ band }) => !band!.isInside)).toEqual([]);
  });
});
