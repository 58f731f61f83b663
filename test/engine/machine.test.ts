/**
 * The decision machine against a second opinion (machineModel.ts), over scripts that reach
 * every way out of every phase: it acts where it must, and nowhere else.
 */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  initialFleet,
  nextDueAtMs,
  step,
  type DecisionEvent,
  type DecisionRecord,
  type EngineCommand,
  type FleetState,
  type Policy,
} from "../../engine/index.ts";
import { LIMIT_MS } from "./check.ts";
import { MachineModel } from "./machineModel.ts";
import { eventOf, randomScript, timeOf, type Script } from "./randomScript.ts";

interface Stepped {
  readonly event: DecisionEvent;
  readonly before: FleetState;
  readonly state: FleetState;
  readonly records: readonly DecisionRecord[];
  readonly commands: readonly EngineCommand[];
}

/** Runs a script as a punctual host does: the clock is told whenever a timer is due. */
function run(
  script: Script,
  each: (stepped: Stepped) => void,
  between: (fleet: FleetState) => FleetState = (fleet) => fleet,
): void {
  let policy: Policy = script.policy;
  let fleet = initialFleet;
  let nowMs = script.startMs;
  const give = (event: DecisionEvent): void => {
    if (event.kind === "policyChanged") policy = event.policy;
    const before = fleet;
    const { state, records, commands } = step(policy, between(before), event);
    fleet = state;
    each({ event, before, state, records, commands });
  };
  for (const move of script.moves) {
    const atMs = timeOf(move, fleet, nowMs);
    for (let due = nextDueAtMs(fleet); due < atMs; due = nextDueAtMs(fleet)) {
      give({ kind: "clockAdvanced", atMs: due, knownAtMs: due });
    }
    nowMs = atMs;
    const event = eventOf(move, policy, fleet, nowMs);
    if (event !== null) give(event);
  }
}

const RUNS =
  process.env["SOAK"] === undefined
    ? { numRuns: 1600, seed: 20260312, endOnFailure: true }
    : { numRuns: 100_000, endOnFailure: true };

/** What is asked of every record: thousands of times what an assertion of vitest takes. */
function must(holds: boolean, what: string): void {
  if (!holds) throw new Error(`broken: ${what}`);
}

