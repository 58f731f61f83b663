/**
 * Argo Rollouts: the `web` metric of an AnalysisTemplate (metricproviders/webmetric). Argo asks by
 * GET or POST and reads `{$.verdict}`; any status that is not 2xx is an Error measurement.
 *
 * A POST is a measurement of an AnalysisRun. A GET only asks, for pipelines and people: it begins
 * nothing, and a rollback does not count as told by it.
 */

import type { Standing } from "../contract.ts";
import { BODIES, INPUTS } from "../http/bodies.ts";
import type { Answer } from "../http/deliveries.ts";
import { parseBody } from "../http/parse.ts";
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
import { AnalysisRuns } from "./analysisRuns.ts";
import { checkEnd, checkService } from "../http/tokens.ts";
import { verdictOf, type Verdict } from "./verdict.ts";

const KIND = "argo-rollouts";
const asked = BODIES.deployments.pick({ deploymentId: true });
/** A POST also announces: the first measurement of an AnalysisRun begins the watch. */
const announced = BODIES.deployments.omit({ startedAt: true });

export const argoRollouts: Adapter = {
  kind: KIND,
  routes: (parts) => {
    const runs = new AnalysisRuns(parts.clock);
    return [
      {
        method: "GET",
        path: "/v1/argo-rollouts",
        receive: async (request) => {
          const by = await admit(parts, KIND, request);
          const { deploymentId } = parseBody(asked, request.query);
          const standing = standingOf(parts, deploymentId);
          await checkService(parts, by, standing.deployment.service);
          return answered(standing, verdictIn(parts, standing));
        },
      },
      {
        method: "POST",
        path: "/v1/argo-rollouts",
        receive: (request) => measure(parts, runs, request),
      },
      {
        method: "POST",
        path: "/v1/argo-rollouts/aborted",
        receive: (request) => aborted(parts, request),
      },
    ];
  },
};

async function measure(parts: AdapterParts, runs: AnalysisRuns, request: AdapterRequest) {
  const by = await admit(parts, KIND, request);
  const deployment = readBody(announced, request);
  await announceOnce(parts, by, deployment);
  const { deploymentId } = deployment;
  const standing = standingOf(parts, deploymentId);
  const said = runs.measured(standing, verdictIn(parts, standing));
  if (said.verdict === "regression") parts.orders.tell(KIND, deploymentId);
  return answered(standing, said);
}

function verdictIn({ orders, host }: AdapterParts, standing: Standing): Verdict {
  return verdictOf(standing, host.status(), orders.has(standing.deployment.deploymentId));
}

const answered = ({ deployment, phase }: Standing, said: Verdict): Answer =>
  answer(200, { ...said, deploymentId: deployment.deploymentId, phase: phase.name });

/**
 * Argo's notification that a rollout was aborted: it is the end of a rollback that was ordered.
 * Another abort is no event of this host.
 */
async function aborted(parts: AdapterParts, request: AdapterRequest) {
  const by = await admit(parts, KIND, request);
  const { deploymentId } = readBody(asked, request);
  const standing = standingOf(parts, deploymentId);
  if (standing.phase.name !== "rollingBack" || !parts.orders.has(deploymentId)) {
    return answer(200, { accepted: false, reason: "no rollback of it is under way" });
  }
  await checkEnd(parts, by, KIND, standing);
  const detail = "Argo Rollouts aborted the rollout";
  const body = { deploymentId, succeeded: true, detail };
  const { accepted, reason } = await parts.host.tell(INPUTS.rollback(body));
  return answer(200, { accepted, reason });
}
