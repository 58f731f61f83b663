/** Scores of a replay that only glances at what is quiet are those of one that looks at all. */

import { afterAll, beforeAll, expect, it } from "vitest";
import type { Policy } from "../../engine/index.ts";
import { silent } from "../../lab/progress.ts";
import { openHistory, type History } from "../../lab/history/open.ts";
import { outcomesOf, type Outcome } from "../../lab/outcome/outcome.ts";
import { recoveryOf } from "../../lab/outcome/recovery.ts";
import { recorded } from "../../lab/people/recorded.ts";
import { replay } from "../../lab/replay/replay.ts";
import { HOOK_MS, shipped, smallHistory } from "../history/smallWorld.ts";

let history: History;
beforeAll(async () => {
  history = await openHistory(await smallHistory());
}, HOOK_MS);
afterAll(() => history.close());

/** One signal has to be looked at closer, always; the others have not. */
function mixed(policy: Policy): Policy {
  const [first, ...rest] = policy.signals;
  const { baselineMs } = first!.detector;
  const ewma = { kind: "ewma", baselineMs, season: true, weight: 0.4, clip: 3, limit: 5 } as const;
  return { ...policy, digest: "mixed", signals: [{ ...first!, detector: ewma }, ...rest] };
}

it("what was done and when is the same; only the numbers of the quiet are left out", async () => {
  const names = [
    "plain-window",
    "tagged-threshold",
    "two-minute-override",
    "full-autonomy",
    "default",
  ];
  const policies = [...names.map(shipped), mixed(shipped("two-minute-override"))];
  const people = recorded(history.tables.decisions);
  const recovery = recoveryOf(history.tables, 1);
  const outcomes = async (glances: boolean): Promise<(readonly Outcome[])[]> => {
    const made = await replay(history, policies, people, recovery, silent, { glances });
    return made.policies.map((one, at) => {
      const shown = { plan: made.plan, imagined: made.imagined[at]! };
      return [...outcomesOf(history, shown, one, people, recovery)];
    });
  };
  const [closer, glanced] = [await outcomes(false), await outcomes(true)];
  let spared = 0;
  glanced.forEach((ofPolicy, policy) => {
    ofPolicy.forEach((outcome, at) => {
      const whole = closer[policy]![at]!;
      if (outcome.reason !== whole.reason) spared++;
      expect({ ...outcome, reason: "" }).toEqual({ ...whole, reason: "" });
    });
  });
  expect(spared).toBeGreaterThan(0.2 * glanced.flat().length);
});
