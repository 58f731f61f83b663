/**
 * Every route of the web lab, in one table: the server registers it, OpenAPI is made of it,
 * and the browser's client is typed by it.
 *
 * `202` instead of `200` says that the answer is still being made: `Computed`.
 */

import type { JsonObject } from "../../../engine/index.ts";
import { z } from "zod";
import { deploymentId, policyId, type Computed } from "./words.ts";
import { agentsJudged } from "./agents.ts";
import { compareQuery, comparison } from "./compare.ts";
import { decisionDetail, decisionPage, decisionParams, decisionsQuery } from "./decisions.ts";
import {
  deploymentDetail,
  deploymentList,
  deploymentQuery,
  explainQuery,
  explanation,
  listQuery,
} from "./deployments.ts";
import { scored, stretchQuery } from "./scored.ts";
import { historyQuality, historySummary, status } from "./history.ts";
import { draftRequest, policyDetail, policyList } from "./policies.ts";
import { bandsParams, bandsQuery, seriesParams, seriesQuery } from "./series.ts";
import { sweepDetail, sweepId, sweepJob, sweepList, sweepRequest } from "./sweeps.ts";
import { tagsQuery, tagsValue } from "./tags.ts";
import { limitsQuery, limitsSaid, verdict, verdictQuery } from "./verdict.ts";
import { gateRequest, gateResult, whatIf, whatIfRequest } from "./whatIf.ts";

export interface Route {
  readonly method: "GET" | "POST" | "DELETE";
  readonly path: string;
  /** What it does, for OpenAPI. */
  readonly summary: string;
  readonly params?: z.ZodType;
  readonly query?: z.ZodType;
  readonly body?: z.ZodType;
  /** Of status 200; null: nothing (204) or no JSON (see series.ts). */
  readonly response: z.ZodType | null;
  /** May it answer 202 and `computing`? */
  readonly computed?: true;
}

const byPolicy = z.object({ id: policyId });
const byDeployment = z.object({ deploymentId });
const bySweep = z.object({ id: sweepId });

