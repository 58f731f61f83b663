/** A changed policy file says nothing that is no longer true of it. */

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { policyFromText } from "../../lab/policy/load.ts";
import { changedText, type PathChange } from "../../lab/whatIf/changed.ts";
import { policyFile } from "../history/smallWorld.ts";

const TEXT = `# yaml-language-server: $schema=policy.schema.json
# Waits two minutes.
#
# Two minutes are enough.

policy: two
watch: 60m # how long signals are judged

# Who is asked.
tiers:
  override:
    # Two minutes: the median answer
    # comes after one.
    window: 2m # two minutes
    onTimeout: rollback # "silence" is # consent
  approve: { window: 5m } # five minutes
  note: |
    # no comment
    window 2m
assign:
  # nights first
  - when: { hours: 0-6 } # asleep
    tier: full
  - otherwise: override # by day
`;

function linesOf(...changes: readonly PathChange[]): readonly string[] {
  const before = new Set(TEXT.split("\n"));
  const after = changedText(TEXT, changes).split("\n");
  return after.filter((line) => !before.has(line));
}

function goneOf(...changes: readonly PathChange[]): readonly string[] {
  const after = changedText(TEXT, changes);
  return TEXT.split("\n").filter((line) => !after.includes(line));
}

describe("the text of a changed policy", () => {
  it("loses the comments on and above a changed line, and keeps all others", () => {
    const change = { path: "tiers.override.window", value: "4m" };
    expect(goneOf(change)).toEqual([
      "    # Two minutes: the median answer",
      "    # comes after one.",
      "    window: 2m # two minutes",
    ]);
    expect(linesOf(change)).toEqual([
      "# Changed from two: tiers.override.window 2m → 4m.",
      "# What two says of itself:",
      "    window: 4m",
    ]);
  });

  it("says in its head what was changed, and whose words follow", () => {
    const head = changedText(TEXT, [
      { path: "tiers.override.window", value: "4m" },
      { path: "watch", value: null },
    ]);
    expect(head.split("\n").slice(0, 8)).toEqual([
      "# yaml-language-server: $schema=policy.schema.json",
      "# Changed from two: tiers.override.window 2m → 4m; watch 60m → removed.",
      "#",
      "# What two says of itself:",
      "# Waits two minutes.",
      "#",
      "# Two minutes are enough.",
      "",
    ]);
  });

  it("loses those of an entry of a list and of a value in braces", () => {
    expect(goneOf({ path: "assign.0.tier", value: "approve" })).toEqual(["    tier: full"]);
    expect(goneOf({ path: "assign.0.when", value: "{ hours: 0-5 }" })).toEqual([
      "  # nights first",
      "  - when: { hours: 0-6 } # asleep",
    ]);
    expect(goneOf({ path: "assign.1", value: "{ otherwise: full }" })).toEqual([
      "  - otherwise: override # by day",
    ]);
    expect(goneOf({ path: "tiers.approve.window", value: "4m" })).toEqual([
      "  approve: { window: 5m } # five minutes",
    ]);
  });

  it("stays as it is where a value stays", () => {
    expect(changedText(TEXT, [{ path: "tiers.override.window", value: "2m" }])).toBe(TEXT);
    expect(changedText(TEXT, [{ path: "tiers.override.nothing", value: null }])).toBe(TEXT);
  });

  it("of a shipped policy does not wait two minutes in one place and four in another", () => {
    const file = policyFile("two-minute-override");
    const text = changedText(readFileSync(file, "utf8"), [
      { path: "tiers.override.window", value: "4m" },
      { path: "signals.latency.tolerance", value: "12%" },
    ]);
    expect(text).toContain("# a breach must last this long to count");
    expect(text).not.toContain("of what the hour before the deployment says is normal");
    expect(text.indexOf("says of itself:")).toBeLessThan(text.indexOf("waits two minutes"));
    expect(policyFromText(text, file).tiers.override).toMatchObject({ windowMs: 240_000 });
  });
});
