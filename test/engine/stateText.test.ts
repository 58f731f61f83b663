/** A state as text: also as it was written before some of it had another form. */

import { expect, test } from "vitest";
import {
  handle,
  initialController,
  jsonObject,
  restore,
  serialise,
  type ControllerState,
  type JsonObject,
} from "../../engine/index.ts";
import { readPolicy } from "./policyFile.ts";
import { readStory } from "./story.ts";

const BREACHES = [
  { service: "search", environment: null, atMs: 1_000 },
  { service: "length", environment: null, atMs: 2_000 },
];
const UNASKED = { service: "cart", environment: "production", kind: "code", asked: null } as const;
const OPEN = [
  { deploymentId: "d2", ...UNASKED, overridden: null },
  { deploymentId: "d1", ...UNASKED, overridden: null },
];
const POLICIES = [readPolicy("scenarios/policies/two-minute-override.yaml")];

test("what was written as a record by name comes back as a list", () => {
  const { fleet } = initialController;
  const learning = { ...fleet.learning, open: OPEN };
  const known = { ...fleet, breaches: BREACHES, policies: POLICIES, learning };
  const state = { ...initialController, fleet: known };
  const text = serialise(state);
  expect(restore(text)).toEqual(state);
  const byId = Object.fromEntries(OPEN.map(({ deploymentId, ...one }) => [deploymentId, one]));
  const older = text
    .replace(JSON.stringify(BREACHES), '{"length":2000,"search":1000}')
    .replace(JSON.stringify(POLICIES), JSON.stringify({ [POLICIES[0]!.digest]: POLICIES[0] }))
    .replace(JSON.stringify(OPEN), JSON.stringify(byId));
  expect(older.match(/"(breaches|policies|open)":\{/g)).toHaveLength(3);
  expect(restore(older)).toEqual(state);
});

test("what was written without an environment counts in any, and a storm pages once more", () => {
  const { fleet } = initialController;
  const one = { service: "cart", environment: "staging", atMs: 1_000 };
  const rollbacks = [{ deploymentId: "d1", team: null, ...one }];
  const now = { ...fleet, rollbacks, breaches: [one], stormPaged: ["staging"] };
  const state = { ...initialController, fleet: now };
  const text = serialise(state);
  expect(restore(text)).toEqual(state);
  const older = text
    .replaceAll(',"environment":"staging"', "")
    .replace('"stormPaged":["staging"]', '"stormPaged":true');
  expect(older).not.toContain("staging");
  expect(restore(older).fleet).toEqual({
    ...now,
    rollbacks: [{ ...rollbacks[0], environment: null }],
    breaches: [{ ...one, environment: null }],
    stormPaged: [],
  });
});

test("a state of 0.3.1, whose maps are objects by name, is the same state today", () => {
  const { scenario, policy } = readStory("scenarios/stories/planned-migration-tagged.yaml");
  const { events } = scenario.inline;
  let state: ControllerState = initialController;
  let watched = 0;
  for (const event of events) {
    const older = asIn031(serialise(state));
    expect(older).not.toContain('"$map"');
    const now = restore(older);
    expect(serialise(now)).toBe(serialise(state));
    watched = Math.max(watched, now.watches.size);
    state = handle(policy, now, event).state;
  }
  expect(watched).toBeGreaterThan(0);
});

/** The state as 0.3.1 wrote it. */
function asIn031(text: string): string {
  const byName = (_key: string, value: unknown): unknown => {
    if (typeof value !== "object" || value === null) return value;
    if ("$map" in value) return jsonObject(value.$map as [string, unknown][]);
    if (!("proposals" in value)) return value;
    const { signals } = value as unknown as { signals: readonly { signal: string }[] };
    return { ...value, signals: jsonObject(signals.map((one) => [one.signal, one])) };
  };
  return JSON.stringify(JSON.parse(text, byName) as JsonObject);
}
