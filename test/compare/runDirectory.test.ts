/** A run directory: what is in it, that it says the same as the JSON, and that its log is whole. */

import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { verifyLog } from "../../lab/audit/verify.ts";
import { compareDocument } from "../../lab/compare/document.ts";
import type { Evaluation } from "../../lab/compare/evaluate.ts";
import { writeRun } from "../../lab/compare/runDirectory.ts";
import { openDuck, quoted } from "../../lab/history/duck.ts";
import { Problem } from "../../lab/problem.ts";
import { temporaryDirectory } from "../directories.ts";
import { evaluated } from "../history/smallWorld.ts";
import { FULL, OVERRIDE, tinyHistory } from "../history/tinyHistory.ts";

let evaluation: Evaluation;
let run = "";
beforeAll(async () => {
  const history = await tinyHistory({
    good: { label: "benign" },
    slow: { label: "regression", slow: [3, 45], incident: [3, 45] },
    wronged: { label: "benign", slow: [3, 30] },
  });
  evaluation = await evaluated(history, [FULL, OVERRIDE], "absent", 100);
  history.close();
  run = join(temporaryDirectory(), "run");
  // An empty directory may be made beforehand.
  mkdirSync(run);
  await writeRun(run, evaluation, false);
});

const text = (file: string): string => readFileSync(join(run, file), "utf8");

describe("a run directory", () => {
  it("holds four files and nothing half-written", () => {
    expect(readdirSync(run).sort()).toEqual([
      "decisions.jsonl",
      "manifest.json",
      "outcomes.parquet",
      "scorecard.json",
    ]);
    expect(readdirSync(join(run, ".."))).toEqual(["run"]);
  });

  it("is not written over, unless told to", async () => {
    const before = text("manifest.json");
    await expect(writeRun(run, evaluation, false)).rejects.toThrow(
      /there is a run already\n {2}Choose another --out, or add --force/,
    );
    expect(text("manifest.json")).toBe(before);
    await writeRun(run, evaluation, true);
    expect(text("manifest.json")).toBe(before);
    expect(readdirSync(join(run, ".."))).toEqual(["run"]);
  });

  it("is not written in place of a file, nor where nobody may write", async () => {
    await expect(writeRun(join(run, "manifest.json"), evaluation, true)).rejects.toThrow(
      /manifest\.json: this is a file, not a directory/,
    );
    await expect(writeRun(join(run, "manifest.json", "run"), evaluation, true)).rejects.toThrow(
      Problem,
    );
  });

  it("has the manifest and the scorecards of the JSON", () => {
    expect(JSON.parse(text("manifest.json"))).toEqual(evaluation.manifest);
    const { manifest, ...rest } = JSON.parse(JSON.stringify(compareDocument(evaluation))) as {
      manifest: unknown;
    };
    expect(manifest).toBeDefined();
    expect(JSON.parse(text("scorecard.json"))).toEqual(rest);
  });

  describe("outcomes.parquet", () => {
    let duck: Awaited<ReturnType<typeof openDuck>>;
    beforeAll(async () => (duck = await openDuck({ threads: 1 })));
    afterAll(() => duck.close());
    const rows = async (select: string): Promise<Record<string, unknown>[]> => {
      const from = quoted(join(run, "outcomes.parquet"));
      const reader = await duck.connection.runAndReadAll(select.replaceAll("OUTCOMES", from));
      return reader.getRowObjectsJson();
    };

    it("has typed columns", async () => {
      const described = await rows("DESCRIBE SELECT * FROM OUTCOMES");
      const types: Record<string, unknown> = Object.fromEntries(
        described.map((row) => [row["column_name"] as string, row["column_type"]]),
      );
      for (const time of "started onset detected proposed decided executed recovered".split(" ")) {
        expect(types[`${time}At`], time).toBe("TIMESTAMP");
      }
      expect(types).toMatchObject({
        deploymentId: "VARCHAR",
        rolledBack: "BOOLEAN",
        confidence: "DOUBLE",
        signals: "VARCHAR[]",
        recoverySeconds: "DOUBLE",
        recoveryBestSeconds: "DOUBLE",
        recoveryWorstSeconds: "DOUBLE",
        censoredAt: "TIMESTAMP",
        pagesAt: "TIMESTAMP[]",
        escalations: "INTEGER",
        expired: "BOOLEAN",
        evidence: "VARCHAR",
      });
    });

    it("has a row for each deployment and policy, with times that compute", async () => {
      const found = await rows(
        `SELECT policy, "deploymentId", "end", epoch_ms("executedAt") - epoch_ms("onsetAt") AS took
         FROM OUTCOMES ORDER BY policy, "deploymentId"`,
      );
      expect(found).toEqual(
        evaluation.policies.flatMap(({ policy, outcomes }) =>
          outcomes.map(({ deploymentId, end, executedAtMs, onsetAtMs }) => ({
            policy: policy.policy,
            deploymentId,
            end,
            took:
              executedAtMs === null || onsetAtMs === null ? null : String(executedAtMs - onsetAtMs),
          })),
        ),
      );
    });
  });

  describe("decisions.jsonl", () => {
    const file = (): string => join(run, "decisions.jsonl");
    const entries = (): { kind: string; content: Record<string, unknown> }[] =>
      text("decisions.jsonl")
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as { kind: string; content: Record<string, unknown> });
    const contents = (kind: string): unknown[] =>
      entries()
        .filter((entry) => entry.kind === kind)
        .map(({ content }) => content);

    it("is a whole chain with every record of every policy, in order", () => {
      expect(verifyLog(file(), { open: false, isSigned: null }).fault).toBeNull();
      expect(contents("record")).toEqual(
        evaluation.replay.policies.flatMap(({ records: own }) => own),
      );
    });

    it("opens a section for each policy, and says which samples it was decided by", () => {
      expect(contents("header")).toMatchObject(
        [FULL, OVERRIDE].map(({ policy, digest }) => ({
          policy: { policy },
          policyDigest: digest,
          history: evaluation.manifest.history.digest,
        })),
      );
      const samples = contents("samples") as { deploymentId: string; samples: number }[];
      expect(samples.map(({ deploymentId }) => deploymentId).sort()).toEqual([
        "d-good",
        "d-good",
        "d-slow",
        "d-slow",
        "d-wronged",
        "d-wronged",
      ]);
      expect(samples.every((one) => one.samples > 100)).toBe(true);
    });

    it("has every event in the order it was handled, before the records it led to", () => {
      const kinds = entries().map(({ kind }) => kind);
      const first = entries().findIndex(({ kind }) => kind === "record");
      expect(kinds[first - 1]).toBe("event");
      const times = (contents("event") as { knownAtMs: number }[]).map((one) => one.knownAtMs);
      const second = contents("event").findLastIndex(
        (one, index) => index > 0 && times[index]! < times[index - 1]!,
      );
      const sections = [times.slice(0, second), times.slice(second)];
      for (const section of sections) expect(section).toEqual(section.toSorted((a, b) => a - b));
    });

    it("names an accountable owner for everything that was done", () => {
      for (const record of contents("record")) {
        expect(record).toMatchObject({ accountable: "platform" });
      }
    });
  });
});
