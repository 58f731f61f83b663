/**
 * What was asked of the world and has not come of anything yet. A host that restarts sends it
 * once more, each under the key it had: whether it went out before the end nobody knows.
 */

import type { ControllerStep, EngineCommand, Event } from "../../engine/index.ts";

/** Words to people are sent again for so long: later they are news no more. */
const NEWS_MS = 300_000;

export interface Asked {
  readonly command: EngineCommand;
  /** The words of its record. */
  readonly reason: string;
}

export class Outstanding {
  #asked: Asked[];

  constructor(asked: readonly Asked[]) {
    this.#asked = [...asked];
  }

  /** @returns what the step asked for */
  take(event: Event, { commands, records }: ControllerStep): readonly Asked[] {
    const reasons = new Map(records.map(({ decisionId, reason }) => [decisionId, reason]));
    const asked = commands
      .filter(({ kind }) => kind !== "watchUntil")
      .map((command) => ({ command, reason: reasons.get(command.decisionId)! }));
    const ended = new Set(
      records.flatMap(({ decision, deploymentId }) => (decision === "ended" ? [deploymentId] : [])),
    );
    const stands = ({ command }: Asked): boolean =>
      command.kind === "rollBack"
        ? !ended.has(command.deploymentId)
        : command.askedAtMs >= event.knownAtMs - NEWS_MS;
    this.#asked = [...this.#asked.filter(stands), ...asked];
    return asked;
  }

  /** The oldest first. */
  get all(): readonly Asked[] {
    return this.#asked;
  }
}