export const ROUTES = {
  status: {
    method: "GET",
    path: "/api/status",
    summary: "How far the lab is, and what its numbers are made with",
    response: status,
  },
  history: {
    method: "GET",
    path: "/api/history",
    summary: "What is in the history, and what it can and cannot answer",
    response: historySummary,
    computed: true,
  },
  historyQuality: {
    method: "GET",
    path: "/api/history/quality",
    summary: "How good the history is: gaps, constant and irregular series",
    response: historyQuality,
    computed: true,
  },
  scored: {
    method: "GET",
    path: "/api/scored",
    summary: "Which deployments are scored between two times",
    query: stretchQuery,
    response: scored,
    computed: true,
  },
  policies: {
    method: "GET",
    path: "/api/policies",
    summary: "Policies that are given, shipped or drafted",
    response: policyList,
    computed: true,
  },
  policy: {
    method: "GET",
    path: "/api/policies/:id",
    summary: "One policy: its YAML, and what of it can be turned",
    params: byPolicy,
    response: policyDetail,
    computed: true,
  },
  saveDraft: {
    method: "POST",
    path: "/api/drafts",
    summary: "Keep a policy as a draft, to compare it or look at deployments under it",
    body: draftRequest,
    response: policyDetail,
    computed: true,
  },
  dropDraft: {
    method: "DELETE",
    path: "/api/drafts/:id",
    summary: "Forget a draft",
    params: byPolicy,
    response: null,
  },
  compare: {
    method: "GET",
    path: "/api/compare",
    summary: "Policies side by side: scorecards, differences, deployments that end differently",
    query: compareQuery,
    response: comparison,
    computed: true,
  },
  verdict: {
    method: "GET",
    path: "/api/verdict",
    summary: "Which of the compared policies to adopt, if any, with limits that the query sets",
    query: verdictQuery,
    response: verdict,
    computed: true,
  },
  limits: {
    method: "GET",
    path: "/api/limits",
    summary: "How much worse each score may become, and the same as a budget file",
    query: limitsQuery,
    response: limitsSaid,
  },
  deployments: {
    method: "GET",
    path: "/api/deployments",
    summary: "Deployments, found and sorted, and how each ends under each policy: a page of them",
    query: listQuery,
    response: deploymentList,
    computed: true,
  },
  deployment: {
    method: "GET",
    path: "/api/deployments/:deploymentId",
    summary: "One deployment: what happened, and a swim lane for each policy",
    params: byDeployment,
    query: deploymentQuery,
    response: deploymentDetail,
    computed: true,
  },
  explain: {
    method: "GET",
    path: "/api/deployments/:deploymentId/explain",
    summary: "The decisions about one deployment as a tree",
    params: byDeployment,
    query: explainQuery,
    response: explanation,
    computed: true,
  },
  bands: {
    method: "GET",
    path: "/api/deployments/:deploymentId/bands",
    summary: "What one signal expected and tolerated of a series, as Arrow IPC",
    params: bandsParams,
    query: bandsQuery,
    response: null,
    computed: true,
  },
  series: {
    method: "GET",
    path: "/api/series/:series",
    summary: "Samples of one series as Arrow IPC, no more than a screen can show",
    params: seriesParams,
    query: seriesQuery,
    response: null,
    computed: true,
  },
  whatIf: {
    method: "POST",
    path: "/api/what-if",
    summary: "What a changed policy would have done",
    body: whatIfRequest,
    response: whatIf,
    computed: true,
  },
  gate: {
    method: "POST",
    path: "/api/gate",
    summary: "The verdict of the gate on a changed policy",
    body: gateRequest,
    response: gateResult,
    computed: true,
  },
  sweeps: {
    method: "GET",
    path: "/api/sweeps",
    summary: "Sweeps, the newest first",
    response: sweepList,
  },
  startSweep: {
    method: "POST",
    path: "/api/sweeps",
    summary: "Start a sweep in the background",
    body: sweepRequest,
    response: sweepJob,
    computed: true,
  },
  sweep: {
    method: "GET",
    path: "/api/sweeps/:id",
    summary: "One sweep and, when it is done, its result",
    params: bySweep,
    response: sweepDetail,
  },
  cancelSweep: {
    method: "POST",
    path: "/api/sweeps/:id/cancel",
    summary: "Stop a sweep",
    params: bySweep,
    response: sweepJob,
  },
  restartSweep: {
    method: "POST",
    path: "/api/sweeps/:id/restart",
    summary: "Start a sweep again that was cancelled, failed or interrupted",
    params: bySweep,
    response: sweepJob,
  },
  dropSweep: {
    method: "DELETE",
    path: "/api/sweeps/:id",
    summary: "Forget a sweep that is not running",
    params: bySweep,
    response: null,
  },
  tags: {
    method: "GET",
    path: "/api/tags",
    summary: "What context tags were worth under a policy",
    query: tagsQuery,
    response: tagsValue,
    computed: true,
  },
  agents: {
    method: "GET",
    path: "/api/agents",
    summary: "How often agents that propose were right, by kind of change",
    response: agentsJudged,
    computed: true,
  },
  decisions: {
    method: "GET",
    path: "/api/decisions",
    summary: "The audit log of a policy's run, verified and searched",
    query: decisionsQuery,
    response: decisionPage,
    computed: true,
  },
  decision: {
    method: "GET",
    path: "/api/decisions/:decisionId",
    summary: "One record of the audit log, explained",
    params: decisionParams,
    query: explainQuery,
    response: decisionDetail,
    computed: true,
  },
} as const satisfies JsonObject<Route>;

export type RouteName = keyof typeof ROUTES;

type Schema<Name extends RouteName, Part extends keyof Route> =
  (typeof ROUTES)[Name] extends Readonly<Record<Part, infer Found extends z.ZodType>>
    ? Found
    : null;

/** What a client sends: path parameters, query and body together are the three parts. */
export type Sent<Name extends RouteName, Part extends "params" | "query" | "body"> =
  Schema<Name, Part> extends z.ZodType ? z.input<Schema<Name, Part>> : undefined;

type Ready<Name extends RouteName> =
  Schema<Name, "response"> extends z.ZodType ? z.output<Schema<Name, "response">> : null;

/** What it gets: the answer, or that it is being made. */
export type Answer<Name extends RouteName> = (typeof ROUTES)[Name] extends { computed: true }
  ? Computed<Ready<Name>>
  : Ready<Name>;
