/** How one deployment stands, read from the controller's state. */

import type { ControllerState, Deployment, DeploymentState } from "../../engine/index.ts";
import type { Standing } from "./contract.ts";

/** Of several deployments that are meant, the one that started last. */
export function standingOf(
  { fleet }: ControllerState,
  isMeant: (deployment: Deployment) => boolean,
): Standing | null {
  let newest: DeploymentState | null = null;
  for (const state of [...fleet.ended, ...fleet.deployments]) {
    if (!isMeant(state.deployment)) continue;
    const isNewer =
      newest === null || state.deployment.startedAtMs >= newest.deployment.startedAtMs;
    if (isNewer) newest = state;
  }
  if (newest === null) return null;
  const { deployment, phase, watchEndsAtMs, proposals } = newest;
  return { deployment, phase, watchEndsAtMs, proposals };
}
