/** What was decided and is on disk, with what other systems need to know about it. */

import type {
  ControllerState,
  DecisionRecord,
  Deployment,
  EngineCommand,
} from "../../engine/index.ts";
import type { Committed } from "./core.ts";
import { isMeant } from "./outstanding.ts";
import { standingOf } from "./standing.ts";

export interface News {
  readonly record: DecisionRecord;
  /** What the record asked for. */
  readonly commands: readonly EngineCommand[];
  /** False: it belongs to a dry run. */
  readonly act: boolean;
  readonly deployment: Deployment;
  /** The version that ran before, as far as the host knows. */
  readonly versionBefore: string | null;
}

export function newsOf(
  { records, asked }: Pick<Committed, "records" | "asked">,
  state: ControllerState,
  mayAct: boolean,
): readonly News[] {
  return records.flatMap((record) => {
    const standing = standingOf(state, (one) => one.deploymentId === record.deploymentId);
    if (standing === null) return [];
    const { deployment } = standing;
    const own = asked.filter(({ command }) => command.decisionId === record.decisionId);
    const act = own.length === 0 ? mayAct : own.every((one) => isMeant(one, mayAct));
    const commands = own.map(({ command }) => command);
    return [{ record, commands, act, deployment, versionBefore: versionBefore(state, deployment) }];
  });
}

/** The version of the deployment before it; null where that one was rolled back itself. */
function versionBefore(state: ControllerState, deployment: Deployment): string | null {
  const { service, environment, startedAtMs } = deployment;
  const before = standingOf(
    state,
    (one) =>
      one.service === service && one.environment === environment && one.startedAtMs < startedAtMs,
  );
  if (before === null) return null;
  const { phase } = before;
  const isTakenBack =
    phase.name === "rollingBack" ||
    (phase.name === "ended" && (phase.end === "rolledBack" || phase.end === "rollbackFailed"));
  return isTakenBack ? null : before.deployment.version;
}
