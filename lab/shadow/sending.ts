/**
 * Sends commands until their result is known. While nobody knows whether a command arrived it is
 * sent again under the same key, with growing pauses, and given up when it is too late.
 *
 * Proposals, escalations and withdrawals of one deployment go out one at a time and in order: a
 * proposal that arrived after its own withdrawal would stay open for ever. All other commands go
 * out at once.
 */

import type { EngineCommand } from "../../engine/index.ts";
import type { CarriedOut, Clock, Effects, Errand } from "./contract.ts";

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30_000;

export interface Sending {
  /** May it be sent now? If not, this is asked again after a pause. */
  readonly mayGo: (errand: Errand) => boolean;
  /** Is it too late to send it? Then it is given up. */
  readonly isLate: (errand: Errand) => boolean;
  /** Called once for an errand, at its first attempt with an unknown result. */
  readonly unsure: (errand: Errand, why: string) => void;
  /** Called with the final result. @param attempts how often it was sent */
  readonly came: (errand: Errand, result: CarriedOut, attempts: number) => void;
}

/** The commands whose order matters to a person who answers. */
const ON_QUESTIONS: readonly EngineCommand["kind"][] = ["propose", "escalate", "withdrawProposal"];

/** The queue of one deployment's questions. */
interface Line {
  /** Resolves when the last errand in the queue has its result. */
  last: Promise<void>;
  /** Ends the pause of the errand at the front: a newer one may have made it too late. */
  hurry: AbortController;
}

export class Sender {
  readonly #ended = new AbortController();
  readonly #lines = new Map<string, Line>();
  readonly #underWay = new Set<Promise<void>>();

  constructor(
    private readonly effects: Effects,
    private readonly clock: Pick<Clock, "wait">,
    private readonly sending: Sending,
  ) {}

  send(errand: Errand): void {
    const { kind } = errand.command;
    const begun = ON_QUESTIONS.includes(kind) ? this.#inLine(errand) : this.#carry(errand);
    const carried = begun.finally(() => this.#underWay.delete(carried));
    this.#underWay.add(carried);
  }

  /** Sends nothing more, aborts the requests under way and waits for their end. */
  async stop(): Promise<void> {
    this.#ended.abort();
    for (const { hurry } of this.#lines.values()) hurry.abort();
    await Promise.all(this.#underWay);
  }

  async #inLine(errand: Errand): Promise<void> {
    const { deploymentId } = errand.command;
    const before = this.#lines.get(deploymentId);
    const line = before ?? { last: Promise.resolve(), hurry: new AbortController() };
    this.#lines.set(deploymentId, line);
    line.hurry.abort();
    const carried =
      before === undefined
        ? this.#carry(errand, line)
        : before.last.then(() => this.#carry(errand, line));
    line.last = carried;
    await carried;
    if (line.last === carried) this.#lines.delete(deploymentId);
  }

  async #carry(errand: Errand, line: Line | null = null): Promise<void> {
    const { signal } = this.#ended;
    let pauseMs = FIRST_PAUSE_MS;
    let detail = "it was not sent";
    for (let attempts = 0; !signal.aborted; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      if (this.sending.isLate(errand)) {
        this.sending.came(errand, { status: "unknown", detail }, attempts);
        return;
      }
      if (this.sending.mayGo(errand)) {
        attempts++;
        const result = await this.#once(errand, signal);
        if (signal.aborted && result.status === "unknown") return;
        if (result.status !== "unknown") {
          this.sending.came(errand, result, attempts);
          return;
        }
        detail = result.detail;
        if (attempts === 1) this.sending.unsure(errand, detail);
      }
      if (line !== null) line.hurry = new AbortController();
      await this.clock.wait(pauseMs, line?.hurry.signal ?? signal);
    }
  }

  async #once(errand: Errand, signal: AbortSignal): Promise<CarriedOut> {
    try {
      return await this.effects.carryOut(errand, signal);
    } catch (error) {
      // It should not throw. If it does, the command may or may not have arrived.
      return { status: "unknown", detail: error instanceof Error ? error.message : String(error) };
    }
  }
}
