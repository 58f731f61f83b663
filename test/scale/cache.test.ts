/**
 * Through a store everything is as without one, bit for bit; a second question reads no
 * samples; and whatever is different about a question or its history is asked anew.
 */

import { execFileSync } from "node:child_process";
import { readdirSync, truncateSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Policy } from "../../engine/index.ts";
import { silent } from "../../lab/progress.ts";
import { evaluate, type EvaluateOptions } from "../../lab/compare/evaluate.ts";
import { openHistory, type History } from "../../lab/history/open.ts";
import { policyFromText } from "../../lab/policy/load.ts";
import { portsOf } from "../../lab/scale/ports.ts";
import type { Scale } from "../../lab/scale/scale.ts";
import { Store } from "../../lab/scale/store.ts";
import { parseDimension } from "../../lab/sweep/dimension.ts";
import { sweepDocument } from "../../lab/sweep/document.ts";
import { sweep } from "../../lab/sweep/sweep.ts";
import { openBase } from "../../lab/sweep/variations.ts";
import { temporaryDirectory } from "../directories.ts";
import { fewHistory, HOOK_MS, policyFile, shipped, timeless } from "../history/smallWorld.ts";
import { FULL, tinyHistory } from "../history/tinyHistory.ts";

const POLICIES = [shipped("two-minute-override"), shipped("full-autonomy")];
// Causes are not kept: they read samples of misses and false rollbacks whenever they are asked for.
const OPTIONS = {
  causes: false as const,
  people: "absent",
  seed: 1,
  replicates: 100,
  draws: 2,
  progress: silent,
};

let history: History;
beforeAll(async () => {
  history = await openHistory(await fewHistory());
}, HOOK_MS);
afterAll(() => history.close());

function scaleIn(dir: string): Scale {
  return { store: new Store(dir), leastSamples: 0, shardWindows: 400, work: () => null };
}

function packsIn(dir: string): string[] {
  const names = readdirSync(dir, { recursive: true, encoding: "utf8" });
  return names.filter((name) => name.endsWith(".pack")).map((name) => join(dir, name));
}

/** How many windows of samples were asked of a history since it was first watched. */
function watched(of: History): () => number {
  const windows = of.windows.bind(of);
  let reads = 0;
  // In place: a copy would not be what lies in the directory.
  Object.assign(of, {
    windows: (requests: Parameters<History["windows"]>[0]) => {
      reads += requests.length;
      return windows(requests);
    },
  });
  return () => reads;
}

/** How many windows a question reads, after the same history was asked another one. */
async function readsAfter(
  dir: string,
  of: History,
  policies: readonly Policy[],
  options: Partial<EvaluateOptions> = {},
): Promise<number> {
  const reads = watched(of);
  await evaluate(of, policies, { ...OPTIONS, ...options, ...portsOf(scaleIn(dir)) });
  return reads();
}

describe("a replay through a store", () => {
  it("is the same made here, kept, and read back, and then reads no samples", async () => {
    const dir = temporaryDirectory();
    const options = { ...OPTIONS, digestSamples: true };
    const asked = [POLICIES[0]!];
    const plain = await evaluate(history, asked, options);
    const said = (seen: ReadonlyMap<string, unknown>): [string, unknown][] =>
      [...seen].sort(([a], [b]) => (a < b ? -1 : 1));
    for (const turn of ["cold", "warm"]) {
      const reads = watched(history);
      const made = await evaluate(history, asked, { ...options, ...portsOf(scaleIn(dir)) });
      expect(timeless(made), turn).toBe(timeless(plain));
      expect(said(made.samplesSeen)).toEqual(said(plain.samplesSeen));
      expect(reads() > 0).toBe(turn === "cold");
    }
    const files = packsIn(dir);
    expect(files.length).toBeGreaterThan(3);
    for (const file of files) truncateSync(file, 200);
    const again = await evaluate(history, asked, { ...options, ...portsOf(scaleIn(dir)) });
    expect(timeless(again), "every pack torn").toBe(timeless(plain));
  });
});

