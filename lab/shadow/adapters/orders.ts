/**
 * The rollbacks that this host really sent. The state of a deployment does not tell: a dry run
 * goes through the same phases. A rollback whose result is unknown is sent again after a restart,
 * so it is known here again; one that ended before the restart is not, and gives no `regression`.
 */

import type { CarriedOut, Effects } from "../contract.ts";

/** So many are remembered; a day has fewer. */
const REMEMBERED = 10_000;

/** The tools that can roll back by themselves when they ask for a verdict. */
export const ASKING = ["argo-rollouts", "flagger"] as const;
export type AskingTool = (typeof ASKING)[number];

export class Orders {
  /** By deployment: did the tool that rolls back get to know it? */
  readonly #ordered = new Map<string, boolean>();

  /** @param askedBy the tool that asks for rollbacks; null: a webhook gets them */
  constructor(private readonly askedBy: AskingTool | null) {}

  has(deploymentId: string): boolean {
    return this.#ordered.has(deploymentId);
  }

  /** The answer that this tool now gets says that the deployment must be rolled back. */
  tell(tool: AskingTool, deploymentId: string): void {
    if (tool === this.askedBy && this.has(deploymentId)) this.#ordered.set(deploymentId, true);
  }

  /** Notes every rollback before it is sent. */
  noting(effects: Effects): Effects {
    return {
      carryOut: (errand, signal) => {
        const { kind, deploymentId } = errand.command;
        if (kind === "rollBack") this.#note(deploymentId);
        return effects.carryOut(errand, signal);
      },
    };
  }

  /** Carries a rollback out by waiting for the tool: it is done once the tool was told. */
  readonly waiting: Effects["carryOut"] = ({ command: { deploymentId } }): Promise<CarriedOut> => {
    if (this.#ordered.get(deploymentId) === true) {
      return Promise.resolve({ status: "done", finished: null });
    }
    const detail = `${this.askedBy ?? "no tool"} has not asked for it yet`;
    return Promise.resolve({ status: "unknown", detail });
  };

  #note(deploymentId: string): void {
    if (this.#ordered.has(deploymentId)) return;
    this.#ordered.set(deploymentId, false);
    if (this.#ordered.size > REMEMBERED) {
      this.#ordered.delete(this.#ordered.keys().next().value!);
    }
  }
}
