/**
 * A run directory: manifest, scorecards, outcomes and the chained decision log, and
 * nothing that cannot be made again from the manifest.
 */

import { own, type JsonObject } from "../../engine/index.ts";
import { rmSync } from "node:fs";
import { join } from "node:path";
import type { Signer } from "../audit/signature.ts";
import { logLines, writeText, type LogSection } from "../audit/write.ts";
import { openDuck, quoted } from "../history/duck.ts";
import { checkPlace, writeWhole, type ResultKind } from "../resultDirectory.ts";
import { compareDocument, outcomeDocument, replayDocument } from "./document.ts";
import type { Evaluated, Evaluation } from "./evaluate.ts";

const RUN: ResultKind = { name: "run", files: ["decisions.jsonl", "outcomes.parquet"] };

/** See `checkPlace`. */
export function checkRunPlace(dir: string, force: boolean): void {
  checkPlace(dir, RUN, force);
}

/**
 * See `writeWhole`.
 *
 * @param signer signs the checkpoints of the decision log; null leaves them unsigned
 */
export async function writeRun(
  dir: string,
  evaluation: Evaluation,
  force: boolean,
  signer: Signer | null = null,
): Promise<void> {
  const { manifest, policies } = evaluation;
  const document = policies.length === 1 ? replayDocument(evaluation) : compareDocument(evaluation);
  const scores =
    "scorecard" in document ? document.scorecard : { ...document, manifest: undefined };
  await writeWhole(dir, RUN, force, async (temporary) => {
    writeJson(join(temporary, "manifest.json"), manifest);
    writeJson(join(temporary, "scorecard.json"), scores);
    await writeOutcomes(temporary, evaluation);
    writeText(join(temporary, "decisions.jsonl"), logLines(sectionsOf(evaluation), signer));
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
const TYPES: JsonObject<string> = {
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
    policies.flatMap(({ policy, outcomes }) =>
      outcomes.map((outcome) => {
        const written = outcomeDocument(policy.policy, outcome, manifest.costs);
        return `${JSON.stringify(written)}\n`;
      }),
    ),
  );
  const [first] = policies as [Evaluated];
  const columns = Object.keys(
    outcomeDocument(first.policy.policy, first.outcomes.at(0)!, manifest.costs),
  ).map((name) => {
    const type = TIMES.includes(name) ? "TIMESTAMP" : (own(TYPES, name) ?? "VARCHAR");
    return `${quoted(name)}: ${quoted(type)}`;
  });
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
export function* sectionsOf({ manifest, replay, samplesSeen }: Evaluation): Generator<LogSection> {
  const history = manifest.history.digest;
  for (const { policy, fleets } of replay.policies) {
    for (const { caseId, handled } of fleets()) {
      yield { policy, caseId, history, handled, samples: samplesSeen };
    }
  }
}
