/**
 * A drafted policy is one, says what it rests on, and keeps on fresh weeks what it promised on the
 * weeks it was made of.
 */

import { afterAll, describe, expect, it } from "vitest";
import { casesOf, type Case } from "../../lab/detectBench/cases.ts";
import type { History } from "../../lab/history/open.ts";
import { absent } from "../../lab/people/recorded.ts";
import { policyFromText } from "../../lab/policy/load.ts";
import { silent } from "../../lab/progress.ts";
import { replay } from "../../lab/replay/replay.ts";
import { suggestPolicy } from "../../lab/suggest/suggest.ts";
import type { Policy } from "../../engine/index.ts";
import { shipped } from "../history/smallWorld.ts";
import { makeWorld, WORLDS, type WorldSpec } from "./worlds.ts";

const WEEKLY = { count: 1, per: "week" } as const;
const SOAK = process.env["SOAK"] !== undefined;
const PLATFORM = { rollBack: () => ({ durationMs: 0, succeeds: true }) };

async function judged(history: History, policy: Policy): Promise<readonly Case[]> {
  return casesOf(history, await replay(history, [policy], absent, PLATFORM, silent), 0);
}

function tally(cases: readonly Case[]) {
  const count = (is: (one: Case) => boolean): number => cases.filter(is).length;
  return {
    bad: count(({ bad }) => bad),
    missed: count(({ bad, flagged }) => bad && !flagged),
    good: count(({ bad }) => !bad),
    falseAlarms: count(({ bad, flagged }) => !bad && flagged),
  };
}

/** Without labels a draft knows of no blip, so there are none. */
async function onFreshWeeks(spec: WorldSpec, seed: number, isLabelled: boolean) {
  const { seen, fresh, close } = await makeWorld(spec, seed, isLabelled ? 0.1 : 0);
  const past = isLabelled
    ? seen
    : { ...seen, tables: { ...seen.tables, labels: [], incidents: [] } };
  const { policy, share, text } = await suggestPolicy(past, WEEKLY, "team", silent);
  const own = tally(await judged(fresh, policy));
  const shippedOnes = [];
  for (const name of ["default", "two-minute-override"]) {
    const cases = await judged(fresh, shipped(name)).catch(() => null);
    shippedOnes.push(cases === null ? null : tally(cases));
  }
  close();
  return { own, share, text, shippedOnes };
}

describe("a draft", () => {
  const small: WorldSpec = { ...WORLDS[1]!, services: 3, days: 10, perWeek: 10 };
  const made = makeWorld(small, 3);
  afterAll(async () => (await made).close());

  it("selects by role, passes `policy check`, replays, and says what it rests on", async () => {
    const { seen } = await made;
    const { policy, text, chosen, caught } = await suggestPolicy(seen, WEEKLY, "a: b", silent);
    expect(policyFromText(text, "draft.yaml").digest).toBe(policy.digest);
    expect(policy.owner).toBe("a: b");
    const roles = policy.signals.map(({ role, metric }) => [role, metric]);
    for (const role of ["latency", "errors", "business"]) expect(roles).toContainEqual([role, "*"]);
    expect(chosen.pasts[0]!.watches).toBeGreaterThan(100);
    expect(caught!.bad + caught!.good).toBe(seen.tables.labels.length);
    expect(text).toContain("# Asked for at most 1 false alarm a week.");
    expect((await judged(seen, policy)).length).toBe(seen.tables.labels.length);
  });

  it("works without labels and without any deployment, and says so", async () => {
    const { seen } = await made;
    const none = { labels: [], deployments: [], incidents: [] };
    const past = { ...seen, tables: { ...seen.tables, ...none } };
    const { caught, isAssumed, perWeek, text } = await suggestPolicy(past, WEEKLY, "t", silent);
    expect([caught, isAssumed, perWeek]).toEqual([null, true, small.services]);
    expect(text).toContain("There are no labels");
  });

  it("flags no larger share of quiet watches and benign deployments than was asked", async () => {
    const { seen } = await made;
    for (const count of SOAK ? [0.1, 1, 30] : [0.1, 30]) {
      const asked = { count, per: "week" } as const;
      const { chosen, share } = await suggestPolicy(seen, asked, "t", silent);
      for (const { watches, flagged } of chosen.pasts) {
        expect(flagged === 0 || flagged / watches <= share).toBe(true);
      }
    }
  });

  it("names what it cannot watch, whatever a metric is called", async () => {
    const { seen } = await made;
    const names = ["__proto__", "a|b_latency_ms", "x\n- otherwise: full", "temperatur"];
    const series = seen.series.map((row, at) => {
      return at < names.length ? { ...row, metric: names[at]! } : row;
    });
    const past: History = { ...seen, series, connect: seen.connect, blockIndex: seen.blockIndex };
    const { text, unwatched } = await suggestPolicy(past, WEEKLY, "t", silent);
    expect(unwatched.map(({ metric }) => metric).sort()).toEqual([...names].sort());
    const policy = policyFromText(text, "draft.yaml");
    expect(policy.assign).toEqual([{ when: null, tier: "override" }]);
  });
});

describe("on weeks it was not made of", () => {
  const few = { ...WORLDS[1]!, services: 4, days: 20, perWeek: 10 };
  const worlds = SOAK ? WORLDS : [few];
  const seeds = SOAK ? [1, 2] : [1];
  for (const spec of worlds) {
    for (const isLabelled of SOAK ? [true, false] : [true]) {
      const how = isLabelled ? "with labels" : "without labels";
      it(`${spec.name}, ${how}: few false alarms, and fewer misses than shipped ones`, async () => {
        for (const seed of seeds) {
          const { own, share, shippedOnes } = await onFreshWeeks(spec, seed, isLabelled);
          if (SOAK) console.log(spec.name, how, seed, share, own, JSON.stringify(shippedOnes));
          // Twice the share, and what two standard errors of so few may add.
          const expected = 2 * share * own.good;
          expect(own.falseAlarms).toBeLessThanOrEqual(expected + 2 * Math.sqrt(expected));
          for (const one of shippedOnes) {
            if (one !== null) expect(own.missed).toBeLessThanOrEqual(one.missed);
          }
          expect(own.missed).toBeLessThan(own.bad / 4);
        }
      }, 600_000);
    }
  }
});
