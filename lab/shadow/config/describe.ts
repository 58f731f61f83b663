/** Describes in words what a host with this config will do, and warns of likely mistakes. */

import { relative } from "node:path";
import {
  formatDuration,
  selectionText,
  watches,
  type Policy,
  type SignalPolicy,
} from "../../../engine/index.ts";
import { counted } from "../../counted.ts";
import { namedMetric } from "../../history/metric/seriesName.ts";
import type { ServiceRow } from "../../history/tables.ts";
import { leaseDirectoryOf, type Grant, type Platform, type ShadowFile } from "./shadowFile.ts";

export interface Description {
  readonly says: readonly string[];
  readonly warnings: readonly string[];
}

export function describeShadow(
  config: ShadowFile,
  policy: Policy,
  services: readonly ServiceRow[],
): Description {
  return {
    says: [
      `The policy is ${policy.policy} (${policy.digest.slice(0, 12)}) of ${policy.owner}.`,
      metricsSay(config),
      ...policy.signals.map((signal) => {
        const read = readBy(config, signal);
        return `Signal ${signal.name} reads ${read.length === 0 ? "nothing" : read.join(", ")}.`;
      }),
      servicesSay(config, services),
      ...actsSay(config),
      ...(config.cdevents === undefined ? [] : [`It sends CDEvents to ${config.cdevents.url}.`]),
      ...sendersSay(config),
      ...config.entitled.map(grantSays),
      journalSays(config),
      leaseSays(config),
      `It listens on ${config.listen.host}:${config.listen.port}; a signature is good for ` +
        `${formatDuration(config.window)}.`,
    ],
    warnings: warningsOf(config, policy, services),
  };
}

function readBy({ metrics }: ShadowFile, signal: SignalPolicy): readonly string[] {
  return metrics.queries
    .map((query) => namedMetric(query.metric, query))
    .filter((series) => watches(signal, series))
    .map(({ metric }) => metric);
}

function metricsSay({ metrics: { url, everyMs, queries } }: ShadowFile): string {
  const names = queries.map(({ metric }) => metric).join(", ");
  return `It asks ${url} every ${formatDuration(everyMs)} for ${names}.`;
}

function servicesSay({ unknownServices }: ShadowFile, services: readonly ServiceRow[]): string {
  if (services.length === 0) return "There is no catalog: it accepts deployments of every service.";
  const teams = new Set(services.flatMap(({ team }) => team ?? []));
  const [count, teamCount] = [counted(services.length, "service"), counted(teams.size, "team")];
  const others = `${unknownServices === "accept" ? "accepts" : "refuses"} deployments of others`;
  return `The catalog has ${count} of ${teamCount}; the host ${others}.`;
}

function actsSay({ act, platform, page }: ShadowFile): readonly string[] {
  const receiver = pageGoes(page);
  if (!act) {
    return [
      "It never rolls back: it records what it would do.",
      `It tells ${receiver} what it would do, and says that nothing is done.`,
    ];
  }
  return [
    `${rollbackGoes(platform!)}, and gives up ` +
      `${formatDuration(platform!.giveUp)} after the decision.`,
    `It tells ${receiver} of proposals, pages and rollbacks.`,
  ];
}

function pageGoes(page: ShadowFile["page"]): string {
  if (page === undefined) return "no receiver";
  if (page.slack !== undefined) return "Slack";
  return page.pagerduty === undefined ? page.url! : "PagerDuty";
}

function rollbackGoes({ url, askedBy }: Platform): string {
  if (askedBy === undefined) return `It asks ${url!} to roll back`;
  return `It tells ${askedBy} to roll back when ${askedBy} asks`;
}

function sendersSay({ senders }: ShadowFile): readonly string[] {
  return Object.entries(senders).map(([name, { may, as, token, services }]) => {
    const of = services === undefined ? "every service" : services.join(", ");
    const limited = services === undefined ? "" : `, of ${of}`;
    const how = token === undefined ? limited : `, with a token instead of a signature, of ${of}`;
    const whose = as === undefined ? "" : `, as ${as} alone`;
    return `${name} may send ${may.join(", ")}${whose}${how}.`;
  });
}

