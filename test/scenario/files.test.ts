/** Scenario files as people get them wrong, and as `--update` rewrites them. */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Problem } from "../../lab/problem.ts";
import { checkScenario } from "../../lab/scenario/check.ts";
import { checkedJunit, checkedText, sideBySide } from "../../lab/scenario/print.ts";
import { readScenario, readScenarios, scenarioFiles } from "../../lab/scenario/read.ts";
import { readSeries, writeSeries } from "../../lab/scenario/series.ts";
import { updatedText } from "../../lab/scenario/update.ts";
import type { Samples } from "../../lab/scenario/samples.ts";
import { temporaryDirectory } from "../directories.ts";
import { policyFile, ROOT } from "../history/smallWorld.ts";

const TWO_MINUTES = policyFile("two-minute-override");
const NONE: Samples = { of: () => Promise.reject(new Error("no scenario here needs samples")) };

function written(text: string): string {
  const file = join(temporaryDirectory(), "scenario.yaml");
  writeFileSync(file, text);
  return file;
}

/** What is said about files, without the folder they happen to be in. */
function complaint(...texts: readonly string[]): string[] {
  try {
    readScenarios(texts.map(written));
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return error.message.replace(/\S*\/(?=scenario\.yaml)/g, "").split("\n");
  }
  throw new Error("nothing is wrong with it");
}

const GOOD = `name: silence
why: A window that nobody uses ends in a rollback.
policy: ${TWO_MINUTES}
startsAt: 2026-03-12T09:00:00Z
deployment: { service: orders, startedAt: "10:00" }
series: { latency_p95_ms: "240x280 384x200" }
expect: # what the policy promises
  end: rolledBack
  commands: ["10:11:15 propose", "10:11:15 page", "10:13:15 rollBack", "10:13:15 notify"]
`;

describe("a wrong file", () => {
  it("is told everything at once: place, and cure", () => {
    const wrong = GOOD.replace("why:", "whi:")
      .replace('"10:00"', '"25:00"')
      .replace("service:", "servce:")
      .replace("240x280 384x200", "240x280 38ox2 _ stalex")
      .replace("end: rolledBack", "end: rolledback")
      .replace("commands:", "comands:");
    expect(complaint(wrong)).toEqual([
      "scenario.yaml:1:1: why: expected some words",
      "  Write a sentence.",
      "scenario.yaml:5:31: deployment.startedAt: expected a time",
      "  Write 23:32, 23:32:15 or 2026-03-12T23:32:00Z.",
      "scenario.yaml:5:15: unknown key `servce` in deployment",
      "  Did you mean `service`?",
      "scenario.yaml:2:1: unknown key `whi`",
      "  Did you mean `why`?",
      "scenario.yaml:6:36: series.latency_p95_ms: cannot read `38ox2`",
      "  Tokens are 240, 240x12, _ (a missing scrape), _x3, stale, stalex4.",
      "scenario.yaml:6:44: series.latency_p95_ms: cannot read `stalex`",
      "  Tokens are 240, 240x12, _ (a missing scrape), _x3, stale, stalex4.",
      "scenario.yaml:8:3: expect.end: not one of the words known here",
      "  Write healthy, rolledBack, overridden, withdrawn, expired, held, superseded, " +
        "rollbackFailed, undecidable, missed.",
      "scenario.yaml:9:3: unknown key `comands` in expect",
      "  Did you mean `commands`?",
    ]);
  });

  it("is asked which day a time just before its start means", () => {
    const at = (known: string): string => `${GOOD}tags: [{ tag: window, knownAt: "${known}" }]\n`;
    expect(complaint(at("08:10"))).toEqual([
      "scenario.yaml:10:23: tags.0.knownAt: 08:10 is before startsAt, 09:00",
      "  Write 08:10+1d for the next day, or 2026-03-12T08:10Z for this day.",
    ]);
    for (const known of ["09:00", "08:10+1d", "2026-03-12T08:10Z"]) {
      expect(readScenario(written(at(known))).kind).toBe("inline");
    }
    const night = GOOD.replace("T09:00:00Z", "T23:30:00Z").replace('"10:00"', '"00:10"');
    expect(readScenario(written(night)).kind).toBe("inline");
  });

  it("and so are several files", () => {
    const [noExpectation, noPolicy] = complaint(
      GOOD.slice(0, GOOD.indexOf("expect:")),
      GOOD.replace(TWO_MINUTES, "nobody.yaml"),
    ).filter((line) => !line.startsWith("  "));
    expect(noExpectation).toMatch(/expect is missing: a scenario without .* proves nothing/);
    expect(noPolicy).toBe("scenario.yaml:3:1: there is no policy file nobody.yaml");
  });

  it("names the line of a mistake in a policy that is written out", () => {
    const inline = "{ owner: me, policy: x, signals: { a: { metric: m, tolerence: 1% } } }";
    expect(complaint(GOOD.replace(TWO_MINUTES, inline))).toContain(
      "scenario.yaml:3:60: signals.a.tolerence: unknown key `tolerence`; did you mean `tolerance`?",
    );
  });

  it("expects nothing, or of nobody", () => {
    expect(complaint(GOOD.slice(0, GOOD.indexOf("expect:")) + "expect: {}\n")[0]).toBe(
      "scenario.yaml:7:1: expect: nothing is expected",
    );
    const several = GOOD.replace(
      `policy: ${TWO_MINUTES}`,
      `policies: { window: { policy: ${TWO_MINUTES}, vary: { tiers.override.window: [2m, 5m] } } }`,
    ).replace(/expect:[^]*/, "expect: { window=2m: { end: rolledBack } }\n");
    expect(complaint(several)).toEqual([
      "scenario.yaml:7:11: there is no policy window=2m in this scenario",
      "  Policies here: window window=2m, window window=5m.",
      "scenario.yaml:7:1: nothing is expected of window window=2m",
      "  Add `window window=2m:` under expect, or take the policy out.",
      "scenario.yaml:7:1: nothing is expected of window window=5m",
      "  Add `window window=5m:` under expect, or take the policy out.",
    ]);
  });

  it("scores what there is, in its unit, against policies that are there", () => {
    const scored = `name: scores
why: they have names and units
policy: ${TWO_MINUTES}
history: somewhere
expect:
  scores: { falsePositives: 3, mttr: 12x, missRate: { atMost: 5h } }
  against: { nobody: { mttr: better } }
`;
    expect(complaint(scored)).toEqual([
      "scenario.yaml:6:13: there is no score falsePositives",
      "  Did you mean `falsePositiveShare`?",
      "scenario.yaml:6:32: 12x is not in a duration",
      "  Write 12m30s, or seconds as a number.",
      "scenario.yaml:6:55: 5h is not in a share",
      "  Write 15% or 0.15.",
      "scenario.yaml:7:14: there is no policy nobody in this scenario",
      "  Policies here: two-minute-override.",
    ]);
  });
});

