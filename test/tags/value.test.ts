/**
 * What tags are worth where it is known: deployments that were planted so that each tag does
 * exactly one thing.
 */

import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { silent } from "../../lab/progress.ts";
import type { History } from "../../lab/history/open.ts";
import { isGood } from "../../lab/outcome/outcome.ts";
import { tagsBrief } from "../../lab/tags/brief.ts";
import { tagsDocument } from "../../lab/tags/document.ts";
import { tagsText } from "../../lab/tags/print.ts";
import { removedText } from "../../lab/tags/removed.ts";
import { valueOfTags, type ArmValue, type TagValue } from "../../lab/tags/value.ts";
import { inTurn } from "../commandLine.ts";
import { temporaryDirectory } from "../directories.ts";
import { HOOK_MS, policyFile } from "../history/smallWorld.ts";
import {
  minute,
  START_MS,
  tinyHistory,
  tinyPolicy,
  type TinyDeployment,
} from "../history/tinyHistory.ts";

const OPTIONS = { people: "absent", seed: 1, replicates: 100, progress: silent };

const POLICY = tinyPolicy(
  "believing",
  `assign: [{ otherwise: full }]
modes:
  maintenance: { when: { tags: { migration_window: true } }, toleranceTimes: 4 }
context:
  expected_latency_increase: { signal: latency, shifts: tolerance, max: 60%, for: 2h }`,
);

const rise = (value: string) => ({
  tag: "expected_latency_increase",
  value,
  knownAtMs: START_MS - 3_600_000,
});
const SLOW = [3, 45] as const;
/** Half as slow again for 42 minutes, or calm. */
const PLANTED: Readonly<Record<string, TinyDeployment>> = {
  announced: { label: "expected_change", slow: SLOW, tags: [rise("50%")] },
  window: {
    label: "expected_change",
    slow: SLOW,
    tags: [{ tag: "migration_window", value: "true", knownAtMs: START_MS }],
  },
  small: { label: "expected_change", slow: SLOW, tags: [rise("15%")] },
  masked: { label: "regression", slow: SLOW, incident: SLOW, tags: [rise("50%")] },
  surprise: { label: "benign", slow: SLOW },
  broken: { label: "regression", slow: SLOW, incident: SLOW },
  wide: { label: "benign", tags: [rise("40%")] },
  forgotten: { label: "benign", tags: [{ ...rise("20%"), validUntilMs: minute(-30) }] },
  calm: { label: "benign" },
  calmer: { label: "benign" },
  calmest: { label: "benign" },
};

function armOf(value: TagValue, name: string): ArmValue {
  return value.arms.find(({ arm }) => arm === name)!;
}

function wrongly(value: TagValue, name: string): string[] {
  const { outcomes } = armOf(value, name).evaluated;
  return outcomes
    .filter((one) => one.rolledBack && isGood(one))
    .map(({ service }) => service)
    .sort();
}

function missed(value: TagValue, name: string): string[] {
  return armOf(value, name)
    .evaluated.outcomes.filter((one) => !one.rolledBack && one.label === "regression")
    .map(({ service }) => service);
}

