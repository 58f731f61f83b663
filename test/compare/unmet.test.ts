/** What of a policy meets nothing in a history is said, before anybody believes its numbers. */

import { afterAll, beforeAll, expect, it } from "vitest";
import type { Policy } from "../../engine/index.ts";
import { unmetNotes } from "../../lab/compare/unmet.ts";
import { openHistory, type History } from "../../lab/history/open.ts";
import { silenceNotes } from "../../lab/people/closedForm.ts";
import { policyFromText } from "../../lab/policy/load.ts";
import { HOOK_MS, shipped, smallHistory } from "../history/smallWorld.ts";

let history: History;
beforeAll(async () => {
  history = await openHistory(await smallHistory());
}, HOOK_MS);
afterAll(() => history.close());

function policy(latency: string, more = "", tier = "override"): Policy {
  return policyFromText(
    "policy: mine\nowner: me\nsignals:\n" +
      `  latency: { metric: latency_p95_ms, tolerance: ${latency} }\n` +
      `  errors: { metric: error_rate, tolerance: 1pp }\n${more}` +
      `assign:\n  - { when: { service: [shopp] }, tier: ${tier} }\n  - otherwise: ${tier}\n`,
    "mine.yaml",
  );
}

it("nothing, of the shipped policies", () => {
  const names = ["two-minute-override", "full-autonomy", "three-tiers"];
  expect(unmetNotes(history, names.map(shipped))).toEqual([]);
});

it("percentage points of milliseconds, and rules about services that nobody deployed", () => {
  const guard = "guardrails:\n  never: [{ when: { service: chekout } }]\n";
  expect(unmetNotes(history, [policy("1pp", guard)])).toEqual([
    "mine: signal latency tolerates 0.01 ms of latency_p95_ms: percentage points are for " +
      "shares, write a share such as 10%.",
    "mine: assign[0] is about shopp, and no deployment here is of it.",
    "mine: guardrails.never[0] is about chekout, and no deployment here is of it.",
  ]);
});

it("that nobody answers, where somebody is asked", () => {
  const [asks, acts] = [policy("10%"), policy("10%", "", "full")];
  expect(silenceNotes([acts, asks], "absent")).toEqual([expect.stringMatching(/--people absent/)]);
  expect(silenceNotes([acts], "absent")).toEqual([]);
  expect(silenceNotes([asks], "modelled")).toEqual([]);
});