describe("a second question", () => {
  it("that decides otherwise opens no index of blocks; of a touched history it does", async () => {
    const dir = temporaryDirectory();
    const made = await tinyHistory({ a: { slow: [3, 30], label: "benign" } });
    const stepsMs = made.stepsMs.bind(made);
    let opened = 0;
    Object.assign(made, {
      stepsMs: () => {
        opened++;
        return stepsMs();
      },
    });
    const patient = {
      ...FULL,
      digest: "patient",
      assign: [{ when: null, tier: "override" }],
    } as const;
    await readsAfter(dir, made, [FULL]);
    expect(opened).toBe(1);
    expect(await readsAfter(dir, made, [patient])).toBe(0);
    expect(opened).toBe(1);
    const kept = await evaluate(made, [patient], { ...OPTIONS, ...portsOf(scaleIn(dir)) });
    expect(timeless(kept)).toBe(timeless(await evaluate(made, [patient], OPTIONS)));
    expect(opened, "nothing is kept without a store").toBe(2);
    const [part] = made.manifest.files.filter(({ file }) => file.startsWith("metrics/"));
    utimesSync(join(made.dir, part!.file), 1, 1);
    await readsAfter(dir, made, [FULL]);
    expect(opened).toBe(3);
    made.close();
  });
});

describe("whatever is different is asked anew", () => {
  it("another tolerance or tag rule; another seed only where something is drawn", async () => {
    const dir = temporaryDirectory();
    const [one] = POLICIES as [Policy];
    const whole = await readsAfter(dir, history, [one]);
    expect(await readsAfter(dir, history, [one])).toBe(0);
    const named = { ...one, policy: "other", digest: "other", tiers: POLICIES[1]!.tiers };
    expect(await readsAfter(dir, history, [named]), "tiers are no part of it").toBe(0);
    const [first, ...rest] = one.signals as [Policy["signals"][number], ...Policy["signals"]];
    const looser = { ...first, tolerance: { ...first.tolerance, amount: 0.11 } };
    expect(await readsAfter(dir, history, [{ ...one, signals: [looser, ...rest] }])).toBe(whole);
    const wary = { ...one, context: one.context.slice(1) };
    expect(await readsAfter(dir, history, [wary])).toBe(whole);
    for (const drawn of [{ seed: 2 }, { draws: 3, effect: "grow" as const }]) {
      const reads = await readsAfter(dir, history, [one], drawn);
      expect(reads).toBeGreaterThan(0);
    }
  });

  it("another watch, one sample, one tag, and a file that was touched", async () => {
    const dir = temporaryDirectory();
    const deployment = { slow: [3, 30], label: "benign" } as const;
    const made = await tinyHistory({ a: deployment });
    const whole = await readsAfter(dir, made, [FULL]);
    expect(whole).toBeGreaterThan(0);
    expect(await readsAfter(dir, made, [FULL])).toBe(0);
    const longer = { ...FULL, watchMs: FULL.watchMs + 60_000 };
    expect(await readsAfter(dir, made, [longer])).toBe(whole);
    for (const other of [
      { ...deployment, slow: [3, 31] as const },
      { ...deployment, tags: [{ tag: "calm" }] },
    ]) {
      const changed = await tinyHistory({ a: other });
      expect(await readsAfter(dir, changed, [FULL])).toBe(whole);
      changed.close();
    }
    const copy = join(temporaryDirectory(), "copy");
    execFileSync("cp", ["-a", made.dir, copy]);
    made.close();
    const copied = await openHistory(copy);
    expect(await readsAfter(dir, copied, [FULL]), "a copy is the same history").toBe(0);
    const [part] = copied.manifest.files.filter(({ file }) => file.startsWith("metrics/"));
    utimesSync(join(copy, part!.file), 1, 1);
    expect(await readsAfter(dir, copied, [FULL])).toBe(whole);
    copied.close();
  });
});