describe("planted tags", () => {
  let history: History;
  let value: TagValue;
  beforeAll(async () => {
    history = await tinyHistory(PLANTED);
    value = (await valueOfTags(history, POLICY, OPTIONS))!;
  }, HOOK_MS);
  afterAll(() => history.close());

  it("save exactly what was announced and mask exactly the regression they sit on", () => {
    expect(wrongly(value, "none")).toEqual(["announced", "small", "surprise", "window"]);
    expect(wrongly(value, "as recorded")).toEqual(["small", "surprise"]);
    expect(missed(value, "none")).toEqual([]);
    expect(missed(value, "as recorded")).toEqual(["masked"]);
    expect(value.changes.map(({ service, did }) => [service, did])).toEqual([
      ["announced", "saved"],
      ["masked", "masked"],
      ["window", "saved"],
    ]);
  });

  it("mask nothing in the arm with only correct tags", () => {
    expect(wrongly(value, "correct only")).toEqual(["small", "surprise"]);
    expect(missed(value, "correct only")).toEqual([]);
  });

  it("cover more at twice the size", () => {
    // 15 % is 38 % accepted, 30 % is 56 %: the change is 50 %.
    expect(wrongly(value, "twice the size")).toEqual(["surprise"]);
  });

  it("do nothing before they are known", () => {
    const late = armOf(value, "10 minutes late").evaluated.outcomes;
    const none = armOf(value, "none").evaluated.outcomes;
    // All breaches come before the tenth minute, so the tags find everything done.
    expect(late.map(({ executedAtMs }) => executedAtMs)).toEqual(
      none.map(({ executedAtMs }) => executedAtMs),
    );
    expect(wrongly(value, "10 minutes late")).toEqual(wrongly(value, "none"));
  });

  it("save no more in the arm with half of the tags dropped", () => {
    expect(wrongly(value, "as recorded").length).toBeLessThanOrEqual(
      wrongly(value, "half dropped").length,
    );
  });

  it("are credited by kind", () => {
    const [rises, windows] = value.kinds;
    expect(rises).toMatchObject({
      kind: "expected_latency_increase",
      tags: 5,
      alone: { saved: 1, masked: 1 },
      only: { saved: 1, masked: 1 },
    });
    expect(windows).toMatchObject({ kind: "migration_window", alone: { saved: 1, masked: 0 } });
  });

  it("are named where they are too wide or stale", () => {
    const wide = value.overWide.find(({ service }) => service === "wide")!;
    expect(wide).toMatchObject({ kind: "expected_latency_increase", medianDeclared: 0.4 });
    expect(wide.suggested).toBeLessThan(0.01);
    expect(value.stale).toMatchObject([{ service: "forgotten", why: "window missed the watch" }]);
  });

  it("have main effects that add up to what both do", () => {
    const found = value.factorial!.find(({ field }) => field === "falsePositiveRollbacks")!;
    expect(found).toMatchObject({ neither: 4, tagsOnly: 3, modesOnly: 4, both: 2 });
    expect(found.tags.value! + found.modes.value!).toBe(-2);
    expect([found.tags.value, found.modes.value, found.interaction.value]).toEqual([
      -1.5, -0.5, -1,
    ]);
    expect(found.removedByBoth.value).toBe(0.5);
  });

  it("have the same value when computed again", async () => {
    const told = (one: TagValue): string => {
      const { manifest, ...rest } = tagsDocument(one) as { manifest: object };
      return JSON.stringify({ manifest: { ...manifest, timing: null }, ...rest });
    };
    expect(told((await valueOfTags(history, POLICY, OPTIONS))!)).toBe(told(value));
  });

  it("are answered in a sentence, with at most eight rows and the masked by name", () => {
    const lines = tagsBrief(value).split("\n");
    expect(lines[0]).toMatch(
      /^Under believing the tags kept 2 good deployments from a rollback and masked 1 regression; /,
    );
    expect(lines[0]).toContain("this history cannot tell");
    const rows = lines.filter((line) => line.startsWith("│"));
    expect(rows.length - 1).toBeLessThanOrEqual(8);
    expect(Math.max(...rows.map(({ length }) => length))).toBeLessThanOrEqual(80);
    expect(lines).toContain("Masked: d-masked.");
    expect(lines.at(-1)).toMatch(/^--all has/);
    expect(tagsText(value).split("\n")[0]).toBe(lines[0]);
  });

  it("are printed and written alike", () => {
    const text = tagsText(value);
    expect(text).toContain("│ regressions missed");
    expect(text).not.toMatch(/falsePositiveRollbacks|missRate|restrictedMean/);
    expect(text).toContain("Regressions that tags masked: 1\n  d-masked");
    expect(text).toContain("together remove 50 %");
    const sure = { value: 1, low: 1, high: 1 };
    expect(removedText({ neither: 1, both: 0, removedByBoth: sure })).toBe(
      "Tags and modes together take 1 false-positive rollback to 0: too few for an interval.",
    );
    const document = tagsDocument(value) as { differences: { against: string }[] };
    expect(new Set(document.differences.map(({ against }) => against))).toEqual(
      new Set(["none", "as recorded"]),
    );
  });
});

it("a policy that reads no tag is told so, and gets no table of nothing", async () => {
  const tagged = await tinyHistory({ one: { label: "benign", tags: [rise("50%")] } });
  const value = await valueOfTags(tagged, { ...POLICY, context: [], modes: [] }, OPTIONS);
  tagged.close();
  const text = tagsText(value!);
  expect(text).toMatch(/^1 tag, and .* reads none of them \(expected_latency_increase\)/);
  expect(text).not.toContain("│");
});

it("a history without tags has nothing to value, and one without labels cannot say", async () => {
  const untagged = await tinyHistory({ calm: { label: "benign" } });
  expect(await valueOfTags(untagged, POLICY, OPTIONS)).toBeNull();
  untagged.close();
  const unlabelled = await tinyHistory({ one: { slow: SLOW, tags: [rise("50%")] } });
  const value = await valueOfTags(unlabelled, POLICY, OPTIONS);
  expect(tagsText(value!)).toContain("this history cannot say");
  unlabelled.close();
});

it("on the command line the answer comes first, and one note on wrong labels", async () => {
  const dir = join(temporaryDirectory(), "history");
  expect((await inTurn(["import", "csv", "datasets/example", "--out", dir])).code).toBe(0);
  const quick = ["--replicates", "100", "--draws", "1"];
  const policy = ["--policy", policyFile("two-minute-override")];
  const { stdout, stderr } = await inTurn(["tags", "--history", dir, ...policy, ...quick]);
  expect(stdout).toMatch(/^Under two-minute-override the tags kept 1 good deployment from/);
  expect(stderr.match(/labels were wrong, at random \([^)]+\)/g)).toEqual([
    "labels were wrong, at random (as recorded)",
  ]);
  const all = await inTurn(["tags", "--history", dir, ...policy, ...quick, "--all"]);
  expect(all.stdout).toContain("By kind of tag");
});
