/**
 * What is asked again word for word is read whole: the same bit for bit, with nothing judged,
 * decided or scored; and whatever an answer rests on makes another question of it.
 */

import { readdirSync, readFileSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Policy } from "../../engine/index.ts";
import { silent } from "../../lab/progress.ts";
import { answerTo, type Answer } from "../../lab/compare/answer.ts";
import { replayDocument } from "../../lab/compare/document.ts";
import { Problem } from "../../lab/problem.ts";
import { storedAnswers } from "../../lab/scale/answers.ts";
import { portsOf } from "../../lab/scale/ports.ts";
import type { Scale } from "../../lab/scale/scale.ts";
import { Store } from "../../lab/scale/store.ts";
import { DEFAULT_COSTS } from "../../lab/score/costs.ts";
import { temporaryDirectory } from "../directories.ts";
import { HOOK_MS } from "../history/smallWorld.ts";
import { FULL, tinyHistory } from "../history/tinyHistory.ts";
import type { History } from "../../lab/history/open.ts";

const OPTIONS = { people: "absent", seed: 1, replicates: 100, draws: 2, progress: silent };
type Asked = Parameters<typeof answerTo>[2];

let history: History;
beforeAll(async () => {
  history = await tinyHistory({
    good: { label: "benign" },
    slow: { label: "regression", slow: [3, 45], incident: [3, 45] },
    wronged: { label: "benign", slow: [3, 30] },
  });
}, HOOK_MS);
afterAll(() => history.close());

function scaleIn(dir: string): Scale {
  return { store: new Store(dir), leastSamples: 0, shardWindows: 400, work: () => null };
}

/** All but the time it took. */
function timeless(answer: Answer): string {
  return JSON.stringify({ ...answer, manifest: { ...answer.manifest, timing: null } });
}

/** Asks through a store; how many packs were made for it tells whether it had to be worked out. */
async function ask(
  dir: string,
  policy: Policy = FULL,
  options: Partial<Asked> = {},
  shows: "scores" | "outcomes" = "outcomes",
): Promise<{ readonly answer: Answer; readonly made: number; readonly found: number }> {
  const scale = scaleIn(dir);
  const answer = await answerTo(
    history.dir,
    [policy],
    { ...OPTIONS, ...options, ...portsOf(scale) },
    shows,
  );
  return { answer, ...scale.store.use };
}

function evaluationsIn(dir: string): string[] {
  const names = readdirSync(dir, { recursive: true, encoding: "utf8" });
  return names.filter((name) => name.endsWith("evaluation.pack")).map((name) => join(dir, name));
}

describe("an answer", () => {
  it("is the same made without a store, kept, read back, and torn", async () => {
    const dir = temporaryDirectory();
    const plain = await answerTo(history.dir, [FULL], OPTIONS, "outcomes");
    const cold = await ask(dir);
    const warm = await ask(dir);
    for (const { answer } of [cold, warm]) {
      expect(timeless(answer)).toBe(timeless(plain));
      expect(JSON.stringify(replayDocument(answer).outcomes)).toBe(
        JSON.stringify(replayDocument(plain).outcomes),
      );
    }
    expect(cold.made).toBeGreaterThan(1);
    expect({ made: warm.made, found: warm.found }).toEqual({ made: 0, found: 1 });
    const [file, ...others] = evaluationsIn(dir);
    expect(others).toEqual([]);
    truncateSync(file!, 300);
    const torn = await ask(dir);
    expect(timeless(torn.answer)).toBe(timeless(plain));
    expect(torn.made, "the answer alone").toBe(1);
    expect((await ask(dir)).made).toBe(0);
  });

  it("says when it was asked for, and how long that took", async () => {
    const dir = temporaryDirectory();
    const first = await ask(dir);
    const beforeMs = Date.now();
    const { answer, made } = await ask(dir);
    expect(made).toBe(0);
    const { startedAt, seconds } = answer.manifest.timing;
    expect(Date.parse(startedAt)).toBeGreaterThanOrEqual(beforeMs);
    expect(startedAt).not.toBe(first.answer.manifest.timing.startedAt);
    expect(seconds * 1000).toBeLessThanOrEqual(Date.now() - beforeMs + 1);
  });

  it("is made where its whole evaluation is wanted", async () => {
    const dir = temporaryDirectory();
    await ask(dir);
    let records = 0;
    const scale = scaleIn(dir);
    await answerTo(
      history.dir,
      [FULL],
      { ...OPTIONS, ...portsOf(scale) },
      "outcomes",
      (evaluation) => {
        records = evaluation.replay.policies[0]!.fleets().length;
        return Promise.resolve();
      },
    );
    expect(records).toBeGreaterThan(0);
  });
});

