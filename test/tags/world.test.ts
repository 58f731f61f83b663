/** On a generated world: two of the arms are policies that can be replayed without any arm. */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Policy } from "../../engine/index.ts";
import { silent } from "../../lab/progress.ts";
import { evaluate } from "../../lab/compare/evaluate.ts";
import { openHistory, type History } from "../../lab/history/open.ts";
import type { Listed } from "../../lab/history/listed.ts";
import type { Outcome } from "../../lab/outcome/outcome.ts";
import { valueOfTags, type ArmValue, type TagValue } from "../../lab/tags/value.ts";
import { HOOK_MS, shipped, smallHistory } from "../history/smallWorld.ts";

const OPTIONS = { people: "absent", seed: 1, replicates: 100, progress: silent };

function armOf(value: TagValue, name: string): ArmValue {
  return value.arms.find(({ arm }) => arm === name)!;
}

describe("a small world", () => {
  let history: History;
  let value: TagValue;
  const policy = shipped("two-minute-override");
  beforeAll(async () => {
    history = await openHistory(await smallHistory());
    value = (await valueOfTags(history, policy, OPTIONS))!;
  }, HOOK_MS);
  afterAll(() => history.close());

  const alone = async (one: Policy): Promise<readonly Outcome[]> => [
    ...(await evaluate(history, [one], OPTIONS)).policies[0]!.outcomes,
  ];

  it("gives, with tags as recorded, the scores of an ordinary replay", async () => {
    const recorded = armOf(value, "as recorded").evaluated.outcomes;
    expect([...recorded]).toEqual(await alone({ ...policy, policy: "as recorded" }));
  });

  it("gives, without tags, the scores of a policy that reads no tags", async () => {
    const deaf: Policy = {
      ...policy,
      modes: policy.modes.filter(({ when }) => when.tags === undefined),
      context: [],
      guardrails: { ...policy.guardrails, never: [] },
    };
    const ends = (outcomes: Listed<Outcome>) =>
      outcomes.map(({ end, proposedAtMs, executedAtMs, recoveryMs }) => [
        end,
        proposedAtMs,
        executedAtMs,
        recoveryMs,
      ]);
    const none = armOf(value, "none").evaluated.outcomes;
    expect(ends(none)).toEqual(ends(await alone(deaf)));
    expect(armOf(value, "none").endOtherwise).toBeGreaterThan(0);
  });

  it("has fewer false positives with its tags than with them on the wrong services", () => {
    const wrong = (name: string): number =>
      armOf(value, name).evaluated.scored.values.get("falsePositiveRollbacks")!;
    expect(wrong("as recorded")).toBeLessThan(wrong("wrong service"));
    expect(wrong("as recorded")).toBeLessThanOrEqual(wrong("half dropped"));
    expect(wrong("half dropped")).toBeLessThan(wrong("none"));
  });
});