function grantSays({ who, may, teams, services }: Grant): string {
  const where = [
    ...(teams === undefined ? [] : [`of ${teams.join(", ")}`]),
    ...(services === undefined ? [] : [`for ${services.join(", ")}`]),
  ];
  const scope = where.length === 0 ? "everywhere" : where.join(" and ");
  return `${who.join(", ")} may ${may.join(", ")} ${scope}.`;
}

function journalSays({ journal, audit }: ShadowFile): string {
  const signed = audit.signKey === undefined ? "not signed" : "signed";
  const every = formatDuration(audit.rotate);
  return `Its log is in ${shown(journal)}, a new file every ${every}, ${signed}.`;
}

function leaseSays(config: ShadowFile): string {
  const { lease } = config;
  const where = lease.redis === undefined ? shown(leaseDirectoryOf(config)) : "Redis";
  return `One host at a time acts: the lease is in ${where}, for ${formatDuration(lease.for)}.`;
}

const ANNOUNCING = [
  ...(["deployments", "github", "argocd", "argo-rollouts", "flagger", "cdevents"] as const),
];

function warningsOf(
  config: ShadowFile,
  policy: Policy,
  services: readonly ServiceRow[],
): readonly string[] {
  const { senders, entitled, platform, page, act } = config;
  const sent = new Set(Object.values(senders).flatMap(({ may }) => may));
  const deployed = ANNOUNCING.some((kind) => sent.has(kind));
  const may = new Set(entitled.flatMap((grant) => grant.may));
  const teams = new Set(services.flatMap(({ team }) => team ?? []));
  const names = new Set(services.map(({ service }) => service));
  const unknown = entitled.flatMap((grant) => [
    ...(grant.teams ?? []).filter((team) => !teams.has(team)),
    ...(grant.services ?? []).filter((service) => !names.has(service)),
  ]);
  const strange = Object.entries(senders).flatMap(([sender, { services: own = [] }]) =>
    own.filter((service) => !names.has(service)).map((service) => [sender, service] as const),
  );
  const blind = policy.signals.filter((signal) => readBy(config, signal).length === 0);
  return [
    ...blind.map((signal) => `no query gives ${selectionText(signal)}: ${signal.name} has no data`),
    ...(deployed ? [] : ["no sender may announce deployments: nothing is ever watched"]),
    ...((sent.has("overrides") || sent.has("slack")) && may.has("override")
      ? []
      : ["overrides cannot arrive: give a sender `overrides`, and entitle people"]),
    ...(may.has("halt") && sent.has("halts")
      ? []
      : ["halts cannot arrive: give a sender `halts`, and entitle people"]),
    ...agentWarnings(policy, sent.has("proposals")),
    ...(page === undefined ? ["pages go nowhere: give `page`"] : []),
    ...(platform !== undefined && !act ? ["platform is given and act is false"] : []),
    ...(services.length === 0 ? [] : strange).map(
      ([sender, service]) => `${service}, of sender ${sender}, is not in the catalog`,
    ),
    ...unknown.map((name) => `${name} is entitled to, and not in the catalog`),
  ];
}

/** An agent is heard where a sender may bring its proposals and the policy names it. */
function agentWarnings({ policy, agents = [] }: Policy, arrive: boolean): readonly string[] {
  const names = agents.map(({ name }) => name).join(", ");
  if (arrive && names === "") {
    return [`proposals change nothing: policy ${policy} names no agent (\`agents\`)`];
  }
  if (arrive || names === "") return [];
  return [`policy ${policy} listens to ${names}, and no sender may send \`proposals\``];
}

/** Relative to the working directory, as the user would type it. */
const shown = (path: string): string => relative(process.cwd(), path);
