/** Decision logs of any length, written as a host writes them, for proofs about the chain. */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { DecisionEvent, DecisionRecord, Handled, SignalEvidence } from "../../engine/index.ts";
import type { Signer } from "../../lab/audit/signature.ts";
import { logLines, writeText } from "../../lab/audit/write.ts";
import { temporaryDirectory } from "../directories.ts";
import { FULL, START_MS } from "../history/tinyHistory.ts";

const EVIDENCE: SignalEvidence = {
  signal: "latency",
  verdict: "breach",
  reason: "latency_p95_ms at +15 % for 60 s, 10 % tolerated – höher als erwartet",
  series: "orders/latency_p95_ms",
  effect: 0.1523,
  expected: 240.25,
  scale: 0.02,
  tolerance: 0.1,
  baseTolerance: 0.1,
  statistic: 5,
  limit: 4,
  logE: 2.25,
  standing: null,
  samples: 17,
  baselineSamples: 240,
  missing: 0,
  tags: [],
  untagged: "breach",
  untaggedReason: "",
  breaching: [],
  placebo: null,
  control: null,
  season: null,
};

function* handledOf(records: number): Generator<Handled> {
  for (let index = 0; index < records; index++) {
    const atMs = START_MS + index * 1000;
    const deploymentId = `d-${index}`;
    const event: DecisionEvent = {
      kind: "approvalGiven",
      atMs,
      knownAtMs: atMs,
      deploymentId,
      by: "ada",
    };
    const record: DecisionRecord = {
      decisionId: `${deploymentId}#1`,
      deploymentId,
      service: "orders",
      decision: "refused",
      atMs,
      knownAtMs: atMs,
      engineVersion: "0.1.0",
      policy: FULL.policy,
      policyDigest: FULL.digest,
      phaseBefore: "watching",
      phaseAfter: "watching",
      end: null,
      tier: null,
      tierPath: [{ rule: "assign.otherwise", tier: "full" }],
      mode: null,
      explanations: [],
      confidence: null,
      basis: null,
      signals: [EVIDENCE],
      reason: "approval by ada: no proposal stands",
      authority: "policy full",
      accountable: "platform",
      tags: ["migration_window=true"],
      untaggedProposedAtMs: null,
    };
    yield { event, records: [record] };
  }
}

/** Writes a log with so many records, and the events they follow from. */
export function syntheticLog(records: number, signer: Signer | null = null): string {
  const file = join(temporaryDirectory(), "decisions.jsonl");
  const section = {
    policy: FULL,
    caseId: null,
    history: null,
    handled: handledOf(records),
    samples: new Map(),
  };
  writeText(file, logLines([section], signer));
  return file;
}

/** A copy of a log with its bytes changed. */
export function changed(file: string, change: (bytes: Buffer) => Uint8Array): string {
  const copy = join(temporaryDirectory(), "changed.jsonl");
  writeFileSync(copy, change(readFileSync(file)));
  return copy;
}

/** A copy of a log with its lines changed; each has its newline. */
export function relined(file: string, change: (lines: string[]) => string[]): string {
  return changed(file, (bytes) => {
    const lines = bytes.toString("latin1").split(/(?<=\n)/);
    return Buffer.from(change(lines).join(""), "latin1");
  });
}
