/**
 * How often agents that propose are right, and how sure they should be: their proposals against the
 * labels, by agent and kind of change.
 *
 * A proposal was right where its deployment is labelled a regression. An unrelated incident is not
 * the deployment's doing and counts as wrong. Of the proposals of one agent about one deployment
 * the first counts: those after it are no second case.
 *
 * Biases: a regression without a label is missing. Where labels were derived from rollbacks,
 * and people rolled back because an agent said so, the agent is judged by its own effect.
 */

import { ENGINE_VERSION, type DeploymentKind } from "../../engine/index.ts";
import { getOrMake } from "../getOrMake.ts";
import type { Labelling } from "../history/labels/choose.ts";
import type { History } from "../history/open.ts";
import type { Label, ProposalRow } from "../history/tables.ts";
import { tidy, wilson } from "../score/intervals.ts";
import { scoresOf, type Said, type Scores } from "./walkForward.ts";

/** At which an agent may be made to act alone. */
const THRESHOLDS = [0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99] as const;

/** A share with its 95 % interval; null of nothing. */
export type ShareOf = {
  readonly value: number;
  readonly low: number;
  readonly high: number;
  readonly n: number;
} | null;

export interface AgentJudged {
  readonly agent: string;
  /** Null: of every kind. */
  readonly kind: DeploymentKind | null;
  /** All that it made, and how many deployments they were about. */
  readonly proposals: number;
  readonly deployments: number;
  /** Of labelled deployments: the share that are regressions. */
  readonly precision: ShareOf;
  /** Of all labelled regressions: the share that it proposed to roll back. */
  readonly recall: ShareOf;
  readonly meanConfidence: number | null;
  /** Mean confidence less precision: above zero it says more than is so. */
  readonly overconfidence: number | null;
  readonly brier: number | null;
  /** That of always saying its precision, and the Brier score less it (95 % over services). */
  readonly baseBrier: number | null;
  readonly gain: Scores["gain"] | null;
  readonly tenths: Scores["tenths"];
  /** If it acted alone from a confidence on. */
  readonly from: readonly {
    readonly from: number;
    readonly precision: ShareOf;
    readonly recall: ShareOf;
  }[];
  /** Of answered proposals: the share that people accepted; where it was right, and wrong. */
  readonly accepted: ShareOf;
  readonly acceptedIfRight: ShareOf;
  readonly acceptedIfWrong: ShareOf;
}

export interface AgentsJudged {
  readonly manifest: {
    readonly engineVersion: string;
    readonly history: string;
    readonly seed: number;
    /** On which labels it rests; absent where none were derived. */
    readonly labels?: Labelling;
  };
  /** Each agent over all kinds, then by kind, in the order of their names. */
  readonly agents: readonly AgentJudged[];
}

/** A proposal with what is known of its deployment. */
interface Case {
  readonly row: ProposalRow;
  readonly service: string;
  readonly kind: DeploymentKind;
  readonly label: Label;
}

export function judgeAgents(
  { tables, manifest, labelling }: Pick<History, "tables" | "manifest" | "labelling">,
  seed: number,
): AgentsJudged {
  const labels = new Map(tables.labels.map(({ deploymentId, label }) => [deploymentId, label]));
  const about = new Map(tables.deployments.map((row) => [row.deploymentId, row]));
  const regressions = new Map<DeploymentKind | null, number>();
  for (const { deploymentId, kind } of tables.deployments) {
    if (labels.get(deploymentId) !== "regression") continue;
    for (const of of [kind, null]) regressions.set(of, (regressions.get(of) ?? 0) + 1);
  }
  const groups = new Map<string, Case[]>();
  for (const row of tables.proposals ?? []) {
    const { service, kind } = about.get(row.deploymentId)!;
    const one = { row, service, kind, label: labels.get(row.deploymentId) ?? "unknown" };
    for (const of of [null, kind]) {
      getOrMake(groups, JSON.stringify([row.agent, of ?? ""]), () => []).push(one);
    }
  }
  const agents = [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, cases]) => {
      const kind = key.endsWith(',""]') ? null : cases[0]!.kind;
      return judged(cases, kind, regressions.get(kind) ?? 0, seed);
    });
  return {
    manifest: {
      engineVersion: ENGINE_VERSION,
      history: manifest.digest,
      seed,
      ...(labelling === undefined ? {} : { labels: labelling }),
    },
    agents,
  };
}

function judged(
  cases: readonly Case[],
  kind: DeploymentKind | null,
  regressions: number,
  seed: number,
): AgentJudged {
  const first = new Map<string, Case>();
  for (const one of cases) getOrMake(first, one.row.deploymentId, () => one);
  const known = [...first.values()].filter(({ label }) => label !== "unknown");
  const said = known.map(({ row, service, label }): Said => ({
    ...{ deploymentId: row.deploymentId, service, delayMs: 0 },
    ...{ said: row.confidence, isSo: label === "regression" },
  }));
  const scores = scoresOf(said, seed);
  const answered = cases.filter(({ row }) => row.answer !== null);
  const acceptedOf = (some: readonly Case[]): ShareOf =>
    shareOf(some.filter(({ row }) => row.answer === "accepted").length, some.length);
  const right = said.filter(({ isSo }) => isSo).length;
  const mean = said.reduce((sum, one) => sum + one.said, 0) / said.length;
  return {
    agent: cases[0]!.row.agent,
    kind,
    proposals: cases.length,
    deployments: first.size,
    precision: shareOf(right, said.length),
    recall: shareOf(right, regressions),
    meanConfidence: scores === null ? null : tidy(mean),
    overconfidence: scores === null ? null : tidy(mean - right / said.length),
    brier: scores?.brier ?? null,
    baseBrier: scores?.baseBrier ?? null,
    gain: scores?.gain ?? null,
    tenths: scores?.tenths ?? [],
    from: THRESHOLDS.map((from) => {
      const sure = said.filter((one) => one.said >= from);
      const rightly = sure.filter(({ isSo }) => isSo).length;
      return {
        from,
        precision: shareOf(rightly, sure.length),
        recall: shareOf(rightly, regressions),
      };
    }),
    accepted: acceptedOf(answered),
    acceptedIfRight: acceptedOf(answered.filter(({ label }) => label === "regression")),
    acceptedIfWrong: acceptedOf(
      answered.filter(({ label }) => label !== "regression" && label !== "unknown"),
    ),
  };
}

function shareOf(count: number, n: number): ShareOf {
  return n === 0 ? null : { value: count / n, ...wilson(count / n, n), n };
}
