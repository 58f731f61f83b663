/**
 * Is there enough in a history for verdicts on policies, and what would be missing: `inspect` says
 * so before anybody compares, by the rule that every comparison goes by (lab/evidence.ts).
 */

import { belowText, counted, decimalText } from "../counted.ts";
import { EVIDENCE_AT_LEAST, effectiveClusters } from "../evidence.ts";
import type { DeploymentRow, Label, LabelRow } from "./tables.ts";

/** How many deployments a verdict would rest on, and how many equal services they count like. */
export interface Rests {
  readonly deployments: number;
  readonly services: number;
  readonly effectiveServices: number;
}

export interface Enough {
  readonly atLeast: number;
  /** Behind verdicts on wrong rollbacks. */
  readonly good: Rests;
  /** Behind verdicts on misses and recovery. */
  readonly regressions: Rests;
}

const GOOD: ReadonlySet<Label> = new Set(["benign", "expected_change"]);

export function enoughIn(tables: {
  readonly deployments: Iterable<Pick<DeploymentRow, "deploymentId" | "service">>;
  readonly labels: readonly Pick<LabelRow, "deploymentId" | "label">[];
}): Enough {
  const labels = new Map(tables.labels.map(({ deploymentId, label }) => [deploymentId, label]));
  const among = (is: (label: Label) => boolean): Rests => {
    const perService = new Map<string, number>();
    for (const { deploymentId, service } of tables.deployments) {
      if (!is(labels.get(deploymentId) ?? "unknown")) continue;
      perService.set(service, (perService.get(service) ?? 0) + 1);
    }
    const sizes = [...perService.values()];
    return {
      deployments: sizes.reduce((sum, size) => sum + size, 0),
      services: sizes.length,
      effectiveServices: effectiveClusters(sizes),
    };
  };
  return {
    atLeast: EVIDENCE_AT_LEAST,
    good: among((label) => GOOD.has(label)),
    regressions: among((label) => label === "regression"),
  };
}

export function isEnoughFor({ deployments, effectiveServices }: Rests): boolean {
  return deployments >= EVIDENCE_AT_LEAST && effectiveServices >= EVIDENCE_AT_LEAST;
}

/** `22 regressions of 9 services (6.4 effective ones)`. */
export function restsText({ deployments, services, effectiveServices }: Rests, noun: string) {
  const of = `${counted(deployments, noun)} of ${counted(services, "service")}`;
  if (effectiveServices === services) return of;
  const effective =
    effectiveServices < EVIDENCE_AT_LEAST
      ? belowText(effectiveServices, EVIDENCE_AT_LEAST)
      : decimalText(effectiveServices, 1);
  return `${of} (${effective} effective ones)`;
}

/** What a comparison on this history can come to, in one sentence. */
export function enoughText({ good, regressions }: Enough): string {
  if (good.deployments + regressions.deployments === 0) {
    return (
      "no deployment is known to be good or a regression, so a comparison shows what each policy " +
      "would have done, and not which is right."
    );
  }
  const [onWrong, onMisses] = [isEnoughFor(good), isEnoughFor(regressions)];
  if (onWrong && onMisses) {
    return "enough for verdicts on wrong rollbacks, on missed regressions and on recovery.";
  }
  const short = [
    ...(onWrong ? [] : [restsText(good, "good deployment")]),
    ...(onMisses ? [] : [restsText(regressions, "regression")]),
  ].join(" and ");
  const why = `it has ${short}, and a verdict takes ${NEEDED}.`;
  if (onWrong) {
    return (
      "enough for verdicts on wrong rollbacks, but not on missed regressions and recovery: " + why
    );
  }
  const on = onMisses ? "wrong rollbacks" : "which policy is better";
  return (
    `too few for a verdict on ${on}, so a comparison shows what ends differently, deployment by ` +
    `deployment: ${why}`
  );
}

const NEEDED = `${EVIDENCE_AT_LEAST} deployments of ${EVIDENCE_AT_LEAST} effective services`;
