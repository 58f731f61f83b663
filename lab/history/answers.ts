/**
 * What a history can and cannot answer, from what is in its tables. Whatever is
 * missing limits what a replay may claim, and the lab says so before anybody asks.
 */

import { counted } from "../counted.ts";
import { EVIDENCE_AT_LEAST } from "../evidence.ts";
import { enoughIn, isEnoughFor, restsText } from "./enough.ts";
import { countLabels } from "./import/importHistory.ts";
import type { HistoryTables, SeriesRow } from "./tables.ts";

export interface Answer {
  readonly question: string;
  readonly answer: boolean;
  readonly why: string;
}

/** Below this many regressions, a rate of them has a wide interval. */
const FEW_POSITIVES = 20;

/** The questions people bring, each with yes or no and the reason. */
export function canAnswer(tables: HistoryTables, series: readonly SeriesRow[]): Answer[] {
  const labels = countLabels(tables);
  const { regressions } = enoughIn(tables);
  const benign = labels.benign + labels.expected_change;
  const ofDeployments = tables.incidents.filter(({ deploymentId }) => deploymentId !== null);
  const resolved = ofDeployments.filter(({ resolvedAtMs }) => resolvedAtMs !== null).length;
  const dependencies = tables.services.filter(({ dependsOn }) => dependsOn.length > 0).length;
  const owned = tables.services.filter((row) => row.team !== null || row.criticality !== null);
  const versions = series.filter(({ version }) => version !== null).length;
  const answered = (tables.proposals ?? []).filter(
    ({ answer, answeredAtMs }) => answer !== null && answeredAtMs !== null,
  ).length;
  return [
    {
      question: "How many good deployments would have been rolled back?",
      answer: benign > 0,
      why:
        benign > 0
          ? `${counted(benign, "deployment")} labelled benign or expected_change`
          : "no deployment is labelled benign or expected_change: there is no false-positive rate",
    },
    {
      question: "How many regressions would have been caught?",
      answer: labels.regression > 0,
      why:
        labels.regression > 0
          ? `${counted(labels.regression, "deployment")} labelled regression`
          : "no deployment is labelled regression: there is no miss rate",
    },
    {
      question: "Is there enough for verdicts on missed regressions and recovery?",
      answer: isEnoughFor(regressions),
      why:
        labels.regression === 0
          ? "no deployment is labelled regression: what is done differs, not how right it is"
          : restsText(regressions, "regression") +
            (isEnoughFor(regressions)
              ? labels.regression < FEW_POSITIVES
                ? ": intervals will be wide"
                : ""
              : `; ${EVIDENCE_AT_LEAST} of each are needed`),
    },
    {
      question: "How fast would incidents have ended (MTTR)?",
      answer: resolved > 0,
      why:
        resolved > 0
          ? `${resolved} of ${counted(ofDeployments.length, "incident")} of deployments with a ` +
            "resolved_at"
          : ofDeployments.length === 0
            ? "no incident is known to be of a deployment: neither MTTR nor time to rollback"
            : "no incident of a deployment has a resolved_at: " +
              "time to rollback decision instead of MTTR",
    },
    {
      question: "What would the people of that time have answered?",
      answer: tables.decisions.length + answered > 0,
      why:
        tables.decisions.length + answered > 0
          ? `${counted(tables.decisions.length, "decision")} recorded` +
            (answered === 0 ? "" : `, ${counted(answered, "answer")} to proposals of agents`)
          : "no decisions are recorded: --people recorded is impossible, " +
            "only modelled, perfect or absent",
    },
    {
      question: "What was context (tags) worth?",
      answer: tables.tags.length > 0,
      why:
        tables.tags.length > 0
          ? `${counted(tables.tags.length, "tag")} recorded`
          : "there are no tags: their value can only be asked in a generated world",
    },
    {
      question: "How do teams and criticalities differ?",
      answer: owned.length > 0,
      why:
        owned.length > 0
          ? `${owned.length} of ${counted(tables.services.length, "service")} with a team or a ` +
            "criticality"
          : "services have neither team nor criticality: every service is treated alike",
    },
    {
      question: "Is harm on other services than the deployed one seen?",
      answer: dependencies > 0,
      why:
        dependencies > 0
          ? `the dependencies of ${counted(dependencies, "service")} are known`
          : "no dependencies are known: `of: callers` and `of: dependants` find nothing",
    },
    {
      question: "Can old and new versions be compared during a rollout?",
      answer: versions > 0,
      why:
        versions > 0
          ? `${versions} series of a single version`
          : "no series belongs to one version: only before and after can be compared",
    },
  ];
}
