/**
 * Argo Rollouts: the `web` metric of an AnalysisTemplate (metricproviders/webmetric). Argo asks by
 * GET or POST and reads `{$.verdict}`; any status that is not 2xx is an Error measurement.
 */

import type { z } from "zod";
import { BODIES, INPUTS } from "../http/bodies.ts";
import { parseBody } from "../http/inbox.ts";
import {
  admit,
  announceOnce,
  answer,
  readBody,
  standingOf,
  type Adapter,
  type AdapterParts,
  type AdapterRequest,
} from "./adapter.ts";
import { verdictOf } from "./verdict.ts";

const KIND = "argo-rollouts";
const asked = BODIES.deployments.pick({ deploymentId: true });
/** A POST also announces: the first measurement of an AnalysisRun begins the watch. */
const announced = BODIES.deployments.omit({ startedAt: true });

export const argoRollouts: Adapter = {
  kind: KIND,
  routes: (parts) => [
    {
      method: "GET",
      path: "/v1/argo-rollouts",
      receive: async (request) => {
        await admit(parts, KIND, request);
        return measure(parts, parseBody(asked, request.query));
      },
    },
    {
      method: "POST",
      path: "/v1/argo-rollouts",
      receive: (request) => announce(parts, request),
    },
    {
      method: "POST",
      path: "/v1/argo-rollouts/aborted",
      receive: (request) => aborted(parts, request),
    },
  ],
};

async function announce(parts: AdapterParts, request: AdapterRequest) {
  const by = await admit(parts, KIND, request);
  const deployment = readBody(announced, request);
  await announceOnce(parts, by, deployment);
  return measure(parts, deployment);
}

function measure(parts: AdapterParts, { deploymentId }: z.output<typeof asked>) {
  const standing = standingOf(parts, deploymentId);
  const { orders, host } = parts;
  const said = verdictOf(standing, host.status(), orders.has(deploymentId));
  if (said.verdict === "regression") orders.tell(KIND, deploymentId);
  return answer(200, { ...said, deploymentId, phase: standing.phase.name });
}

/**
 * Argo's notification that a rollout was aborted: it is the end of a rollback that was ordered.
 * Another abort is no event of this host.
 */
async function aborted(parts: AdapterParts, request: AdapterRequest) {
  await admit(parts, KIND, request);
  const { deploymentId } = readBody(asked, request);
  const { phase } = standingOf(parts, deploymentId);
  if (phase.name !== "rollingBack" || !parts.orders.has(deploymentId)) {
    return answer(200, { accepted: false, reason: "no rollback of it is under way" });
  }
  const detail = "Argo Rollouts aborted the rollout";
  const body = { deploymentId, succeeded: true, detail };
  const { accepted, reason } = await parts.host.tell(INPUTS.rollback(body));
  return answer(200, { accepted, reason });
}
