/**
 * The report as one JSON document: `--json` prints it, the pages embed it and `--check` makes it
 * again. Its numbers are computed by the code of `compare`, `gate` and `tags`. It does not contain
 * the time at which it was made, so that it has the same bytes every time.
 */

import { canonicalJson, diffPolicies, type Policy } from "../../engine/index.ts";
import { logLines } from "../audit/write.ts";
import { compareDocument } from "../compare/document.ts";
import { evaluate, type EvaluateOptions, type Evaluation } from "../compare/evaluate.ts";
import { sectionsOf } from "../compare/runDirectory.ts";
import { limitsOf, type Budget } from "../gate/budget.ts";
import { gateOf, type Check, type GateVerdict } from "../gate/gate.ts";
import { canAnswer, type Answer } from "../history/answers.ts";
import type { LabelChoice } from "../history/labels/choose.ts";
import type { History } from "../history/open.ts";
import { sha256 } from "../policy/load.ts";
import { tagsDocument } from "../tags/document.ts";
import { valueOfTags } from "../tags/value.ts";
import { breakdownOf, type BrokenBy, type Part } from "./breakdown.ts";
import { coverageOf, type Coverage } from "./coverage.ts";
import { cannotSay, decide, type Decision } from "./decision.ts";
import { faultsOf, type FaultRow } from "./evidence.ts";
import { inForce } from "./inForce.ts";
import { sampledPart, type Quarter } from "./quarter.ts";
import type { SweepInput } from "./sweepInput.ts";

const WEEK_MS = 604_800_000;

/** The question: together with the files that it names, enough to make the report again. */
export interface Asked {
  readonly history: string;
  readonly policy: string;
  /** Null: the report is on the policy in force alone. */
  readonly candidate: string | null;
  readonly quarter: string;
  readonly budget: string | null;
  readonly sweep: string | null;
  readonly costs: string | null;
  readonly people: string;
  readonly seed: number;
  readonly replicates: number;
  readonly draws: number;
  readonly effect: string;
  /** Absent: both, as in reports of before there was a choice. */
  readonly labels?: LabelChoice | undefined;
  /** Address of the web lab, for the links in the report; empty for a report without links. */
  readonly lab: string;
  readonly redact: boolean;
}

type Timeless<Document extends { readonly manifest: object }> = Omit<Document, "manifest"> & {
  readonly manifest: Omit<Document["manifest"], "timing">;
};
type TagsDocument = Exclude<ReturnType<typeof tagsDocument>, { answer: string }>;

export interface ReportDocument {
  readonly format: "hindsight-report";
  readonly asked: Asked;
  readonly quarter: {
    readonly name: string;
    readonly from: string;
    /** Exclusive. */
    readonly to: string;
    /** The part of the quarter that the history has samples of; null for none. */
    readonly sampledFrom: string | null;
    readonly sampledTo: string | null;
    readonly deployments: number;
    /** Deployments of the history that started outside the quarter. */
    readonly deploymentsOutside: number;
  };
  readonly policies: readonly {
    readonly name: string;
    readonly digest: string;
    readonly owner: string;
  }[];
  readonly decision: Decision;
  readonly gate: { readonly verdict: GateVerdict; readonly checks: readonly Check[] } | null;
  readonly changes: readonly { readonly text: string }[];
  /** The JSON of `compare`; null where nothing could be replayed. */
  readonly comparison: Timeless<ReturnType<typeof compareDocument>> | null;
  readonly breakdown: Readonly<Record<BrokenBy, readonly Part[]>> | null;
  readonly faults: readonly FaultRow[];
  /** The JSON of `tags` for the policy in force; null without tags. */
  readonly tags: Timeless<TagsDocument> | null;
  readonly sweep: SweepInput | null;
  /** Does the sweep recommend the proposed policy, possibly under another name? */
  readonly sweepProposes: boolean;
  readonly quality: {
    readonly answers: readonly Answer[];
    readonly dropped: History["manifest"]["dropped"];
    readonly warnings: readonly string[];
    readonly samples: number;
    readonly missingSamples: number;
    readonly coverage: Coverage;
  };
  readonly audit: {
    readonly history: string;
    /** SHA-256 over all tables except the samples. */
    readonly tables: string;
    /** The last hash of the decision log of all policies; it covers the samples seen. */
    readonly decisionLog: string | null;
  };
}

