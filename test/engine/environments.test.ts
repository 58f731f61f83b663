/** Budget, cooldown and storm brake hold within one environment, the halt everywhere. */

import { describe, expect, test } from "vitest";
import {
  initialFleet,
  step,
  type DecisionEvent,
  type Deployment,
  type FleetState,
} from "../../engine/index.ts";
import { evidenceOf } from "./judgedFleet.ts";
import { policyOf } from "./policyFile.ts";

const START_MS = Date.UTC(2026, 2, 12, 9);
const MINUTE_MS = 60_000;

const policyWith = (guardrails: object) =>
  policyOf({
    policy: "restrained",
    owner: "platform",
    signals: { errors: { metric: "errors", worse: "up", tolerance: "10%", hold: "0s" } },
    fusion: "any",
    assign: [{ otherwise: "full" }],
    guardrails,
  });

/** A fleet that is told things a minute apart; what it decided, a word for each record. */
function fleetUnder(guardrails: object, begun: FleetState = initialFleet) {
  const policy = policyWith(guardrails);
  let fleet = begun;
  let nowMs = START_MS;
  const tell = (event: (nowMs: number) => DecisionEvent): readonly string[] => {
    nowMs += MINUTE_MS;
    const { state, records } = step(policy, fleet, event(nowMs));
    fleet = state;
    return records.map(({ decision }) => decision);
  };
  /** It is deployed and in breach at once. */
  const breach = (service: string, environment: string): readonly string[] => {
    const deploymentId = `${service}-${environment}-${nowMs}`;
    const deployment: Deployment = {
      ...{ deploymentId, service, environment, kind: "code", startedAtMs: nowMs + MINUTE_MS },
      ...{ version: null, author: null, team: "core", criticality: null },
    };
    tell((atMs) => ({ kind: "deploymentStarted", atMs, knownAtMs: atMs, deployment }));
    return tell((atMs) => ({
      ...{ kind: "signalJudged", deploymentId, atMs, knownAtMs: atMs, cause: "sample" },
      evidence: evidenceOf("errors", 0, "breach"),
    }));
  };
  return { breach, tell, state: () => fleet };
}

const ROLLS_BACK = ["proposed", "rollbackOrdered"];

describe("a rollback in staging", () => {
  test.each([
    ["a budget of a service", { rollbackBudget: { per: "service", max: 1, in: "24h" } }],
    ["a budget of a team", { rollbackBudget: { per: "team", max: 1, in: "24h" } }],
    ["a budget of the fleet", { rollbackBudget: { per: "fleet", max: 1, in: "24h" } }],
    ["a cooldown", { cooldown: "1h" }],
  ])("spends nothing of production under %s, and holds the next one there", (_, guardrails) => {
    const { breach } = fleetUnder(guardrails);
    expect(breach("api", "staging")).toEqual(ROLLS_BACK);
    expect(breach("api", "production")).toEqual(ROLLS_BACK);
    expect(breach("api", "staging")).toEqual(["paged"]);
    expect(breach("api", "production")).toEqual(["paged"]);
  });

  test.each([
    ["a budget", { rollbackBudget: { per: "service", max: 1, in: "24h" } }],
    ["a cooldown", { cooldown: "1h" }],
  ])("of which nobody knows where it was holds everywhere under %s", (_, guardrails) => {
    const past = { deploymentId: "d", service: "api", environment: null, team: null };
    const known = { ...initialFleet, rollbacks: [{ ...past, atMs: START_MS }] };
    for (const environment of ["staging", "production"]) {
      expect(fleetUnder(guardrails, known).breach("api", environment)).toEqual(["paged"]);
    }
  });
});

describe("a storm in staging", () => {
  const guardrails = { stormBrake: { services: 2, in: "1h" } };

  test("brakes nothing in production, which has a storm and a page of its own", () => {
    const { breach } = fleetUnder(guardrails);
    expect(breach("a", "staging")).toEqual(ROLLS_BACK);
    expect(breach("b", "staging")).toEqual(["paged"]);
    expect(breach("c", "staging")).toEqual(["held"]);
    expect(breach("a", "production")).toEqual(ROLLS_BACK);
    expect(breach("b", "production")).toEqual(["paged"]);
    expect(breach("c", "production")).toEqual(["held"]);
    expect(breach("d", "staging")).toEqual(["held"]);
  });

  test("of which nobody knows where it was brakes everywhere", () => {
    const breaches = ["a", "b"].map((service) => ({ service, environment: null, atMs: START_MS }));
    const { breach } = fleetUnder(guardrails, { ...initialFleet, breaches });
    expect(breach("c", "staging")).toEqual(["paged"]);
    expect(breach("c", "production")).toEqual(["paged"]);
  });
});

test("a halt holds in every environment", () => {
  const { breach, tell } = fleetUnder({});
  tell((atMs) => ({ kind: "haltOrdered", atMs, knownAtMs: atMs, by: "sam", reason: "drill" }));
  expect(breach("api", "staging")).toEqual(["paged"]);
  expect(breach("api", "production")).toEqual(["paged"]);
});