describe("a history with other rows than its directory", () => {
  it("is judged anew, and nothing of it is kept", async () => {
    const dir = temporaryDirectory();
    const made = await tinyHistory({ a: { slow: [3, 30], tags: [{ tag: "calm" }] } });
    await readsAfter(dir, made, [FULL]);
    const packs = readdirSync(dir, { recursive: true });
    const other: History = { ...made, tables: { ...made.tables, tags: [] } };
    expect(await readsAfter(dir, other, [FULL])).toBeGreaterThan(0);
    expect(readdirSync(dir, { recursive: true })).toEqual(packs);
    made.close();
  });
});

describe("a sweep through a store", () => {
  const VARY = ["tiers.override.window=1m,2m,5m", "signals.latency.tolerance=8%,12%"];
  const swept = async (of: History, scale?: Scale, costs?: EvaluateOptions["costs"]) => {
    const base = openBase(policyFile("two-minute-override"));
    const made = await sweep(of, base, VARY, VARY.map(parseDimension), GRID, {
      ...OPTIONS,
      draws: 1,
      ...(scale === undefined ? {} : portsOf(scale)),
      ...(costs === undefined ? {} : { costs }),
    });
    const document = sweepDocument(made);
    return { ...document, manifest: { ...document.manifest, timing: null } };
  };
  const GRID = { kind: "grid", points: 0, seed: 1 } as const;

  it("is the same, is not decided twice, and is decided again at other costs", async () => {
    const dir = temporaryDirectory();
    const readsWhole = watched(history);
    const plain = await swept(history);
    const whole = readsWhole();
    const found: number[] = [];
    const scale = (): Scale => ({ ...scaleIn(dir), tell: ({ there }) => found.push(there) });
    expect(JSON.stringify(await swept(history, scale()))).toBe(JSON.stringify(plain));
    const reads = watched(history);
    expect(JSON.stringify(await swept(history, scale()))).toBe(JSON.stringify(plain));
    expect(reads()).toBe(0);
    const answers = packsIn(dir).filter((file) => file.endsWith("sweep.pack"));
    expect(answers.length).toBeGreaterThan(0);
    for (const file of answers) truncateSync(file, 200);
    const torn = scale();
    expect(JSON.stringify(await swept(history, torn)), "from its rows").toBe(JSON.stringify(plain));
    expect(torn.store.use.damaged).toBe(answers.length);
    // Only what history hid is read again, for the policies that are compared.
    expect(reads()).toBeLessThan(whole);
    const dearer = { ...plain.manifest.costs, page: 99 };
    const costly = await swept(history, scale(), dearer);
    expect(JSON.stringify(costly)).toBe(JSON.stringify(await swept(history, undefined, dearer)));
    expect(found[0]).toBe(0);
    expect(found[1]).toBeGreaterThan(5);
    expect(found[2]).toBeGreaterThan(5);
    expect(found[3]).toBe(0);
  });

  it("of policies that are read from a text with another digest is another one", async () => {
    const dir = temporaryDirectory();
    const tiny = await tinyHistory({ a: { slow: [3, 30] }, b: {} });
    const text = (limit: string): string => `policy: p
owner: o
watch: 30m
signals:
  latency: { metric: latency_p95_ms, worse: up, tolerance: ${limit}, detector: { kind: threshold } }
assign: [{ otherwise: full }]
`;
    const first = await readsAfter(dir, tiny, [policyFromText(text("20%"), "a.yaml")]);
    expect(await readsAfter(dir, tiny, [policyFromText(text("20%"), "b.yaml")])).toBe(0);
    expect(await readsAfter(dir, tiny, [policyFromText(text("21%"), "c.yaml")])).toBe(first);
    tiny.close();
  });
});
