/**
 * The thread that answers what a view asks about policies: comparisons, deployments with their
 * lanes, decision trees, bands. It opens the history for itself and keeps its evaluations.
 */

import {
  bandOf,
  explain,
  judgementsOf,
  seriesKey,
  type PreparedContext,
  type SampleColumn,
} from "../../../engine/index.ts";
import type { Within } from "../../compare/within.ts";
import { silent } from "../../progress.ts";
import { explainDocument } from "../../explain/document.ts";
import { budgetWith } from "../../gate/budget.ts";
import { incidentsByDeployment } from "../../history/incidents.ts";
import { openHistory } from "../../history/open.ts";
import { policyFromText } from "../../policy/load.ts";
import { detect, watchOf } from "../../replay/detect.ts";
import { planReplay, type Plan } from "../../replay/plan.ts";
import { arrowStream } from "../arrow.ts";
import type { DeploymentRow } from "../contract/deployments.ts";
import { Refusal } from "../problems.ts";
import { comparisonOf } from "../views/comparison.ts";
import { deploymentOf, type Watching } from "../views/deployment.ts";
import { laneOf } from "../views/lane.ts";
import { verdictOf, type VerdictAsked } from "../views/verdict.ts";
import { answerCalls, startedWith, threadProgress, threadPorts } from "./answering.ts";
import { Evaluations, type Found, type NumberOptions, type PolicyRef } from "./evaluations.ts";

export interface AnalystOptions {
  readonly history: string;
  readonly numbers: NumberOptions;
}

const { history: directory, numbers } = startedWith() as AnalystOptions;
const history = await openHistory(directory, { labels: numbers.labels });
const evaluations = new Evaluations(history, { ...numbers, ...threadPorts() }, threadProgress());

/** By policy, in the order of the history's deployments. */
export type Ends = readonly {
  readonly id: string;
  readonly ends: readonly DeploymentRow["ends"][string][];
}[];

