/** Random cases in which agents propose, and policies that listen to some of them. */

import fc from "fast-check";
import type { Event, Policy } from "../../engine/index.ts";
import { randomCase, START_MS, type Case } from "./randomCase.ts";

const oneOf = <Value>(...values: readonly Value[]) => fc.constantFrom(...values);

const agents = fc.record({
  from: oneOf(0.1, 0.6),
  aloneFrom: oneOf(null, 0.6, 0.9),
  needsEvidence: fc.boolean(),
});

/** About a deployment that may be unknown, on a grid of 5 s. */
const agentProposed: fc.Arbitrary<Event> = fc
  .record({
    deploymentId: oneOf("d1", "d1", "toString", "__proto__"),
    agent: oneOf("sre", "sre", "constructor", "__proto__"),
    steps: fc.integer({ min: 336, max: 840 }),
    lateMs: oneOf(0, 0, 5000),
    confidence: oneOf(0, 0.5, 0.7, 0.95, 1),
    rationale: oneOf(null, "errors doubled"),
    byToken: oneOf({}, {}, { asksOnly: true } as const),
  })
  .map(({ steps, lateMs, byToken, ...word }): Event => {
    const atMs = START_MS + steps * 5000;
    const proposalId = `p${steps}`;
    return {
      kind: "agentProposed",
      atMs,
      knownAtMs: atMs + lateMs,
      proposalId,
      ...word,
      ...byToken,
    };
  });

export const talkingCase: fc.Arbitrary<Case> = fc
  .record({ given: randomCase, rule: agents, words: fc.array(agentProposed, { maxLength: 4 }) })
  .map(({ given, rule, words }) => {
    const listening = [
      { name: "constructor", from: 0.5, aloneFrom: null, needsEvidence: false },
      { name: "sre", ...rule },
    ];
    const policies = given.policies.map((policy): Policy => {
      return { ...policy, agents: listening, digest: `${policy.digest}, listening` };
    });
    return { ...given, policies, others: [...given.others, ...words] };
  });
