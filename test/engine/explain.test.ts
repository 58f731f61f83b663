/**
 * The decisions of the 23:32 stories and of some traces, explained, compared with the
 * text beside the test. If this fails, run `npm run traces` and read the diff.
 */

import { join } from "node:path";
import { describe, expect, it, test } from "vitest";
import {
  explain,
  explanationMermaid,
  explanationText,
  type ExplanationNode,
} from "../../engine/index.ts";
import { ROOT } from "../history/smallWorld.ts";
import { readStory } from "./story.ts";

function explained(file: string, deploymentId?: string): ExplanationNode {
  const { policy, scenario, run } = readStory(join(ROOT, file));
  return explain(policy, run().host.handled, deploymentId ?? scenario.inline.deploymentId)!;
}

test.each([
  ["scenarios/stories/planned-migration-rolled-back"],
  ["scenarios/stories/planned-migration-tagged"],
  ["scenarios/stories/planned-migration-two-minutes"],
  ["test/traces/budget-is-spent", "d2"],
  ["test/traces/approval-in-escalation"],
  ["test/traces/never"],
  ["scenarios/stories/overrides-teach", "d5"],
])("%s", async (file, deploymentId?: string) => {
  const name = file.split("/").at(-1)!;
  const tree = explained(`${file}.yaml`, deploymentId);
  await expect(`${explanationText(tree)}\n`).toMatchFileSnapshot(
    join(ROOT, `test/traces/explained/${name}.txt`),
  );
});

test("the tagged night as a diagram", async () => {
  const tree = explained("scenarios/stories/planned-migration-tagged.yaml");
  await expect(`${explanationMermaid(tree)}\n`).toMatchFileSnapshot(
    join(ROOT, "test/traces/explained/planned-migration-tagged.mmd"),
  );
});

describe("a diagram", () => {
  const leaf = (says: string): ExplanationNode => ({
    about: "people",
    says,
    atMs: null,
    children: [],
  });

  it("holds whatever people write: quotes, brackets, entities and line breaks", () => {
    const text = explanationMermaid({
      ...leaf('"up" [1] #2; <b>&lt;'),
      children: [leaf("one\ntwo"), leaf("`code` {x} (y) |z| \\ end")],
    });
    expect(text.split("\n")).toEqual([
      "flowchart LR",
      '  n0["#34;up#34; #91;1#93; #35;2#59; #60;b#62;#38;lt#59;"]',
      '  n1["one<br/>two"]',
      "  n0 --> n1",
      '  n2["#96;code#96; #123;x#125; #40;y#41; #124;z#124; #92; end"]',
      "  n0 --> n2",
    ]);
  });

  it("and the text keeps the tree in line where a reason has several lines", () => {
    const tree = { ...leaf("top"), children: [leaf("one\ntwo"), leaf("three")] };
    expect(explanationText(tree)).toBe("top\n├─ one\n│     two\n└─ three");
  });
});

test("a deployment that never started has no explanation", () => {
  const { policy, run } = readStory(join(ROOT, "scenarios/stories/planned-migration-tagged.yaml"));
  expect(explain(policy, run().host.handled, "nobody")).toBeNull();
});
