/**
 * Decision logs for the browser. A policy's run is written below the run directory as
 * `replay --out` writes it; whoever asks again, also after a restart, reads and verifies that
 * file, and a log that was changed since is shown as what it is.
 */

import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import {
  canonicalJson,
  explain,
  FLEET,
  formatTime,
  type ChainState,
  type DecisionRecord,
  type Handled,
  type Policy,
} from "../../../engine/index.ts";
import { logEntries } from "../../audit/read.ts";
import { verifyLog } from "../../audit/verify.ts";
import { evaluate, type EvaluateOptions } from "../../compare/evaluate.ts";
import { writeRun } from "../../compare/runDirectory.ts";
import { makeOwnDirectory } from "../../directory.ts";
import { nodeDocument } from "../../explain/document.ts";
import type { History } from "../../history/open.ts";
import { policyFromText, sha256 } from "../../policy/load.ts";
import { Problem } from "../../problem.ts";
import type { DecisionDetail, DecisionPage, DecisionRow } from "../contract/decisions.ts";
import { Refusal } from "../problems.ts";
import type { PolicyRef } from "./evaluations.ts";

export interface LogQuery {
  readonly q?: string | undefined;
  readonly decision?: string | undefined;
  readonly deployment?: string | undefined;
  readonly service?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly offset: number;
  readonly limit: number;
}

interface Kept {
  readonly policy: Policy;
  readonly file: string;
  readonly verified: ChainState;
  readonly bytes: number;
  readonly rows: readonly DecisionRow[];
  /** By row: all that its words are sought in, in small letters. */
  readonly texts: readonly string[];
  readonly records: readonly DecisionRecord[];
  /** Fleet by fleet, for explanations. */
  readonly sections: readonly (readonly Handled[])[];
}

/** Logs that are held in memory; the others are read again. */
const KEPT = 2;

export class DecisionLogs {
  readonly #kept = new Map<string, Kept>();

  constructor(
    private readonly history: History,
    private readonly runDirectory: string,
    private readonly options: EvaluateOptions,
  ) {}

  async page(ref: PolicyRef, query: LogQuery): Promise<DecisionPage> {
    const log = await this.#log(ref);
    const found = log.rows.filter((row, at) => matches(row, log.texts[at]!, query));
    const { fault, lines, end, kinds } = log.verified;
    return {
      state: "ready",
      policy: ref.id,
      verification: {
        whole: fault === null,
        lines,
        records: kinds.record,
        head: lines === 0 ? null : end.previous,
        fault: fault === null ? null : { line: fault.line, what: `${fault.kind}: ${fault.what}` },
        bytes: log.bytes,
        file: log.file,
      },
      total: log.rows.length,
      matching: found.length,
      offset: query.offset,
      decisions: found.slice(query.offset, query.offset + query.limit),
    };
  }

  async record(ref: PolicyRef, decisionId: string): Promise<DecisionDetail> {
    const log = await this.#log(ref);
    const at = log.rows.findIndex((row) => row.decisionId === decisionId);
    if (at < 0) throw new Refusal("not-found", `This log has no record ${decisionId}.`);
    const record = log.records[at]!;
    let tree = null;
    for (const handled of record.deploymentId === FLEET ? [] : log.sections) {
      tree = explain(log.policy, handled, record.deploymentId);
      if (tree !== null) break;
    }
    return {
      state: "ready",
      policy: ref.id,
      record: { ...record },
      line: log.rows[at]!.line,
      tree: tree === null ? null : nodeDocument(tree),
    };
  }

  async #log(ref: PolicyRef): Promise<Kept> {
    const policy = policyFromText(ref.text, ref.file);
    const name = this.#nameOf(policy);
    const known = this.#kept.get(name);
    if (known !== undefined) return known;
    const directory = join(this.runDirectory, "runs", name);
    const file = join(directory, "decisions.jsonl");
    if (!existsSync(file)) await this.#write(policy, directory);
    const log = readLog(policy, file, join("runs", name, "decisions.jsonl"));
    this.#kept.set(name, log);
    if (this.#kept.size > KEPT) this.#kept.delete(this.#kept.keys().next().value!);
    return log;
  }

  async #write(policy: Policy, directory: string): Promise<void> {
    const evaluation = await evaluate(this.history, [policy], {
      ...this.options,
      digestSamples: true,
    });
    makeOwnDirectory(join(this.runDirectory, "runs"));
    await writeRun(directory, evaluation, true);
  }

  /** Of all that the run is made with, so that another seed is another run. */
  #nameOf({ digest }: Policy): string {
    const { people, costs, seed, replicates, draws, effect } = this.options;
    const numbers = { people, costs: costs ?? null, seed, replicates, draws, effect };
    const made = canonicalJson({ digest, history: this.history.manifest.digest, numbers });
    return sha256(made).slice(0, 20);
  }
}

function readLog(policy: Policy, file: string, shown: string): Kept {
  const verified = verifyLog(file, { open: false, isSigned: null });
  const rows: DecisionRow[] = [];
  const records: DecisionRecord[] = [];
  const sections: { event: Handled["event"]; records: DecisionRecord[] }[][] = [];
  try {
    for (const { line, entry } of logEntries(file, false)) {
      if (entry.kind === "header") sections.push([]);
      if (entry.kind === "event" && entry.content.kind !== "contextPrepared") {
        sections.at(-1)!.push({ event: entry.content, records: [] });
      }
      if (entry.kind !== "record") continue;
      sections.at(-1)!.at(-1)!.records.push(entry.content);
      records.push(entry.content);
      rows.push(rowOf(entry.content, line));
    }
  } catch (error) {
    // What stands before the fault is shown; `verified` says where it breaks.
    if (!(error instanceof Problem)) throw error;
  }
  const texts = rows.map((row) =>
    [row.decisionId, row.service, row.decision, row.reason, row.authority, row.accountable]
      .concat(row.tags)
      .join("\n")
      .toLowerCase(),
  );
  const { size: bytes } = statSync(file);
  return { policy, file: shown, verified, bytes, rows, texts, records, sections };
}

function rowOf(record: DecisionRecord, line: number): DecisionRow {
  return {
    decisionId: record.decisionId,
    deploymentId: record.deploymentId,
    service: record.service,
    decision: record.decision,
    at: formatTime(record.knownAtMs),
    end: record.end,
    tier: record.tier,
    mode: record.mode,
    confidence: record.confidence,
    reason: record.reason,
    authority: record.authority,
    accountable: record.accountable,
    tags: record.tags,
    line,
  };
}

function matches(row: DecisionRow, text: string, query: LogQuery): boolean {
  const { q, decision, deployment, service, from, to } = query;
  if (decision !== undefined && row.decision !== decision) return false;
  if (deployment !== undefined && row.deploymentId !== deployment) return false;
  if (service !== undefined && row.service !== service) return false;
  if (from !== undefined && Date.parse(row.at) < Date.parse(from)) return false;
  if (to !== undefined && Date.parse(row.at) >= Date.parse(to)) return false;
  const words = (q ?? "").toLowerCase().split(/\s+/);
  return words.every((word) => text.includes(word));
}
