/** What somebody told the host, as an event in the host's time. */

import {
  diffPolicies,
  findDeployment,
  type ControllerState,
  type Deployment,
  type Event,
  type Policy,
  type PolicyDifference,
} from "../../engine/index.ts";
import type { ServiceRow } from "../history/tables.ts";
import { callGraph, type CallGraph } from "../replay/callGraph.ts";
import type { Told } from "./contract.ts";
import type { Timeless } from "./core.ts";

/** The `atMs` of what happens while it is told. */
export const NOW = Number.POSITIVE_INFINITY;

/** What the catalog says of services; a deployment's own words about them do not count. */
export class Catalog {
  readonly #services: ReadonlyMap<string, ServiceRow>;
  readonly #graph: CallGraph;

  constructor(services: readonly ServiceRow[]) {
    this.#services = new Map(services.map((row) => [row.service, row]));
    this.#graph = callGraph(services);
  }

  /** As a replay of the imported journal makes it (lab/replay/plan.ts). */
  known(deployment: Deployment): Deployment {
    const { service } = deployment;
    const row = this.#services.get(service);
    return {
      ...deployment,
      team: row?.team ?? null,
      criticality: row?.criticality ?? null,
      timezone: row?.timezone ?? null,
      callers: this.#graph.callers(service),
      dependants: this.#graph.dependants(service),
    };
  }
}

/** Nothing happens in the future, and nothing is known before it is told. */
export function eventOf(told: Told, catalog: Catalog): Timeless {
  return (knownAtMs) => {
    const atMs = Math.floor(Math.min(told.atMs, knownAtMs));
    switch (told.kind) {
      case "deploymentStarted": {
        const startedAtMs = Math.min(Math.floor(told.deployment.startedAtMs), knownAtMs);
        const deployment = catalog.known({ ...told.deployment, startedAtMs });
        return { ...told, atMs: startedAtMs, knownAtMs, deployment };
      }
      case "deploymentTagged":
        return { ...told, atMs, knownAtMs, tag: { ...told.tag, knownAtMs } };
      case "rollbackFinished":
      case "overrideGiven":
      case "approvalGiven":
      case "stageReached":
      case "haltOrdered":
      case "haltLifted":
      case "policyChanged":
      case "requestRefused":
      case "faultReported":
        return { ...told, atMs, knownAtMs };
    }
  };
}

/**
 * Another policy comes with everything that it loosens: whoever signals a host may put any
 * policy in force, and nobody who is told of it should have to compare files.
 */
export function withLoosenings(told: Told, inForce: Policy): Told {
  if (told.kind !== "policyChanged") return told;
  const looser = diffPolicies(inForce, told.policy).filter((one) => one.direction === "loosened");
  if (looser.length === 0) return told;
  return {
    ...told,
    reason: `${told.reason}; loosened: ${looser.map(saidOf).join(", ")}`,
  };
}

const saidOf = ({ text }: PolicyDifference): string => text.replace(/ \(loosened\)$/, "");

/** Answers to what nobody knows: the engine is silent about them, the journal is not. */
export function refusalOf(told: Told, { fleet }: ControllerState): Told | null {
  if (!("deploymentId" in told) || told.kind === "requestRefused") return null;
  const { deploymentId, kind, atMs } = told;
  if (findDeployment(fleet, deploymentId) !== undefined) return null;
  const by = "by" in told ? told.by : null;
  const why = "this host knows no such deployment";
  return { kind: "requestRefused", atMs, deploymentId, by, what: WORDS[kind], why };
}

const WORDS = {
  overrideGiven: "override",
  approvalGiven: "approval",
  rollbackFinished: "end of a rollback",
  stageReached: "stage of a rollout",
} as const satisfies Partial<Record<Event["kind"], string>>;
