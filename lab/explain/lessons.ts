/**
 * Both lessons of one deployment out of a replay: what history itself did, and what a policy would
 * have done in the first draw, as the web lab shows it.
 */

import { judgementsOf, type Policy } from "../../engine/index.ts";
import { incidentsByDeployment } from "../history/incidents.ts";
import type { Past } from "../history/open.ts";
import { futuresOf } from "../outcome/futures.ts";
import { outcomesOf } from "../outcome/outcome.ts";
import { passingOf } from "../outcome/passing.ts";
import type { Recovery } from "../outcome/recovery.ts";
import type { People } from "../people/choose.ts";
import type { Responder } from "../people/recorded.ts";
import type { Draws, Replay } from "../replay/replay.ts";
import { lessonOf, type LessonPoint } from "./lesson.ts";
import { recordedLesson } from "./recorded.ts";

/** Of history's own rollback (empty where there was none), and of the policy. */
export interface TwoLessons {
  readonly recorded: readonly LessonPoint[];
  readonly policy: readonly LessonPoint[];
}

/** The first draw, as `compare` makes it: what history hid, people's answers, failures. */
export async function firstDraw(
  history: Past,
  policy: Policy,
  people: People,
  platform: Recovery,
  seed: number,
): Promise<Draws> {
  const passing = await passingOf(history, [policy]);
  return {
    futures: futuresOf(history.tables, passing, "hold", 1, seed),
    peopleIn: people.model === null ? null : people.responder,
    platformIn: (platform.failures?.rate ?? 0) > 0 ? platform.platformIn : null,
  };
}

/** @param replayed of one policy, with its first draw */
export function lessonsOf(
  history: Past,
  replayed: Replay,
  deploymentId: string,
  people: Responder,
  platform: Recovery,
): TwoLessons {
  const { plan, draws, imagined } = replayed;
  const { decisions, incidents, labels, metricCatalog } = history.tables;
  const place = plan.places.get(deploymentId)!;
  const { deployment, rolledBackAtMs, tags } = plan.deployments.at(place)!;
  const drawn = draws[0]![0]!;
  const shown = { plan, imagined: imagined[0]! };
  const outcome = outcomesOf(history, shown, drawn, people, platform, undefined, [place]).at(0)!;
  const incident = incidentsByDeployment(incidents).get(deploymentId) ?? null;
  const units = new Map(metricCatalog.map(({ metric, unit }) => [metric, unit]));
  return {
    recorded: recordedLesson({
      startedAtMs: deployment.startedAtMs,
      rolledBackAtMs,
      decisions: decisions.filter((one) => one.deploymentId === deploymentId),
      label: labels.find((one) => one.deploymentId === deploymentId)?.label ?? "unknown",
      incident,
      tags,
    }),
    policy: lessonOf({
      policy: drawn.policy,
      outcome,
      judgements: judgementsOf(drawn.judged[place]!, deployment),
      incident,
      rolledBackAtMs,
      unitOf: (metric) => units.get(metric) ?? null,
    }),
  };
}
