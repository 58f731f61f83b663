/** What applies to a deployment at an instant, and which line of which file says so. */

import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { ContextTag, Deployment } from "../../engine/index.ts";
import { loadPlacedPolicy } from "../../lab/policy/load.ts";
import { resolvedText, resolvePolicy, type Resolved } from "../../lab/policy/resolve.ts";
import { policyFile, ROOT } from "../history/smallWorld.ts";

const PAYMENTS = loadPlacedPolicy(policyFile("organisation/payments"));
const NIGHT = Date.parse("2026-11-24T22:32:00Z");
const NOON = Date.parse("2026-11-24T11:00:00Z");

const CHECKOUT: Deployment = {
  deploymentId: "d1",
  service: "checkout",
  environment: "production",
  kind: "migration",
  startedAtMs: NOON,
  version: null,
  author: null,
  team: "payments",
  criticality: "high",
  timezone: "Europe/Berlin",
};

function tag(name: string, value: string, given: Partial<ContextTag> = {}): ContextTag {
  return {
    deploymentId: "d1",
    service: "checkout",
    tag: name,
    value,
    signal: null,
    validFromMs: null,
    validUntilMs: null,
    knownAtMs: 0,
    givenBy: null,
    approvedBy: null,
    ...given,
  };
}

const at = (atMs: number, tags: readonly ContextTag[] = [], given: Partial<Deployment> = {}) =>
  resolvePolicy(PAYMENTS, { ...CHECKOUT, startedAtMs: atMs, ...given }, tags, atMs);
const shown = (resolved: Resolved): string =>
  resolvedText(resolved)
    .replaceAll(`${join(ROOT, "scenarios/policies/organisation")}/`, "")
    // It changes with every key that the language gains.
    .replace(resolved.digest.slice(0, 12), "digest");

describe("hindsight policy resolve", () => {
  it("shows every step to the tier, each with its line, through what is extended", () => {
    const tags = [
      tag("expected_latency_increase", "35%"),
      tag("irreversible", "true"),
      tag("customer_commitment", "true", { knownAtMs: NOON + 60_000 }),
    ];
    expect(shown(at(NOON, tags))).toMatchInlineSnapshot(`
      "payments (digest) for checkout, migration to production, at 2026-11-24T11:00:00Z
        owner                             payments-team  payments.yaml:5

      Tier: observe
        assign.otherwise                  override      org.yaml:13
        modes.business_hours              approve       payments.yaml:16
        guardrails.never[0]               observe       org.yaml:21

      Modes in force
        business_hours                    Europe/Berlin  payments.yaml:15

      Tolerated
        conversion                        5 %           payments.yaml:8
        errors                            1 pp          org.yaml:9
        latency                           32 %          org.yaml:8  (10 % there by expected_latency_increase=35%)

      Guardrails
        never                             kind migration, tag irreversible=true; tag settlement_running=true  org.yaml:20
        toleranceAtMost                   60 %          org.yaml:22
        rollbackBudget                    per service, max 1, in 1d  payments.yaml:25
        cooldown                          2h            payments.yaml:26

      Tags
        expected_latency_increase=35%     counts as 20 %  payments.yaml:20
        irreversible=true                 for conditions only
        customer_commitment=true          not known before 2026-11-24 11:01:00 UTC  org.yaml:17"
    `);
  });

  it("shows hours that loosen nothing, and tighter tolerances at night", () => {
    const night = at(NIGHT);
    expect(night.tier).toBe("override");
    expect(night.modes.map(({ name, timezone }) => [name, timezone])).toEqual([
      ["off_hours", "Europe/Berlin"],
    ]);
    expect(night.signals.map(({ signal, tolerance, written }) => [signal, tolerance, written]))
      // 0.8 times what is written.
      .toEqual([
        ["conversion", "4 %", "5 %"],
        ["errors", "0.8 pp", "1 pp"],
        ["latency", "8 %", "10 %"],
      ]);
    expect(night.settings.map(({ name, value }) => [name, value])).toEqual([
      ["window", "5m"],
      ["onTimeout", "rollback"],
    ]);
    expect(night.settings[1]!.place).toBe(null);
  });

  it("says whether anything is learned, and from which line", () => {
    const learns = loadPlacedPolicy(policyFile("evidence-learning"));
    const resolved = resolvePolicy(learns, CHECKOUT, [], NOON);
    expect(resolved.learning.map(({ name, value }) => [name, value])).toEqual([
      ["halfLife", "90d"],
      ["atLeast", "3"],
      ["discountAtMost", "50 %"],
    ]);
    for (const { place } of resolved.learning) expect(place).toMatch(/evidence-learning\.yaml:7$/);
    expect(resolvedText(resolved)).toContain("Learning from overrides");
    expect(shown(at(NOON))).not.toContain("Learning");
  });

  it("says when the clock of a service is not known", () => {
    expect(at(NOON).notes).toEqual([]);
    expect(at(NOON, [], { timezone: null }).notes).toEqual([
      "checkout has no time zone: its calendars go by UTC.",
    ]);
    const lost = at(NOON, [], { timezone: "Mars/Base" });
    expect(lost.notes[0]).toMatch(/unknown time zone, Mars\/Base/);
    expect(lost.modes[0]!.timezone).toBe("UTC");
  });
});