describe("what a rollback needs", () => {
  const reached = new Map<string, number>();
  const reach = (what: string): unknown => reached.set(what, (reached.get(what) ?? 0) + 1);

  /** Holds one step against the model; the model has heard the event, and not what was done. */
  function compare(model: MachineModel, stepped: Stepped): void {
    const { event, before, records, commands } = stepped;
    const nowMs = event.knownAtMs;
    const mustAct = expected(model, event, before);
    const mustAsk = asks(model, event, before);
    const open = [...model.known.values()].filter(({ question }) => question !== null).length;
    const acted = new Set<string>();
    for (const record of records) {
      const mine = commands.filter(({ decisionId }) => decisionId === record.decisionId);
      const one = model.known.get(record.deploymentId);
      must(record.accountable !== "" && record.authority !== "", "somebody answers for it");
      if (one !== undefined) {
        must(record.accountable === one.policy.owner, "the owner it started under answers");
        must(!one.over || record.decision === "refused", "nothing is decided after the end");
        must(record.end !== "superseded" || one.replaced, "only a later one takes its place");
        reach(record.end ?? record.decision);
      }
      for (const command of mine) {
        if (command.kind !== "rollBack") continue;
        expect(command.accountable).toBe(one!.policy.owner);
        expect(record.tierPath.length).toBeGreaterThan(0);
        expect(model.forbidden(one!, nowMs)).toBeNull();
        acted.add(record.deploymentId);
        if (model.forbidden(one!, nowMs, () => true) !== null) reach("braked elsewhere alone");
        if (event.kind === "approvalGiven") {
          expect(event.deploymentId).toBe(record.deploymentId);
          expect(one!.question).not.toBeNull();
          reach("approved");
        } else {
          // A machine on its own: at once in tier full, or when silence answers.
          expect(model.stands(one!)).toBe(true);
          if (one!.question === null) expect(model.tier(one!, nowMs)).toBe("full");
          else expect(model.actsOnSilence(one!, nowMs)).toBe(true);
          reach(one!.question === null ? "at once" : "on silence");
        }
      }
      model.did(record, mine);
    }
    for (const { id, forbidden } of mustAct) {
      if (forbidden === null) expect(acted).toContain(id);
      else reach(forbidden);
    }
    aftermath(model, event, open);
    onlyTold(stepped);
    if (mustAsk) expect(commands.some(({ kind }) => kind === "propose")).toBe(true);
  }

  /** What was refused asks nothing of anybody, and a fault of the host asks for a page. */
  function onlyTold({ event, records, commands }: Stepped): void {
    if (event.kind !== "requestRefused" && event.kind !== "faultReported") return;
    const told = records.at(-1)!;
    const asked = commands.filter(({ decisionId }) => decisionId === told.decisionId);
    const isFault = event.kind === "faultReported";
    must(told.phaseBefore === told.phaseAfter, "nobody is moved by what was only told");
    must(told.decision === (isFault ? "paged" : "refused"), "it is on record");
    expect(asked.map(({ kind }) => kind)).toEqual(isFault ? ["page"] : []);
  }

  /** What people did leaves no question open, or leaves it as it was. */
  function aftermath(model: MachineModel, event: DecisionEvent, openBefore: number): void {
    const all = [...model.known.values()];
    const open = all.filter(({ question }) => question !== null).length;
    if (event.kind === "haltOrdered") expect(open).toBe(0);
    if (event.kind === "deploymentQuarantined") {
      must(model.known.get(event.deploymentId)!.over, "a quarantine ends it");
      reach("quarantined");
    }
    if (event.kind === "overrideGiven") {
      if (event.justification.trim() === "") expect(open).toBe(openBefore);
      const { objected, over } = model.known.get(event.deploymentId)!;
      if (objected) expect(over).toBe(true);
    }
    must(
      all.every(({ replaced, over }) => !replaced || over),
      "what was replaced is over",
    );
  }

  function isWatching(before: FleetState, id: string): boolean {
    const found = before.deployments.find(({ deployment }) => deployment.deploymentId === id);
    return found?.phase.name === "watching";
  }

  /** Does this judgement make a question, as the tier is for people to answer? */
  function asks(model: MachineModel, event: DecisionEvent, before: FleetState): boolean {
    if (event.kind !== "signalJudged" || !isWatching(before, event.deploymentId)) return false;
    const one = model.known.get(event.deploymentId)!;
    const tier = model.tier(one, event.knownAtMs);
    const asked = tier === "override" || tier === "approve";
    return asked && model.stands(one) && model.forbidden(one, event.knownAtMs) === null;
  }

  /** The deployments on which this event makes the machine act, unless it is forbidden to. */
  function expected(
    model: MachineModel,
    event: DecisionEvent,
    before: FleetState,
  ): { id: string; forbidden: string | null }[] {
    const nowMs = event.knownAtMs;
    const of = (id: string): { id: string; forbidden: string | null } => ({
      id,
      forbidden: model.forbidden(model.known.get(id)!, nowMs),
    });
    if (event.kind === "signalJudged") {
      const one = model.known.get(event.deploymentId)!;
      const full =
        one.policy.assign.at(-1)!.tier === "full" && model.tier(one, nowMs) !== "approve";
      return isWatching(before, event.deploymentId) && full && model.stands(one)
        ? [of(event.deploymentId)]
        : [];
    }
    if (event.kind === "approvalGiven") {
      const one = model.known.get(event.deploymentId)!;
      return one.question === null ? [] : [of(event.deploymentId)];
    }
    if (event.kind !== "clockAdvanced") return [];
    return [...model.known].flatMap(([id, one]) => {
      if (one.question === null || !model.stands(one)) return [];
      const { atMs, rollsBack } = MachineModel.silence(one, one.question);
      if (atMs !== nowMs || !rollsBack) return [];
      const stands = model.actsOnSilence(one, nowMs);
      return stands || model.forbidden(one, nowMs) !== null ? [of(id)] : [];
    });
  }

  test(
    "the machine acts where it must and nowhere else",
    () => {
      fc.assert(
        fc.property(randomScript, (script) => {
          const model = new MachineModel(script.policy);
          run(script, (stepped) => {
            model.happened(stepped.event);
            compare(model, stepped);
          });
        }),
        RUNS,
      );
    },
    LIMIT_MS,
  );

  test("and the scripts reach every way there is, often", () => {
    const often = 20;
    const ways = [
      ...["at once", "approved", "on silence", "escalated", "refused"],
      ...["rolledBack", "rollbackFailed", "overridden", "expired", "held", "withdrawn"],
      ...["superseded", "undecidable", "healthy"],
      ...["there is a storm", "the service cools down", "the budget is spent"],
      "braked elsewhere alone",
      ...["all machines are halted", "it is never delegated"],
    ];
    expect(ways.filter((way) => (reached.get(way) ?? 0) < often)).toEqual([]);
  });
});

describe("an owner", () => {
  test(
    "where nobody answers for it, nothing is done",
    () => {
      fc.assert(
        fc.property(randomScript, (script) => {
          const policy = { ...script.policy, owner: "" };
          const moves = script.moves.filter((move) => move.do !== "policy");
          const done: EngineCommand[] = [];
          const owned = (): void =>
            run({ ...script, policy, moves }, ({ commands }) => done.push(...commands));
          // A broken invariant: the host holds and pages.
          expect(owned).toThrow(/an action has an accountable owner/);
          expect(done).toEqual([]);
        }),
        { ...RUNS, numRuns: 50 },
      );
    },
    LIMIT_MS,
  );
});

describe("a machine that is stopped, or lives at another time", () => {
  const recordsOf = (script: Script, between?: (fleet: FleetState) => FleetState): unknown[] => {
    const all: unknown[] = [];
    run(script, ({ records, commands }) => all.push(records, commands), between);
    return all;
  };

  test(
    "its state written down and read again at every step changes nothing",
    () => {
      fc.assert(
        fc.property(randomScript, (script) => {
          const again = (fleet: FleetState): FleetState =>
            JSON.parse(JSON.stringify(fleet)) as FleetState;
          expect(recordsOf(script, again)).toEqual(recordsOf(script));
        }),
        { ...RUNS, numRuns: RUNS.numRuns / 10 },
      );
    },
    LIMIT_MS,
  );

  test(
    "a constant added to all times is added to all times, and nothing else changes",
    () => {
      fc.assert(
        fc.property(randomScript, fc.integer({ min: -1e9, max: 1e9 }), (script, byMs) => {
          const moved = recordsOf({ ...script, startMs: script.startMs + byMs });
          const shifted = JSON.stringify(recordsOf(script), (key, value: unknown) =>
            typeof value === "number" &&
            /^(knownAt|at|until|askedAt|answerBy|untaggedProposedAt)Ms$/.test(key)
              ? value + byMs
              : value,
          );
          expect(moved).toEqual(JSON.parse(shifted));
        }),
        { ...RUNS, numRuns: RUNS.numRuns / 10 },
      );
    },
    LIMIT_MS,
  );
});
