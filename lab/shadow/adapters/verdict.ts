/**
 * What a rollout tool is told about a deployment. There are three answers, because a tool that
 * knows two takes a missing answer for one of them:
 *
 *     healthy     the watch ended, and every signal that has data was healthy
 *     regression  this host ordered the rollback, and may act
 *     undecided   everything else: the tool pauses until people look
 *
 * A breach that people are still asked about is undecided, and so is every answer of a dry run.
 */

import { formatTime } from "../../../engine/index.ts";
import { Refusal } from "../../server/problems.ts";
import type { HostStatus, Standing } from "../contract.ts";

export interface Verdict {
  readonly verdict: "healthy" | "regression" | "undecided";
  readonly reason: string;
}

/**
 * @param isOrdered was the rollback of this deployment really sent to the platform?
 * @throws Refusal where this host cannot know: it does not hold the lease, or has ended
 */
export function verdictOf(
  { deployment: { deploymentId }, phase, watchEndsAtMs }: Standing,
  status: Pick<HostStatus, "ready" | "halted">,
  isOrdered: boolean,
): Verdict {
  if (!status.ready) {
    throw new Refusal("unavailable", "This host stands by, or is starting or ending.");
  }
  if (status.halted) return undecided("every machine is halted");
  switch (phase.name) {
    case "rollingBack":
      return isOrdered ? regression(deploymentId) : undecided("a rollback is recorded, not sent");
    case "proposed":
      return undecided(`a rollback is proposed, and open until ${formatTime(phase.answerByMs)}`);
    case "watching":
      return undecided(`its watch ends at ${formatTime(watchEndsAtMs)}`);
    case "ended":
      // A withdrawn proposal was taken back by healthy signals, and none spoke since.
      if (phase.end === "healthy" || phase.end === "withdrawn") {
        return { verdict: "healthy", reason: `its watch ended ${phase.end}` };
      }
      if (phase.end === "rolledBack" && isOrdered) return regression(deploymentId);
      return undecided(`its watch ended ${phase.end}`);
  }
}

const regression = (deploymentId: string): Verdict => {
  return { verdict: "regression", reason: `the rollback of ${deploymentId} was ordered` };
};

const undecided = (reason: string): Verdict => ({ verdict: "undecided", reason });
