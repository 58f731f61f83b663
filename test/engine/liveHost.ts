/** The host of scenarios, where nothing ambient answers. */

import type { Event, Policy } from "../../engine/index.ts";
import { answerInTime, runHost, type Answer, type HostRun } from "../../lab/scenario/host.ts";
import { forbidAmbient } from "../ambient.ts";

export { answerInTime, instantsOf, toBatches } from "../../lab/scenario/host.ts";
export type { Answer, HostRun } from "../../lab/scenario/host.ts";

/** @param punctual see `runHost` */
export function runLive(
  policy: Policy,
  events: readonly Event[],
  answer: Answer = answerInTime,
  punctual = true,
): HostRun {
  return forbidAmbient(() => runHost(policy, events, answer, punctual));
}
