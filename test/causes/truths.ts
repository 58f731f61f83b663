/** What a generated world says of its deployments: why a policy could miss them, or be fooled. */

import { deploymentsBetween, type WorldDeployment } from "../../datasets/world/deployments.ts";
import { strengthAt } from "../../datasets/world/effects.ts";
import type { World } from "../../datasets/world/world.ts";
import { servicesOf, watches, type Policy } from "../../engine/index.ts";
import type { PlannedDeployment } from "../../lab/replay/plan.ts";

export function worldDeployments(world: World): ReadonlyMap<string, WorldDeployment> {
  const all = deploymentsBetween(world, null, world.startMs, world.endMs);
  return new Map(all.map((one) => [one.deploymentId, one]));
}

/** Does what the world did to this deployment touch a series that the policy watches? */
export function isTouched(
  { effects }: Pick<WorldDeployment, "effects">,
  policy: Policy,
  { deployment, series }: PlannedDeployment,
): boolean {
  return effects.some(({ service, metric, shape, size, onsetMs }) => {
    if (shape === "gap" || size === 0 || onsetMs >= policy.watchMs) return false;
    return policy.signals.some((signal) =>
      series.some(
        ({ name }) =>
          name.service === service &&
          name.metric === metric &&
          servicesOf(signal, deployment).has(service) &&
          watches(signal, name) &&
          (signal.worse === "both" || signal.worse === (size > 0 ? "up" : "down")),
      ),
    );
  });
}

/** What is left at the end of the watch of a surprise, as far as these signals could see it? */
export function surpriseOf(
  truth: WorldDeployment,
  policy: Policy,
  planned: PlannedDeployment,
): "passes" | "stays" | "nothing" {
  const { watchMs } = policy;
  const seen = truth.effects.filter((effect) =>
    isTouched({ ...truth, effects: [effect] }, policy, planned),
  );
  if (seen.length === 0) return "nothing";
  const isThere = seen.some((effect) => Math.abs(strengthAt(effect, watchMs)) >= 0.5);
  return isThere ? "stays" : "passes";
}