const calls = {
  /** How every deployment ends; the first call makes the evaluation that most views need. */
  async ends({ policies }: { readonly policies: readonly PolicyRef[] }): Promise<Ends> {
    const evaluation = await evaluations.of(policies);
    return evaluation.policies.map(({ outcomes }, at) => ({
      id: policies[at]!.id,
      ends: outcomes.map(({ end, rolledBack, evidence, tier }) => ({
        end,
        rolledBack,
        evidence,
        tier,
      })),
    }));
  },

  async compare(asked: {
    readonly policies: readonly PolicyRef[];
    readonly within: Within | undefined;
  }): Promise<string> {
    const { policies, within } = asked;
    const evaluation = await evaluations.scored(policies, within);
    const ids = policies.map(({ id }) => id);
    return JSON.stringify(comparisonOf(history, evaluation, ids, within));
  },

  async verdict(asked: {
    readonly policies: readonly PolicyRef[];
    readonly within: Within | undefined;
    readonly limits: string;
    readonly pairs: VerdictAsked["pairs"];
  }): Promise<string> {
    const { policies, within, limits, pairs } = asked;
    const evaluation = await evaluations.scored(policies, within);
    const ids = policies.map(({ id }) => id);
    const budget = budgetWith(limits);
    return JSON.stringify(await verdictOf(history, evaluation, ids, { budget, within, pairs }));
  },

  async deployment(asked: {
    readonly deploymentId: string;
    readonly policies: readonly PolicyRef[];
  }): Promise<string> {
    const { deploymentId, policies } = asked;
    const lanes = [];
    const watching: Watching[] = [];
    const { incidents, metricCatalog } = history.tables;
    const incident = incidentsByDeployment(incidents).get(deploymentId) ?? null;
    const units = new Map(metricCatalog.map(({ metric, unit }) => [metric, unit]));
    const unitOf = (metric: string): string | null => units.get(metric) ?? null;
    let planned = null;
    for (const ref of policies) {
      const found = await evaluations.having(ref);
      const place = placeOf(found, deploymentId);
      planned ??= found.evaluation.replay.plan.deployments.at(place)!;
      const { policy, outcomes } = found.evaluation.policies[found.at]!;
      // The first draw, as every list of names is: where history hid the rest, a model of it.
      const drawn = found.evaluation.replay.draws[0]![found.at]!;
      const lane = laneOf({
        id: ref.id,
        policy,
        planned: found.evaluation.replay.plan.deployments.at(place)!,
        outcome: outcomes.at(place)!,
        records: drawn.of(place).records,
        judgements: judgementsOf(
          drawn.judged[place]!,
          found.evaluation.replay.plan.deployments.at(place)!.deployment,
        ),
        costs: found.evaluation.manifest.costs,
        incident,
        unitOf,
      });
      lanes.push(lane);
      watching.push({ id: ref.id, policy });
    }
    return JSON.stringify(deploymentOf(history, deploymentId, planned, watching, lanes));
  },

  /** `explain --json`: on what history shows, and nothing beyond it. */
  async explain(asked: { readonly deploymentId: string; readonly policy: PolicyRef }) {
    const found = await evaluations.having(asked.policy);
    placeOf(found, asked.deploymentId);
    const { policy } = found.evaluation.policies[found.at]!;
    for (const { handled } of evaluations.fleetsOf(found)) {
      const tree = explain(policy, handled, asked.deploymentId);
      if (tree !== null) return { state: "ready" as const, ...explainDocument({ policy, tree }) };
    }
    throw new Refusal("not-found", `There is no deployment ${asked.deploymentId}.`);
  },

  async bands(asked: {
    readonly deploymentId: string;
    readonly policy: PolicyRef;
    readonly signal: string;
    readonly series: number;
  }): Promise<Uint8Array> {
    const policy = policyFromText(asked.policy.text, asked.policy.file);
    const signal = policy.signals.find(({ name }) => name === asked.signal);
    if (signal === undefined) {
      throw new Refusal("not-found", `${policy.policy} has no signal ${asked.signal}.`);
    }
    const wanted = history.series[asked.series];
    if (wanted === undefined) {
      throw new Refusal("not-found", `There is no series ${asked.series}.`);
    }
    const whole = await planReplay(history, [policy]);
    const place = whole.places.get(asked.deploymentId);
    if (place === undefined) {
      throw new Refusal("not-found", `There is no deployment ${asked.deploymentId}.`);
    }
    const planned = whole.deployments.at(place)!;
    const alone: Plan = {
      ...whole,
      deployments: [planned],
      places: new Map([[asked.deploymentId, 0]]),
      rows: [[0]],
    };
    let columns: readonly SampleColumn[] = [];
    let context: PreparedContext | null = null;
    await detect(history, alone, [policy], silent, {
      seen: (_id, seen, prepared) => {
        columns = seen;
        context = prepared;
      },
    });
    const watch = watchOf(policy, planned, context, columns);
    const column = columns.find(({ series }) => seriesKey(series) === seriesKey(wanted));
    const band = column === undefined ? null : bandOf(policy, watch, signal, column);
    const none = new Float64Array(0);
    return arrowStream({
      at: band?.atMs ?? none,
      expected: band?.expected ?? none,
      usualLow: band?.usualLow ?? none,
      usualHigh: band?.usualHigh ?? none,
      toleratedLow: band?.toleratedLow ?? none,
      toleratedHigh: band?.toleratedHigh ?? none,
      untaggedLow: band?.untaggedLow ?? none,
      untaggedHigh: band?.untaggedHigh ?? none,
    });
  },
};

export type AnalystCalls = typeof calls;

function placeOf({ evaluation }: Found, deploymentId: string): number {
  const place = evaluation.replay.plan.places.get(deploymentId);
  if (place !== undefined) return place;
  throw new Refusal("not-found", `There is no deployment ${deploymentId}.`);
}

answerCalls(calls);