describe("another question is", () => {
  const people = join(temporaryDirectory(), "people.yaml");
  const peopleSay = (median: string): string => {
    writeFileSync(people, `business: { median: ${median} }\n`);
    return people;
  };

  it.each<readonly [string, Policy, Partial<Asked>, "scores" | "outcomes"]>([
    ["another seed", FULL, { seed: 2 }, "outcomes"],
    ["more replicates", FULL, { replicates: 101 }, "outcomes"],
    ["more draws", FULL, { draws: 3 }, "outcomes"],
    ["another effect", FULL, { effect: "grow" }, "outcomes"],
    ["other costs", FULL, { costs: { ...DEFAULT_COSTS, page: 99 } }, "outcomes"],
    ["other people", FULL, { people: "perfect" }, "outcomes"],
    ["a stretch of it", FULL, { within: { fromMs: 0, toMs: Infinity } }, "outcomes"],
    ["a glance", FULL, { glances: true }, "scores"],
    ["only scores", FULL, {}, "scores"],
    ["another name", { ...FULL, policy: "renamed" }, {}, "outcomes"],
    ["another watch", { ...FULL, watchMs: FULL.watchMs + 60_000 }, {}, "outcomes"],
    [
      "another cooldown",
      { ...FULL, guardrails: { ...FULL.guardrails, cooldownMs: 1 } },
      {},
      "outcomes",
    ],
  ])("%s", async (_what, policy, options, shows) => {
    const dir = temporaryDirectory();
    await ask(dir);
    const other = await ask(dir, policy, options, shows);
    expect(other.made).toBeGreaterThan(0);
    const plain = await answerTo(history.dir, [policy], { ...OPTIONS, ...options }, shows);
    expect(timeless(other.answer)).toBe(timeless(plain));
    expect((await ask(dir, policy, options, shows)).made, "asked again").toBe(0);
    expect((await ask(dir)).made, "the first one is there still").toBe(0);
  });

  it("a file of people that says something else; one that is gone is named", async () => {
    const dir = temporaryDirectory();
    const asked = { people: peopleSay("2m") };
    expect((await ask(dir, FULL, asked)).made).toBeGreaterThan(0);
    expect((await ask(dir, FULL, asked)).made).toBe(0);
    peopleSay("3m");
    expect((await ask(dir, FULL, asked)).made).toBeGreaterThan(0);
    await expect(ask(dir, FULL, { people: `${people}.gone` })).rejects.toThrow(Problem);
  });

  it("a history that was touched; one of which a file is missing is refused", async () => {
    const dir = temporaryDirectory();
    await ask(dir);
    const [part] = history.manifest.files.filter(({ file }) => file.startsWith("metrics/"));
    utimesSync(join(history.dir, part!.file), 1, 1);
    expect((await ask(dir)).made).toBeGreaterThan(0);
    expect((await ask(dir)).made).toBe(0);
    await expect(
      answerTo(`${history.dir}.gone`, [FULL], { ...OPTIONS, ...portsOf(scaleIn(dir)) }, "scores"),
    ).rejects.toThrow(/no such directory/);
  });
});

describe("an answer to a history", () => {
  it("that was replaced while it was made is not kept", async () => {
    const dir = temporaryDirectory();
    const scale = scaleIn(dir);
    const manifest = join(history.dir, "manifest.json");
    const text = readFileSync(manifest, "utf8");
    const answers = storedAnswers(scale);
    const asked = { past: history, kind: "halves", question: (): unknown => ["what"] };
    const made = await answers.answer(asked, () => {
      writeFileSync(manifest, `${text}\n`);
      return Promise.resolve({ half: "of each" });
    });
    writeFileSync(manifest, text);
    expect(made).toEqual({ answer: { half: "of each" }, isKept: false });
    expect(scale.store.use.made).toBe(0);
    const again = await answers.answer(asked, () => Promise.resolve({ half: "no" }));
    expect(again).toEqual({ answer: { half: "no" }, isKept: false });
  });
});