export interface ReportInput {
  readonly asked: Asked;
  readonly quarter: Quarter;
  /** The policy in force, then the proposed one where there is one; their names differ. */
  readonly policies: readonly [Policy, Policy?];
  readonly budget: Budget;
  readonly sweep: SweepInput | null;
}

export async function makeReport(
  history: History,
  { asked, quarter, policies: [current, next], budget, sweep }: ReportInput,
  options: EvaluateOptions,
): Promise<ReportDocument> {
  const { manifest, tables, series } = history;
  const part = sampledPart(quarter, manifest);
  const isIn = (atMs: number): boolean => atMs >= quarter.fromMs && atMs < quarter.toMs;
  const inside = tables.deployments.filter(({ startedAtMs }) => isIn(startedAtMs)).length;
  const nothing =
    part === null
      ? `the history has no sample of ${quarter.name}`
      : inside === 0
        ? `no deployment of ${quarter.name} is in the history`
        : null;
  const policies = next === undefined ? [current] : [current, next];
  const within = { fromMs: quarter.fromMs, toMs: quarter.toMs };
  const evaluation =
    nothing === null
      ? await evaluate(history, policies, {
          ...options,
          within,
          digestSamples: true,
          modelled: { limits: limitsOf(budget) },
        })
      : null;
  const tags =
    evaluation === null ? null : await valueOfTags(history, current, { ...options, within });
  const gate =
    evaluation === null || part === null || next === undefined
      ? null
      : gateOf(evaluation, budget, [], (part.toMs - part.fromMs) / WEEK_MS);
  const iso = (atMs: number): string => new Date(atMs).toISOString();
  return {
    format: "hindsight-report",
    asked,
    quarter: {
      name: quarter.name,
      from: iso(quarter.fromMs),
      to: iso(quarter.toMs),
      sampledFrom: part === null ? null : iso(part.fromMs),
      sampledTo: part === null ? null : iso(part.toMs),
      deployments: inside,
      deploymentsOutside: tables.deployments.length - inside,
    },
    policies: policies.map(({ policy, digest, owner }) => ({ name: policy, digest, owner })),
    decision:
      evaluation === null
        ? cannotSay(nothing ?? "nothing was replayed", next !== undefined)
        : gate === null
          ? inForce(evaluation)
          : decide(evaluation, gate),
    gate: gate === null ? null : { verdict: gate.verdict, checks: gate.checks },
    changes: diffPolicies(current, next ?? current)
      .filter(({ path }) => path[0] !== "policy")
      .map(({ text }) => ({ text })),
    comparison: evaluation === null ? null : timeless(compareDocument(evaluation)),
    breakdown: evaluation === null ? null : breakdownOf(evaluation),
    faults: evaluation === null ? [] : faultsOf(evaluation),
    tags: tags === null ? null : timeless(tagsDocument(tags) as TagsDocument),
    sweep,
    sweepProposes: sweep !== null && next !== undefined && recommends(sweep, [current, next]),
    quality: {
      answers: canAnswer(tables, series),
      dropped: manifest.dropped,
      warnings: manifest.warnings,
      samples: manifest.samples,
      missingSamples: manifest.missingSamples,
      coverage: await coverageOf(history, quarter),
    },
    audit: {
      history: manifest.digest,
      tables: sha256(JSON.stringify(tables)),
      decisionLog: evaluation === null ? null : logEnd(evaluation),
    },
  };
}

/**
 * Does the sweep recommend the proposed policy? Variations keep the name and owner of the policy
 * that was varied, so the proposed one is compared under those.
 */
function recommends(sweep: SweepInput, [current, next]: readonly [Policy, Policy]): boolean {
  const recommended = sweep.variations.find(({ name }) => name === sweep.recommendation.policy);
  const { policy, owner } = current;
  const rules: Partial<Policy> = { ...next, policy, owner };
  delete (rules as { digest?: string }).digest;
  return recommended?.digest === sha256(canonicalJson(rules));
}

/** Removes timings, so that two reports on one question have the same bytes. */
function timeless<Document extends { readonly manifest: { readonly timing: unknown } }>(
  document: Document,
): Timeless<Document> {
  const manifest: { timing?: unknown } = { ...document.manifest };
  delete manifest.timing;
  return { ...document, manifest } as Timeless<Document>;
}

/** The last hash of the decision log that `compare --out` would write. */
function logEnd(evaluation: Evaluation): string {
  let last = "";
  for (const line of logLines(sectionsOf(evaluation), null)) last = line;
  return (JSON.parse(last) as { sha256: string }).sha256;
}
