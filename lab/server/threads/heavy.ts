/**
 * The thread for what takes long: exact what-ifs, the gate, the worth of tags, the quality of
 * a history, decision logs. One after the other; views do not wait for it.
 */

import { judgeAgents } from "../../confidence/agents.ts";
import { scoredWeeks, type Within } from "../../compare/within.ts";
import { gateDocument, gateMarkdown } from "../../gate/formats.ts";
import { budgetWith, limitsOf } from "../../gate/budget.ts";
import { gateOf } from "../../gate/gate.ts";
import { inspect } from "../../history/inspect.ts";
import { openHistory } from "../../history/open.ts";
import { policyFromText } from "../../policy/load.ts";
import { tagsDocument } from "../../tags/document.ts";
import { valueOfTags } from "../../tags/value.ts";
import { scoredOrAll } from "../views/scored.ts";
import { whatIfDocument } from "../views/whatIf.ts";
import type { AnalystOptions } from "./analyst.ts";
import { answerCalls, startedWith, threadProgress, threadPorts } from "./answering.ts";
import { changedPolicy, scoring, type ChangeAsked } from "./asked.ts";
import { DecisionLogs, type LogQuery } from "./decisionLogs.ts";
import { evaluateTwo, type PolicyRef } from "./evaluations.ts";

export interface HeavyOptions extends AnalystOptions {
  readonly runDirectory: string;
}

const { history: directory, numbers, runDirectory } = startedWith() as HeavyOptions;
const history = await openHistory(directory, { labels: numbers.labels });
const progress = threadProgress();
const options = { ...numbers, ...threadPorts(), progress };
const logs = new DecisionLogs(history, runDirectory, options);

const calls = {
  /** What `compare --json` says of both. */
  async exact(asked: ChangeAsked): Promise<string> {
    const { base, policy, yaml } = changedPolicy(asked);
    const within = scoring(asked.within);
    const modelled = { limits: [] };
    const asking = { ...options, ...within, modelled };
    const evaluation = await evaluateTwo(history, base, policy, asking);
    const [before, after] = evaluation.policies;
    const side = ({ policy: one, outcomes, scored }: NonNullable<typeof before>) => ({
      policy: one,
      outcomes,
      scorecard: scored.scorecard,
    });
    const { draws } = evaluation.manifest;
    const scored = scoredOrAll(asked.within, history);
    const told = { id: asked.base.id, yaml, draws, scored };
    const changed = { ...side(after!), policy };
    const { flips, differences } = evaluation;
    return JSON.stringify(whatIfDocument(told, side(before!), changed, flips, differences));
  },

  /** What `gate --json` says, with the shipped budget but for the limits asked for. */
  async gate(asked: ChangeAsked & { readonly limits: string }): Promise<string> {
    const { base, policy } = changedPolicy(asked);
    const budget = budgetWith(asked.limits);
    const within = scoring(asked.within);
    const modelled = { limits: limitsOf(budget) };
    const asking = { ...options, ...within, modelled, causes: false as const };
    const evaluation = await evaluateTwo(history, base, policy, asking);
    const weeks = scoredWeeks(history.manifest, asked.within);
    const gate = gateOf(evaluation, budget, [], weeks);
    const { verdict, checks } = gateDocument(evaluation, gate);
    const markdown = gateMarkdown(evaluation, gate, weeks);
    return JSON.stringify({ state: "ready", verdict, checks, markdown });
  },

  async tags(asked: {
    readonly policy: PolicyRef;
    readonly within: Within | undefined;
  }): Promise<string> {
    const policy = policyFromText(asked.policy.text, asked.policy.file);
    const found = await valueOfTags(history, policy, { ...options, ...scoring(asked.within) });
    const scored = scoredOrAll(asked.within, history);
    const value = found === null ? null : tagsDocument(found);
    return JSON.stringify({ state: "ready", scored, value });
  },

  /** What `agents --json` says. */
  agents(): Promise<string> {
    const judged = judgeAgents(history, numbers.seed);
    return Promise.resolve(JSON.stringify({ state: "ready", ...judged }));
  },

  async quality(): Promise<string> {
    return JSON.stringify({ state: "ready", inspection: await inspect(history) });
  },

  decisions: (asked: { readonly policy: PolicyRef; readonly query: LogQuery }) =>
    logs.page(asked.policy, asked.query),

  decision: (asked: { readonly policy: PolicyRef; readonly decisionId: string }) =>
    logs.record(asked.policy, asked.decisionId),
};

export type HeavyCalls = typeof calls;

answerCalls(calls);
