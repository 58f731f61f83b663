/**
 * Peers in a replay: a week of one region in which something happens to all of it every few
 * hours, with and without a control, on the same path through the lab.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import type { Policy } from "../../engine/index.ts";
import { silent } from "../../lab/progress.ts";
import { openHistory, type History } from "../../lab/history/open.ts";
import { recoveryOf } from "../../lab/outcome/recovery.ts";
import { absent } from "../../lab/people/recorded.ts";
import { replay, type PolicyReplay } from "../../lab/replay/replay.ts";
import { generateHistory } from "../../lab/simulate/generate.ts";
import { openWorld } from "../../lab/simulate/open.ts";
import { temporaryDirectory } from "../directories.ts";
import { HOOK_MS, shipped, WORLD_FILE } from "../history/smallWorld.ts";

const plain = shipped("two-minute-override");
const controlled: Policy = {
  ...plain,
  policy: "controlled",
  signals: plain.signals.map((signal) => ({ ...signal, control: "peers" })),
};

let history: History;
let replayed: readonly PolicyReplay[];
beforeAll(async () => {
  const dir = temporaryDirectory();
  const world = parse(readFileSync(WORLD_FILE, "utf8")) as Record<string, object>;
  const file = join(dir, "shocked.yaml");
  const shocked = {
    ...world,
    length: "2w",
    services: { ...world["services"], count: 16, timezones: ["Europe/Berlin"] },
    deployments: { ...world["deployments"], perWorkday: 1.4 },
    incidents: { perServiceWeek: 0, regionalShocksPerWeek: 20 },
  };
  writeFileSync(file, stringify(shocked));
  const opened = openWorld(file, 7);
  await generateHistory(opened.world, opened.loggingPolicy, join(dir, "history"), {
    force: false,
    madeBy: "a test",
    sources: opened.sources,
    progress: silent,
  });
  history = await openHistory(join(dir, "history"));
  const recovery = recoveryOf(history.tables, 1);
  replayed = (await replay(history, [plain, controlled], absent, recovery, silent)).policies;
}, HOOK_MS);
afterAll(() => history.close());

function rolledBack(label: RegExp): readonly number[] {
  const labels = new Map(
    history.tables.labels.map(({ deploymentId, label: said }) => [deploymentId, said]),
  );
  return replayed.map(
    ({ records }) =>
      records.filter(
        ({ end, deploymentId }) =>
          end === "rolledBack" && label.test(labels.get(deploymentId) ?? ""),
      ).length,
  );
}

describe("a region with shocks", () => {
  it("are blamed on fewer deployments, and regressions are rolled back as before", () => {
    const [blamed, fewer] = rolledBack(/unrelated/);
    expect(fewer).toBeLessThan(blamed!);
    const [benign, still] = rolledBack(/benign|expected/);
    expect(still).toBeLessThanOrEqual(benign!);
    const [found, kept] = rolledBack(/regression/);
    expect(found).toBeGreaterThan(10);
    expect(kept).toBeGreaterThanOrEqual(found! - 1);
  });

  it("leave in the record how many peers counted and what they explained", () => {
    const [without, withPeers] = replayed.map(({ records }) =>
      records.flatMap(({ signals }) => signals.map(({ control }) => control)),
    );
    expect(without!.every((control) => control === null)).toBe(true);
    const counted = withPeers!.filter((control) => control!.peers >= 3);
    expect(counted.length).toBeGreaterThan(withPeers!.length / 2);
    expect(counted.some((control) => control!.subtracted > 0.05)).toBe(true);
  });

  it("change nothing for a policy that asks for no peers", async () => {
    const recovery = recoveryOf(history.tables, 1);
    const alone = await replay(history, [plain], absent, recovery, silent);
    expect(alone.policies[0]!.records).toEqual(replayed[0]!.records);
    const longer = {
      ...controlled,
      policy: "longer",
      signals: controlled.signals.map((signal) => ({
        ...signal,
        // Without a season: profiles begin with the longest baseline, which moves last digits.
        detector: { ...signal.detector, season: false, baselineMs: 14_400_000 },
      })),
    };
    const beside = await replay(history, [controlled, longer], absent, recovery, silent);
    expect(beside.policies[0]!.records).toEqual(replayed[1]!.records);
  });
});
