/** Turns an input from outside into an engine event with the host's time. */

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
import type { HostInput } from "./contract.ts";
import type { Timeless } from "./core.ts";

/** An `atMs` in the future, which `eventOf` replaces by the time at which the host handles it. */
export const NOW = Number.POSITIVE_INFINITY;

/** The service catalog. It overrides what a deployment says itself about its service. */
export class Catalog {
  readonly #services: ReadonlyMap<string, ServiceRow>;
  readonly #graph: CallGraph;

  constructor(services: readonly ServiceRow[]) {
    this.#services = new Map(services.map((row) => [row.service, row]));
    this.#graph = callGraph(services);
  }

  /** Completes a deployment exactly as a replay of the imported journal does (replay/plan.ts). */
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

/** Times in the future become the time of handling, which is also when the input became known. */
export function eventOf(input: HostInput, catalog: Catalog): Timeless {
  return (knownAtMs) => {
    const atMs = Math.floor(Math.min(input.atMs, knownAtMs));
    switch (input.kind) {
      case "deploymentStarted": {
        const startedAtMs = Math.min(Math.floor(input.deployment.startedAtMs), knownAtMs);
        const deployment = catalog.known({ ...input.deployment, startedAtMs });
        return { ...input, atMs: startedAtMs, knownAtMs, deployment };
      }
      case "deploymentTagged":
        return { ...input, atMs, knownAtMs, tag: { ...input.tag, knownAtMs } };
      case "rollbackFinished":
      case "agentProposed":
      case "overrideGiven":
      case "approvalGiven":
      case "stageReached":
      case "haltOrdered":
      case "haltLifted":
      case "policyChanged":
      case "requestRefused":
      case "faultReported":
        return { ...input, atMs, knownAtMs };
    }
  };
}

/**
 * Adds to a change of policy the list of guardrails that it loosens. Anybody who may signal the
 * host can put a looser policy in force; readers of the message need not compare the files.
 */
export function withLoosenings(input: HostInput, inForce: Policy): HostInput {
  if (input.kind !== "policyChanged") return input;
  const looser = diffPolicies(inForce, input.policy).filter((one) => one.direction === "loosened");
  if (looser.length === 0) return input;
  return {
    ...input,
    reason: `${input.reason}; loosened: ${looser.map(saidOf).join(", ")}`,
  };
}

const saidOf = ({ text }: PolicyDifference): string => text.replace(/ \(loosened\)$/, "");

/**
 * The `requestRefused` to record instead of an input about a deployment that the host does not
 * know; else null. The engine ignores such inputs silently, but the journal must show them.
 */
export function refusalOf(input: HostInput, { fleet }: ControllerState): HostInput | null {
  if (!("deploymentId" in input) || input.kind === "requestRefused") return null;
  const { deploymentId, kind, atMs } = input;
  if (findDeployment(fleet, deploymentId) !== undefined) return null;
  const by = "by" in input ? input.by : null;
  const why = "this host knows no such deployment";
  return { kind: "requestRefused", atMs, deploymentId, by, what: WORDS[kind], why };
}

/** What the sender of an input is told that led to no decision. */
export function notedText(input: HostInput, { fleet }: ControllerState, inForce: Policy): string {
  const noted = "noted: nothing was decided because of it";
  if (input.kind !== "agentProposed") return noted;
  const digest = findDeployment(fleet, input.deploymentId)?.policyDigest;
  const policy = fleet.policies.find((one) => one.digest === digest) ?? inForce;
  return policy.agents === undefined ? `noted: policy ${policy.policy} names no agent` : noted;
}

const WORDS = {
  agentProposed: "proposal of an agent",
  overrideGiven: "override",
  approvalGiven: "approval",
  rollbackFinished: "end of a rollback",
  stageReached: "stage of a rollout",
} as const satisfies Partial<Record<Event["kind"], string>>;
