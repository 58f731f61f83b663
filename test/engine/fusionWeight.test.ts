/** `fusion: { weight: N }`: the weights of the signals in breach, added up. */

import { describe, expect, test } from "vitest";
import { fuses } from "../../engine/decide/fusion.ts";
import type { Policy, SignalEvidence } from "../../engine/index.ts";
import { policyOf } from "./policyFile.ts";

function policyWith(fusion: unknown): Policy {
  const signal = (weight: number) => ({ metric: "m", tolerance: "10%", weight });
  return policyOf({
    policy: "p",
    owner: "o",
    signals: { a: signal(3), b: signal(1), c: signal(0.5), d: { metric: "m", tolerance: "10%" } },
    fusion,
    assign: [{ otherwise: "full" }],
  });
}

/** Evidence of a breach of these signals, of which `absent` has no series. */
const breaching = (names: string, absent = ""): SignalEvidence[] =>
  ["a", "b", "c", "d"].map(
    (signal) =>
      ({
        signal,
        series: absent.includes(signal) ? null : "s/m",
        verdict: names.includes(signal) ? "breach" : "healthy",
        untagged: "breach",
      }) as SignalEvidence,
  );

describe("fusion by weight", () => {
  const policy = policyWith({ weight: 4 });
  const stands = (names: string, absent = ""): boolean =>
    fuses({ weight: 4 }, policy, breaching(names, absent), "tagged");

  test.each([
    ["a", false],
    ["ab", true],
    ["ad", true],
    ["ac", false],
    ["bcd", false],
    ["abcd", true],
    ["", false],
  ])("of %s is enough: %j", (names, enough) => expect(stands(names)).toBe(enough));

  test("counts no signal without a series, and each arm by itself", () => {
    expect(stands("ab", "b")).toBe(false);
    expect(fuses({ weight: 4 }, policy, breaching(""), "untagged")).toBe(true);
  });

  test("cannot ask for more than all weights, or for nothing", () => {
    expect(() => policyWith({ weight: 5.5 })).not.toThrow();
    expect(() => policyWith({ weight: 5.6 })).toThrow(/weight/);
    expect(() => policyWith({ weight: 0 })).toThrow();
    expect(() => policyWith({ atLeast: 5 })).toThrow(/atLeast/);
  });
});
