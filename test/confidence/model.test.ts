/** A model as a file says what learning said, and no bad file is read. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  FEATURES,
  learnedConfidence,
  parseConfidenceModel,
  supportedBy,
} from "../../engine/index.ts";
import { DELAYS_MS, type Case } from "../../lab/confidence/cases.ts";
import { learn } from "../../lab/confidence/learn.ts";
import { modelOf } from "../../lab/confidence/modelFile.ts";
import { walkForward } from "../../lab/confidence/walkForward.ts";
import { sha256 } from "../../lab/policy/load.ts";
import { randomStream } from "../../lab/random.ts";
import { inTurn } from "../commandLine.ts";
import { temporaryDirectory } from "../directories.ts";
import { SEEN } from "./seen.ts";

const CASES: readonly Case[] = Array.from({ length: 90 }, (_, at): Case => {
  const random = randomStream("models", 1, at);
  const isQuiet = random.chance(1 / 3);
  const excess = random.between(0, 3);
  const accusing = random.chance(0.5) ? ["latency"] : ["__proto__"];
  const seen = { ...SEEN, excess, accusing };
  const isBad = random.chance(isQuiet ? 0.05 : excess / 4);
  return {
    deploymentId: `d-${at}`,
    service: "s",
    ground: isQuiet ? "quiet" : "alarm",
    atMs: at * 1000,
    seen: isQuiet ? [] : [seen, seen, seen, at < 40 ? seen : null, null],
    label: isBad ? "regression" : "benign",
    knownAtMs: at * 1000 + 500,
  };
});
const LEARNED = learn(CASES);
const manifest = {
  engineVersion: "0.5.0",
  history: "h",
  policy: { name: "p", digest: "d" },
  withinMs: null,
  historyMs: null,
  seed: 1,
};
const MODEL = modelOf({
  manifest,
  cases: CASES,
  learned: LEARNED,
  walkForward: walkForward(CASES, 1),
});

/** The model as its file has it, with one place set to another value. */
function altered(path: readonly (string | number)[] = [], value?: unknown): unknown {
  const document: unknown = JSON.parse(JSON.stringify(MODEL));
  let within = document as object;
  for (const step of path.slice(0, -1)) within = Reflect.get(within, step) as object;
  if (path.length > 0) Reflect.set(within, path.at(-1)!, value);
  return document;
}

function identityOf(input: unknown): string {
  const parsed = parseConfidenceModel(input, sha256);
  if (parsed.issues !== null) throw new Error(parsed.issues[0]!.message);
  return parsed.digest;
}

describe("a model file", () => {
  it("says of every ground, delay and case what was said when it was learned", () => {
    const { model } = parseConfidenceModel(altered(), sha256);
    expect(model).toEqual(MODEL);
    for (const [delay, delayMs] of DELAYS_MS.entries()) {
      for (const excess of [0, 1, 3]) {
        for (const accusing of [[], ["latency"], ["latency", "__proto__"], ["unknown"]]) {
          const seen = { ...SEEN, excess, accusing };
          const said = learnedConfidence(model!, "alarm", seen, delayMs);
          expect(said).toEqual(LEARNED.of("alarm", seen, delay));
          expect(learnedConfidence(model!, "alarm", seen, delayMs + 1)).toEqual(said);
        }
      }
    }
    expect(LEARNED.of("alarm", SEEN, 0)!.value).toBeGreaterThan(0.1);
    for (const ground of ["quiet", "unjudged"] as const) {
      expect(learnedConfidence(model!, ground, null, 0)).toEqual(LEARNED.of(ground, null, 0));
    }
  });

  it("is evidence only where a delay has no numbers, or too few labels were known", () => {
    expect(learnedConfidence(MODEL, "alarm", SEEN, 600_000)).toBeNull();
    expect(learnedConfidence(MODEL, "alarm", null, 0)).toBeNull();
    const few = { ...MODEL, labels: { cases: 90, regressions: 4 } };
    expect(learnedConfidence(few, "alarm", SEEN, 0)).toBeNull();
    expect(learnedConfidence(few, "quiet", null, 0)).toBeNull();
  });

  it("never says more than its regressions support, whatever its coefficients", () => {
    const sure = altered(["alarm", 0, "fitted", "intercept"], 1000);
    const { model } = parseConfidenceModel(sure, sha256);
    const { value, uncapped } = learnedConfidence(model!, "alarm", SEEN, 0)!;
    expect([value, uncapped]).toEqual([supportedBy(MODEL.alarm[0]!.regressions), 1]);
  });

  it("has another identity where a number differs, and the same in another order", () => {
    const own = identityOf(altered());
    expect(identityOf(Object.fromEntries(Object.entries(MODEL).reverse()))).toBe(own);
    expect(identityOf(altered(["alarm", 0, "fitted", "intercept"], 0.25))).not.toBe(own);
    expect(identityOf(altered(["learnedOf", "history"], "another"))).not.toBe(own);
  });

  it.each([
    [["format"], "hindsight-confidence"],
    [["version"], 2],
    [["surplus"], 1],
    [["learnedOf", "knownUntil"], "yesterday"],
    [["labels", "regressions"], 91],
    [["quiet", "cases"], 91],
    [["features"], FEATURES.map(({ name }) => name).reverse()],
    [["signals"], ["latency", "latency"]],
    [["alarm", 0, "delayMs"], 1],
    [["alarm", 2, "delayMs"], 60_000],
    [["alarm", 0, "cases"], 1000],
    [["alarm", 0, "fitted", "intercept"], 1e300],
    [["alarm", 0, "fitted", "coefficients"], [1]],
    [["alarm", 0, "fitted", "coefficients", 0], -0.1],
    [["alarm", 0, "fitted", "coefficients", 5], 0.1],
    [["alarm", 0, "fitted", "coefficients", 1], null],
  ] as const)("is refused with %j = %j, and the field is named", (path, value) => {
    const { model, issues } = parseConfidenceModel(altered(path, value), sha256);
    expect(model).toBeNull();
    const named = issues!.map((issue) => [...issue.path, issue.message].join("."));
    const within = path[0] === "surplus" ? "surplus" : path.slice(0, 2).join(".");
    expect(named.some((one) => one.includes(within))).toBe(true);
  });

  it("is checked from the command line, which names file, line and column", async () => {
    const file = join(temporaryDirectory(), "model.json");
    writeFileSync(file, JSON.stringify(MODEL, null, 2));
    const { code, stdout } = await inTurn(["confidence", "check", file, "--json"]);
    const digest = identityOf(altered());
    expect([code, JSON.parse(stdout)]).toEqual([0, { file, digest, model: MODEL }]);
    writeFileSync(file, JSON.stringify(altered(["labels", "regressions"], 91), null, 2));
    const refused = await inTurn(["confidence", "check", file]);
    expect([refused.code, refused.stdout]).toEqual([2, ""]);
    expect(refused.stderr).toMatch(/model\.json:\d+:\d+: labels\.regressions/);
  });
});
