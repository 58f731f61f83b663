/**
 * What a context tag may do to detection: only raise what is tolerated, only on the
 * signal it speaks about, and never in the untagged shadow.
 */

import fc from "fast-check";
import { expect, test } from "vitest";
import {
  matchesGlob,
  parseChange,
  type ContextTag,
  type Deployment,
  type SignalJudged,
  type Verdict,
} from "../../engine/index.ts";
import { check, LIMIT_MS } from "./check.ts";
import { judge } from "./columnar.ts";
import { randomCase, randomTag, type Case } from "./randomCase.ts";

const tagsOf = (given: Case): ContextTag[] =>
  given.others.flatMap((event) => (event.kind === "deploymentTagged" ? [event.tag] : []));

const deploymentsOf = (given: Case): Deployment[] =>
  given.others.flatMap((event) => (event.kind === "deploymentStarted" ? [event.deployment] : []));

/** Verdicts of every signal where they change: `signal time verdict`. */
function pathOf(judgements: readonly SignalJudged[], arm: "verdict" | "untagged"): string[] {
  const now = new Map<string, Verdict>();
  return judgements.flatMap(({ evidence, knownAtMs, cause }) => {
    const verdict = evidence[arm];
    const before = now.get(evidence.signal) ?? "inconclusive";
    now.set(evidence.signal, verdict);
    if (verdict === before && cause !== "end") return [];
    return [`${evidence.signal} ${knownAtMs} ${verdict}`];
  });
}

/** When a signal's breaches begin and end; the last may never end. */
function breachesOf(judgements: readonly SignalJudged[], signal: string): [number, number][] {
  const found: [number, number][] = [];
  let open = false;
  for (const { evidence, knownAtMs } of judgements) {
    if (evidence.signal !== signal) continue;
    const breach = evidence.verdict === "breach";
    if (breach && !open) found.push([knownAtMs, Number.POSITIVE_INFINITY]);
    if (!breach && open) found[found.length - 1]![1] = knownAtMs;
    open = breach;
  }
  return found;
}

test(
  "without its tags a run is its own untagged shadow",
  () => {
    check(
      fc.property(randomCase, (given) => {
        const policy = given.policies[0]!;
        for (const deployment of deploymentsOf(given)) {
          const tagged = judge(policy, given.columns, deployment, tagsOf(given));
          const plain = judge(policy, given.columns, deployment, []);
          expect(pathOf(tagged, "untagged")).toEqual(pathOf(plain, "verdict"));
          for (const { evidence } of plain) expect(evidence.untagged).toBe(evidence.verdict);
        }
      }),
    );
  },
  LIMIT_MS,
);

test(
  "one tag more never makes a breach, or an earlier or longer one",
  () => {
    check(
      fc.property(randomCase, randomTag, (given, extra) => {
        const policy = given.policies[0]!;
        const tags = tagsOf(given);
        for (const deployment of deploymentsOf(given)) {
          const fewer = judge(policy, given.columns, deployment, tags);
          const more = judge(policy, given.columns, deployment, [...tags, extra]);
          for (const { name } of policy.signals) {
            const allowed = breachesOf(fewer, name);
            for (const [from, to] of breachesOf(more, name)) {
              expect(allowed.some(([start, end]) => start <= from && to <= end)).toBe(true);
            }
          }
        }
      }),
    );
  },
  LIMIT_MS,
);

test(
  "a tag never alters a signal it does not speak about",
  () => {
    check(
      fc.property(randomCase, randomTag, (given, extra) => {
        const policy = given.policies[0]!;
        const rule = policy.context.find(({ tag }) => tag === extra.tag);
        const about = extra.tag === "expected_change" ? parseChange(extra.value) : null;
        const moved = policy.modes.some(({ when }) => Object.hasOwn(when.tags ?? {}, extra.tag));
        const tags = tagsOf(given);
        for (const deployment of deploymentsOf(given)) {
          const fewer = judge(policy, given.columns, deployment, tags);
          const more = judge(policy, given.columns, deployment, [...tags, extra]);
          for (const { name, metric } of policy.signals) {
            const named = about !== null && matchesGlob(metric, about.metric);
            if (name === (rule?.signal ?? null) || named || moved) continue;
            if (rule?.quietsDependants === true) continue; // Other series: see dependants.test.ts.
            const own = ({ evidence }: SignalJudged): boolean => evidence.signal === name;
            expect(more.filter(own)).toEqual(fewer.filter(own));
          }
        }
      }),
    );
  },
  LIMIT_MS,
);
