/** Causes as people read them: on a terminal, in the browser and in the report. Pure. */

import { own, type JsonObject } from "../../engine/index.ts";
import { countText, decimalText } from "../counted.ts";
import type { AgentCause } from "./agents.ts";
import type { FalseCause, MissCause } from "./causes.ts";
import type { CauseCount, Causes } from "./tally.ts";

const MISSES: Readonly<Record<MissCause, string>> = {
  invisible: "none of its signals moved",
  belowTolerance: "moved, but below the tolerance",
  notHeld: "beyond the tolerance, but not clearly or not for long enough",
  tooLate: "began too late in the watch",
  noData: "too few samples to judge",
  tagged: "a tag raised the tolerance",
  unsure: "in breach, but the fusion or the confidence asks for more",
  withdrawn: "proposed, then withdrawn as the signals recovered",
  stopped: "stopped by people or a rule",
  rollbackFailed: "the rollback failed",
  superseded: "the next deployment came first",
  hidden: "not known: history's own rollback or a missing answer hides it",
  unknown: "not known: too few samples before the deployment",
};

const FALSE_ROLLBACKS: Readonly<Record<FalseCause, string>> = {
  agentApproved: "an agent proposed it, and a person approved",
  agentAlone: "an agent proposed it, and the policy acted without a person",
  passing: "an excursion that passed by itself",
  lasting: "a change that stayed",
  noise: "no more than the usual noise",
  shared: "an incident in several services at once",
  coincident: "an incident of something else",
  hidden: "not known: history's own rollback hides how it went on",
  unknown: "not known: too few samples before the deployment",
};

const AGENTS: Readonly<Record<AgentCause, string>> = {
  asked: "an agent proposed it, and its word counted",
  notWatched: "an agent proposed it before or after the watch, or once it was decided",
  noEvidence: "an agent proposed it, and no signal spoke against it as well",
  belowFrom: "an agent proposed it, less sure than the policy asks",
  notNamed: "only an agent that the policy does not name proposed it",
  hidden: "not known: no agent had proposed it when history rolled it back",
  silent: "no agent proposed it",
};

const WORDS: Readonly<Record<keyof Causes, JsonObject<string>>> = {
  misses: MISSES,
  falseRollbacks: FALSE_ROLLBACKS,
  agents: AGENTS,
};

/** The title of each part, in the order in which they are shown. */
export const CAUSE_PARTS: readonly (readonly [keyof Causes, string])[] = [
  ["misses", "Regressions missed"],
  ["agents", "What agents did about the regressions missed"],
  ["falseRollbacks", "Good deployments rolled back"],
];

const STOPPED_BY: ReadonlyMap<string, string> = new Map([
  ["overridden", "overridden by people"],
  ["unanswered", "no answer of people"],
]);

/** One cause of a part, in words. */
export function causeWords(of: keyof Causes, cause: string): string {
  return own(WORDS[of], cause) ?? cause;
}

/** By which signals, rules, agents or people, as `latency 12, errors 3`; empty for none. */
export function causedBy(by: JsonObject<number>): string {
  return Object.entries(by)
    .map(([name, count]) => `${STOPPED_BY.get(name) ?? name} ${causeCount(count)}`)
    .join(", ");
}

/** A count; a mean over draws that is not whole has one digit more. */
export function causeCount(count: number): string {
  return Number.isInteger(count) ? countText(count) : decimalText(count, 1);
}

/**
 * Three lines of one policy, or fewer: why it missed regressions, what agents did about those, and
 * what fooled it.
 */
export function causeLines(policy: string, causes: Causes | undefined): readonly string[] {
  if (causes === undefined) return [];
  const line = (what: string, of: keyof Causes): readonly string[] => {
    const found: readonly CauseCount<string>[] = causes[of] ?? [];
    if (found.length === 0) return [];
    const total = found.reduce((sum, { count }) => sum + count, 0);
    const parts = found.map(({ cause, count, by }) => {
      const named = causedBy(by);
      const which = named === "" ? "" : ` (${named})`;
      return `${causeCount(count)} ${causeWords(of, cause)}${which}`;
    });
    return [`${policy} ${what} ${causeCount(Number(total.toPrecision(9)))}: ${parts.join("; ")}`];
  };
  return [
    ...line("missed", "misses"),
    ...line("missed, by what agents did,", "agents"),
    ...line("rolled back good deployments,", "falseRollbacks"),
  ];
}
