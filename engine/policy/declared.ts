/**
 * How far a tag shifts what is expected of a signal, and how much of that is believed.
 *
 * A tag is about one metric. It is believed up to its rule's ceiling, and never about errors that
 * it does not name. Of what it says about its own service, services that call that one get half,
 * and those further away nothing.
 */

import type { ContextTag, Deployment, SeriesName } from "../event.ts";
import type { ContextRule, SignalPolicy } from "./policy.ts";
import { parseShare, parseShift } from "./quantity.ts";
import { matchesGlob } from "./role.ts";

/** A change that is expected of one metric, with its sign. */
export interface DeclaredChange {
  /** A metric by its whole name, or a signal of the policy. */
  readonly metric: string;
  /** −0.15 is 15 % less, or 15 percentage points less. */
  readonly change: number;
  readonly unit: Tolerated;
}

type Tolerated = SignalPolicy["tolerance"]["kind"];

/** The share of a declared change that reaches services which call the tagged one. */
const DAMPING = 0.5;

/** `{metric: conversion_rate, change: -15%}`, with quotes or without; null for anything else. */
export function parseChange(text: string): DeclaredChange | null {
  const body = /^\s*\{(.*)\}\s*$/.exec(text)?.[1];
  if (body === undefined) return null;
  const fields = new Map<string, string>();
  for (const part of body.split(",")) {
    const [, name, value] =
      /^\s*["']?(metric|change)["']?\s*:\s*["']?([^"']*?)["']?\s*$/.exec(part) ?? [];
    if (name === undefined || fields.has(name)) return null;
    fields.set(name, value!);
  }
  const [metric, written] = [fields.get("metric") ?? "", fields.get("change") ?? ""];
  const [, amount, points] = /^(.+?)\s*(pp)?$/.exec(written.replace("−", "-")) ?? [];
  const share =
    amount === undefined ? null : parseShare(points === undefined ? amount : `${amount}%`);
  if (metric === "" || share === null || share === 0) return null;
  // `15` may mean 15 % or fifteen times: nobody can tell.
  if (points === undefined && Math.abs(share) >= 1 && !written.endsWith("%")) return null;
  return { metric, change: share, unit: points === undefined ? "relative" : "points" };
}

/** The same change, so many times as large. */
export function changeText({ metric, change, unit }: DeclaredChange, times = 1): string {
  const amount = Number((100 * times * change).toPrecision(9));
  const sign = amount > 0 ? "+" : "";
  return `{metric: ${metric}, change: ${sign}${amount}${unit === "points" ? "pp" : "%"}}`;
}

/**
 * Is a signal about failures? Shares in percentage points are, and what says so in its name.
 * Nothing that another service declares is believed of these.
 */
export function isAboutErrors({
  name,
  metric,
  role,
  tolerance,
}: Pick<SignalPolicy, "name" | "metric" | "role" | "tolerance">): boolean {
  if (role === "errors" || role === "availability") return true;
  return tolerance.kind === "points" || /error|fail|fault|exception|5xx/i.test(`${name} ${metric}`);
}

/** Does a tag of this kind quiet the signal for those who call the tagged service? */
export function quiets(rule: ContextRule, signal: SignalPolicy): boolean {
  if (rule.quietsDependants !== true) return false;
  return rule.signal === null ? !isAboutErrors(signal) : rule.signal === signal.name;
}

/** Whose samples, of which metric; null where the question is about the signal as a whole. */
export type Asked = Pick<SeriesName, "service" | "metric"> | null;

/** What a tag says of a signal; `believed` is never above the rule's ceiling. */
export interface Shift {
  readonly declared: number;
  readonly believed: number;
}

/** How far a tag shifts what is expected of a signal, as a fraction; null where it does not. */
export function shiftOf(
  rule: ContextRule,
  tag: ContextTag,
  signal: SignalPolicy,
  deployment: Deployment,
  asked: Asked,
): Shift | null {
  if (tag.signal !== null && tag.signal !== signal.name) return null;
  const isOwn = asked === null || asked.service === deployment.service;
  const reaches =
    tag.from === undefined ? !isOwn && (deployment.callers ?? []).includes(asked.service) : isOwn;
  const passed = reaches && quiets(rule, signal) ? parseShift(tag.value) : null;
  const damped = believed(rule, passed, DAMPING);
  if (tag.from !== undefined) return damped;
  return larger(believed(rule, declaredOf(rule, tag, signal, asked), 1), damped);
}

/** What a tag declares of its own service, before any ceiling. */
function declaredOf(
  rule: ContextRule,
  tag: ContextTag,
  signal: SignalPolicy,
  asked: Asked,
): number | null {
  if (rule.shifts === null) return null;
  if (rule.signal !== null) return rule.signal === signal.name ? parseShift(tag.value) : null;
  const given = parseChange(tag.value);
  if (given === null || given.unit !== signal.tolerance.kind) return null;
  const { metric, change } = given;
  const names = asked === null ? namesIt(signal, metric) : asked.metric === metric;
  if (!names && metric !== signal.name) return null;
  // Tolerance has one size for both directions: a declared rise would hide a fall.
  if (signal.worse === "both" || change < 0 !== (signal.worse === "down")) return null;
  return Math.abs(change);
}

/** By its name alone no role of a metric is known. */
function namesIt(signal: SignalPolicy, metric: string): boolean {
  return signal.role === undefined && matchesGlob(signal.metric, metric);
}

function believed(rule: ContextRule, declared: number | null, times: number): Shift | null {
  if (declared === null) return null;
  return { declared, believed: Math.min(declared, rule.max) * times };
}

function larger(a: Shift | null, b: Shift | null): Shift | null {
  if (a === null || b === null) return a ?? b;
  return b.believed > a.believed ? b : a;
}