describe("a scenario that fails", () => {
  const wrong = GOOD.replace("end: rolledBack", "end: healthy   # calm").replace(
    "10:13:15 rollBack",
    "10:12:15 rollBack",
  );

  it("shows both sides and the line", async () => {
    const checked = await checkScenario(readScenario(written(wrong)), NONE);
    const text = checkedText({ ...checked, file: "scenario.yaml" });
    expect(text.split("\n").map((line) => line.trimEnd())).toEqual([
      "FAIL  scenario.yaml  silence",
      "",
      "  scenario.yaml:8:3  end",
      "      expected                               actual",
      "    ≠ healthy                                rolledBack",
      "",
      "",
      "  scenario.yaml:9:3  commands",
      "      expected                               actual",
      "      10:11:15 propose                       10:11:15 propose",
      "      10:11:15 page                          10:11:15 page",
      "    - 10:12:15 rollBack",
      "    +                                        10:13:15 rollBack",
      "      10:13:15 notify                        10:13:15 notify",
      "",
    ]);
    expect(checkedJunit([checked])).toMatch(/failures="1" errors="0"[^]*<failure type="expect/);
  });

  it("is rewritten by --update and nothing else in it is", async () => {
    const scenario = readScenario(written(wrong));
    const { unmet } = await checkScenario(scenario, NONE);
    const text = updatedText(scenario.source, unmet);
    expect(text).toBe(GOOD.replace("end: rolledBack", "end: rolledBack   # calm"));
    const again = await checkScenario(readScenario(written(text)), NONE);
    expect(again.unmet).toEqual([]);
  });
});

it("lines that are on one side only are marked", () => {
  expect(sideBySide(["a", "b"], ["b", "c"]).map((line) => line.replace(/ +/g, " "))).toEqual([
    " expected actual",
    "- a",
    " b b",
    "+ c",
  ]);
});

it("series read and written again are the same", () => {
  const text = "240x3 _ stalex4 0.0125 -1x2 _x2 stale";
  const slots = readSeries(text).stretches.flatMap(({ value, times }) =>
    Array.from({ length: times }, () => value),
  );
  expect(writeSeries(slots)).toBe(text);
});

it("a directory gives its scenarios, and not its policies or budgets", () => {
  const files = scenarioFiles([join(ROOT, "scenarios")]);
  expect(files.length).toBeGreaterThan(10);
  for (const file of files) expect(readFileSync(file, "utf8")).toMatch(/^expect:/m);
});
