/**
 * The state diagram in engine/README.md is drawn by walking the machine itself.
 *
 * If this fails, the machine has another transition than before: run `npx vitest run --config
 * test/vitest.config.ts test/engine/stateDiagram.test.ts -u`, which draws it anew, and read
 * the diff.
 */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { walk, type Transition } from "./machineWalk.ts";

const README = new URL("../../engine/README.md", import.meta.url).pathname;
const BEGIN = "<!-- drawn by test/engine/stateDiagram.test.ts -->";
const END = "<!-- end of the drawing -->";

const seen = walk();

function arrows(transitions: readonly Transition[]): string[] {
  const labels = new Map<string, Set<string>>();
  for (const { from, to, event, decision, record } of transitions) {
    if (decision === "refused") continue;
    const arrow = `${from === "start" ? "[*]" : from} --> ${to}`;
    const tier = decision === "proposed" || decision === "paged" ? `, tier ${record.tier}` : "";
    const label = from === to ? `${event}${tier}: ${decision}` : `${event}${tier}`;
    labels.set(arrow, (labels.get(arrow) ?? new Set()).add(label));
  }
  return [...labels]
    .map(([arrow, names]) => `    ${arrow}: ${[...names].sort().join("<br>")}`)
    .sort();
}

test("the diagram in engine/README.md is what the machine does", async () => {
  const ends = [...new Set(seen.flatMap(({ record }) => record.end ?? []))].sort();
  const lines = [
    "```mermaid",
    "stateDiagram-v2",
    ...arrows(seen),
    ...ends.map((end) => `    ${end} --> [*]`),
    "```",
  ];
  const readme = readFileSync(README, "utf8");
  const [before, rest] = readme.split(BEGIN);
  const after = rest!.split(END)[1]!;
  await expect(`${before}${BEGIN}\n\n${lines.join("\n")}\n\n${END}${after}`).toMatchFileSnapshot(
    README,
  );
});

test("the walk reaches every end, and nothing leaves one", () => {
  const ends = new Set(seen.map(({ to }) => to));
  for (const end of [
    "expired",
    "healthy",
    "held",
    "overridden",
    "rollbackFailed",
    "rolledBack",
    "superseded",
    "undecidable",
    "withdrawn",
  ]) {
    expect(ends).toContain(end);
  }
  for (const { from, decision } of seen) if (from === "ended") expect(decision).toBe("refused");
});

test("nothing but a rollback that was ordered ends as one", () => {
  for (const { from, to, event, decision } of seen) {
    if (decision === "refused") continue;
    if (to !== "rolledBack" && to !== "rollbackFailed") continue;
    expect(from).toBe("rollingBack");
    expect(event).toMatch(/^rollback/);
  }
});
