/**
 * What of a policy meets nothing in a history, or hardly what was meant, in words: a policy that
 * sees nothing must not look like one under which nothing happened.
 */

import {
  formatNumber,
  selectionText,
  watches,
  type Condition,
  type Policy,
} from "../../engine/index.ts";
import type { Past } from "../history/open.ts";
import { Problem } from "../problem.ts";
import { listed } from "../history/import/findings.ts";
import { namedMetric, namesOf, percentagePoint } from "../history/metric/seriesName.ts";

/** @throws Problem when no signal of a policy matches any series */
export function unmetNotes(history: Past, policies: readonly Policy[]): string[] {
  return policies.flatMap((policy) =>
    [
      ...unmatchedSignals(history, policy),
      ...pointsOfTimes(history, policy),
      ...unknownServices(history, policy),
    ].map((text) => `${policy.policy}: ${text}.`),
  );
}

function unmatchedSignals(history: Past, { policy, signals }: Policy): string[] {
  const notes: string[] = [];
  const services = new Set(history.series.map(({ service }) => service));
  let matched = 0;
  const names = namesOf(history);
  for (const signal of signals) {
    const { name, of } = signal;
    const unknown = of.filter(
      (whose) => !["own", "callers", "dependants"].includes(whose) && !services.has(whose),
    );
    if (unknown.length > 0) {
      notes.push(`signal ${name} watches ${unknown.join(", ")}: no such service here`);
    }
    if (names.some((series) => watches(signal, series))) matched++;
    else notes.push(`signal ${name} (${selectionText(signal)}) matches no series`);
  }
  if (matched > 0) return notes;
  const metrics = [...new Set(history.series.map(({ metric }) => metric))].sort();
  throw new Problem(`no signal of ${policy} matches any series of this history`, {
    file: history.dir,
    cure:
      `It has ${listed(metrics, 12)}: name these, or a glob, under \`metric\`, or a \`role\` ` +
      `that ` +
      "`hindsight inspect` shows.",
  });
}

/** Percentage points of milliseconds: a hundredth of one is as good as no tolerance. */
function pointsOfTimes({ series, tables }: Past, { signals }: Policy): string[] {
  const seen = new Set(series.map(({ metric }) => metric));
  const times = tables.metricCatalog.filter(
    ({ kind, metric }) => kind === "latency" && seen.has(metric),
  );
  return signals.flatMap((signal) => {
    const { name, tolerance } = signal;
    const found = times.find((row) => watches(signal, namedMetric(row.metric, row)));
    if (tolerance.kind !== "points" || found === undefined) return [];
    const amount = tolerance.amount * 100 * percentagePoint(found.unit, found.metric);
    return [
      `signal ${name} tolerates ${formatNumber(amount)} ${found.unit} of ${found.metric}: ` +
        "percentage points are for shares, write a share such as 10%",
    ];
  });
}

/** Rules about services that none of the deployments is of: a name mistyped binds nobody. */
function unknownServices({ tables }: Past, { assign, modes, guardrails }: Policy): string[] {
  const deployed = new Set<string>();
  for (const { service } of tables.deployments) deployed.add(service);
  const rules: readonly (readonly [string, Condition | null])[] = [
    ...assign.map(({ when }, at) => [`assign[${at}]`, when] as const),
    ...modes.map(({ name, when }) => [`modes.${name}`, when] as const),
    ...guardrails.never.map((when, at) => [`guardrails.never[${at}]`, when] as const),
  ];
  return rules.flatMap(([name, when]) => {
    const unknown = (when?.service ?? []).filter((service) => !deployed.has(service));
    return unknown.length === 0
      ? []
      : [`${name} is about ${unknown.join(", ")}, and no deployment here is of it`];
  });
}
