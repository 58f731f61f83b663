/**
 * A run directory: manifest, scorecards, outcomes and the chained decision log, and
 * nothing that cannot be made again from the manifest. Written beside its place and
 * renamed into it, so it is whole or not there.
 */

import { readdirSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import type { Signer } from "../audit/signature.ts";
import { logLines, writeText, type LogSection } from "../audit/write.ts";
import { onInterrupt } from "../cli/interrupt.ts";
import { openDuck, operatingProblem, quoted } from "../history/duck.ts";
import { makeDirectories } from "../directory.ts";
import { Problem } from "../problem.ts";
import { compareDocument, outcomeDocument, replayDocument } from "./document.ts";
import type { Evaluation } from "./evaluate.ts";

/**
 * Asked before the long work begins, so that a taken place is not found at its end.
 *
 * @throws Problem when `dir` is not empty, and is no run or is not to be replaced
 */
export function checkRunPlace(dir: string, force: boolean): void {
  checkFree(resolve(dir), dir, force);
}

/**
 * @param signer signs the checkpoints of the decision log; null leaves them unsigned
 * @throws Problem when `dir` is taken (see `checkRunPlace`) or cannot be written
 */
export async function writeRun(
  dir: string,
  evaluation: Evaluation,
  force: boolean,
  signer: Signer | null = null,
): Promise<void> {
  const target = resolve(dir);
  checkFree(target, dir, force);
  const temporary = join(dirname(target), `.${basename(target)}.${process.pid}.unfinished`);
  const forget = onInterrupt(() => rmSync(temporary, { recursive: true, force: true }));
  try {
    makeDirectories(temporary);
    const { manifest, policies } = evaluation;
    const document =
      policies.length === 1 ? replayDocument(evaluation) : compareDocument(evaluation);
    const scores =
      "scorecard" in document ? document.scorecard : { ...document, manifest: undefined };
    writeJson(join(temporary, "manifest.json"), manifest);
    writeJson(join(temporary, "scorecard.json"), scores);
    await writeOutcomes(temporary, evaluation);
    writeText(join(temporary, "decisions.jsonl"), logLines(sectionsOf(evaluation), signer));
    rmSync(target, { recursive: true, force: true });
    renameSync(temporary, target);
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true });
    throw operatingProblem(error, dir);
  } finally {
    forget();
  }
}

function checkFree(target: string, shown: string, force: boolean): void {
  let names: string[];
  try {
    names = readdirSync(target);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return;
    if (code === "ENOTDIR") throw new Problem("this is a file, not a directory", { file: shown });
    throw operatingProblem(error, shown);
  }
  if (names.length === 0) return;
  const isRun = names.includes("decisions.jsonl") && names.includes("outcomes.parquet");
  if (force && isRun) return;
  throw new Problem(isRun ? "there is a run already" : "this directory is not empty", {
    file: shown,
    cure: isRun
      ? "Choose another --out, or add --force to replace it."
      : "Choose another --out; --force replaces only a directory that is a run.",
  });
}

function writeJson(file: string, document: unknown): void {
  writeText(file, [`${JSON.stringify(document, null, 2)}\n`]);
}

const TIMES = [
  "startedAt",
  "onsetAt",
  "detectedAt",
  "proposedAt",
  "decidedAt",
  "executedAt",
  "recoveredAt",
  "censoredAt",
  "untaggedProposedAt",
];

/** The columns that are neither times nor texts. */
const TYPES: Readonly<Record<string, string>> = {
  rolledBack: "BOOLEAN",
  recoverySeconds: "DOUBLE",
  recoveryBestSeconds: "DOUBLE",
  recoveryWorstSeconds: "DOUBLE",
  rollbackCost: "DOUBLE",
  spikeCost: "DOUBLE",
  earlyAlarm: "BOOLEAN",
  confidence: "DOUBLE",
  confidenceAtEnd: "DOUBLE",
  signals: "VARCHAR[]",
  proposals: "INTEGER",
  approved: "BOOLEAN",
  expired: "BOOLEAN",
  escalations: "INTEGER",
  pagesAt: "TIMESTAMP[]",
  ownerless: "BOOLEAN",
};

async function writeOutcomes(directory: string, { policies, manifest }: Evaluation): Promise<void> {
  const lines = join(directory, "outcomes.jsonl");
  writeText(
    lines,
    policies.flatMap(({ outcomes }) =>
      outcomes.map((outcome) => `${JSON.stringify(outcomeDocument(outcome, manifest.costs))}\n`),
    ),
  );
  const columns = Object.keys(outcomeDocument(policies[0]!.outcomes[0]!, manifest.costs)).map(
    (name) => {
      const type = TIMES.includes(name) ? "TIMESTAMP" : (TYPES[name] ?? "VARCHAR");
      return `${quoted(name)}: ${quoted(type)}`;
    },
  );
  const duck = await openDuck({ threads: 1 });
  try {
    const source = `read_json(${quoted(lines)}, format = 'newline_delimited',
      columns = {${columns.join(", ")}})`;
    const target = quoted(join(directory, "outcomes.parquet"));
    await duck.connection.run(`COPY (SELECT * FROM ${source}) TO ${target} (FORMAT parquet)`);
  } finally {
    duck.close();
  }
  rmSync(lines);
}

/** Every policy over every case is a section of the log; one policy is in memory at a time. */
function* sectionsOf({ manifest, replay, samplesSeen }: Evaluation): Generator<LogSection> {
  const history = manifest.history.digest;
  for (const { policy, fleets } of replay.policies) {
    for (const { caseId, handled } of fleets()) {
      yield { policy, caseId, history, handled, samples: samplesSeen };
    }
  }
}
