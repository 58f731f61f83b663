/**
 * Carries commands out, each under one key until something is known of it: asked again with
 * growing pauses while nobody knows whether it arrived, and given up when it is too late.
 *
 * What is asked about one deployment, asked of others and taken back goes out in that order, one
 * at a time: a question that arrives after it was taken back stands for ever. All else waits for
 * nothing.
 */

import type { EngineCommand } from "../../engine/index.ts";
import type { CarriedOut, Clock, Effects, Errand } from "./contract.ts";

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30_000;

export interface Sending {
  /** May it go now? What may not waits, and is asked again. */
  readonly mayGo: (errand: Errand) => boolean;
  /** Is it of no use any more? */
  readonly isLate: (errand: Errand) => boolean;
  /** The first time that nobody knows; the next attempts are silent. */
  readonly unsure: (errand: Errand, why: string) => void;
  /** @param attempts how often it went out */
  readonly came: (errand: Errand, of: CarriedOut, attempts: number) => void;
}

/** These say what stands of a question. */
const ON_QUESTIONS: readonly EngineCommand["kind"][] = ["propose", "escalate", "withdrawProposal"];

/** Of the words about the questions of one deployment. */
interface Line {
  /** Comes when all that are in it have come of something. */
  last: Promise<void>;
  /** Ends the pause of the first, which the next may have made late. */
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

  /** Nothing goes out any more; what is under way is told to end. */
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
      // It should not throw; whether the command arrived nobody knows then either.
      return { status: "unknown", detail: error instanceof Error ? error.message : String(error) };
    }
  }
}
