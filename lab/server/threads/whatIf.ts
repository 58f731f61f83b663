/**
 * The thread that answers what-ifs while somebody drags. When nobody asks, it judges what a
 * hand may turn to next, a stretch of deployments at a time.
 */

import type { Policy } from "../../../engine/index.ts";
import { openHistory } from "../../history/open.ts";
import { policyFromText } from "../../policy/load.ts";
import { Problem } from "../../problem.ts";
import { DEFAULT_COSTS } from "../../score/costs.ts";
import { changedText } from "../../whatIf/changed.ts";
import { gather } from "../../whatIf/material.ts";
import { WhatIfSession } from "../../whatIf/session.ts";
import { policyOfRequest } from "../catalog.ts";
import { knobsOf } from "../knobs.ts";
import { scoredOrAll } from "../views/scored.ts";
import { valueDifferences, whatIfDocument } from "../views/whatIf.ts";
import type { AnalystOptions } from "./analyst.ts";
import { answerCalls, startedWith, threadProgress } from "./answering.ts";
import { changedPolicy, type ChangeAsked } from "./asked.ts";
import type { PolicyRef } from "./evaluations.ts";

const { history: directory, numbers } = startedWith() as AnalystOptions;
const history = await openHistory(directory, { labels: numbers.labels });
const progress = threadProgress();
/** Of the policies asked for last: each holds the samples that its kind of policy watches. */
const sessions: WhatIfSession[] = [];
const SESSIONS_AT_MOST = 2;
let ahead: Generator<void> | null = null;
let preparedFor: string | null = null;

async function sessionFor(policy: Policy): Promise<WhatIfSession> {
  const known = sessions.find((session) => session.serves(policy));
  if (known !== undefined) return known;
  const { people, costs = DEFAULT_COSTS, seed, effect = "hold" } = numbers;
  const material = await gather(history, policy, effect, seed, progress);
  const session = new WhatIfSession(history, policy, material, { people, costs, seed });
  sessions.unshift(session);
  if (sessions.length > SESSIONS_AT_MOST) sessions.pop();
  return session;
}

/** Every value of every control that moves what signals say, the nearest ones first. */
function* prepare(session: WhatIfSession, base: Policy, ref: PolicyRef): Generator<void> {
  const knobs = knobsOf({ text: ref.text, policy: base });
  const steps = knobs.flatMap(({ path, group, control, value, values }) =>
    group === "signals" && control === "steps"
      ? values.map((to, at) => ({ path, to, away: Math.abs(at - values.indexOf(value!)) }))
      : [],
  );
  steps.sort((a, b) => a.away - b.away);
  for (const { path, to } of steps) {
    try {
      const text = changedText(ref.text, [{ path, value: to }]);
      const policy = policyOfRequest(text, ref);
      const signal = path.split(".")[1]!;
      if (session.serves(policy)) yield* session.judgements.ahead(policy, base, signal);
    } catch (error) {
      // A value may be right only together with others.
      if (!(error instanceof Problem)) throw error;
    }
  }
}

const calls = {
  /** Reads what a base needs before anybody drags. */
  async warm({ base }: { readonly base: PolicyRef }): Promise<true> {
    const policy = policyFromText(base.text, base.file);
    (await sessionFor(policy)).value(policy, policy);
    return true;
  },

  async quick(asked: ChangeAsked): Promise<string> {
    const { base, policy, yaml } = changedPolicy(asked);
    const { within } = asked;
    const session = await sessionFor(policy);
    const before = session.serves(base)
      ? session.value(base, base, within)
      : (await sessionFor(base)).value(base, base, within);
    const after =
      policy === base
        ? before
        : session.value(policy, session.serves(base) ? base : policy, within);
    if (preparedFor !== base.digest && session.serves(base)) {
      preparedFor = base.digest;
      ahead = prepare(session, base, asked.base);
    }
    const flips = session.flips(before, after);
    const scored = scoredOrAll(within, history);
    const told = { id: asked.base.id, yaml, draws: 1, scored };
    const differences = valueDifferences(before.values, after.values);
    return JSON.stringify(whatIfDocument(told, before, after, flips, differences));
  },
};

export type WhatIfCalls = typeof calls;

answerCalls(calls, () => {
  if (ahead === null) return false;
  if (ahead.next().done === true) ahead = null;
  return ahead !== null;
});
