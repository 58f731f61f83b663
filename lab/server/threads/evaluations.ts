/** Evaluations of policies over the history, made once and kept while they are asked for. */

import type { Policy } from "../../../engine/index.ts";
import type { Progress } from "../../progress.ts";
import { evaluate, type EvaluateOptions, type Evaluation } from "../../compare/evaluate.ts";
import type { Within } from "../../compare/within.ts";
import type { History } from "../../history/open.ts";
import { policyFromText } from "../../policy/load.ts";
import type { FleetReplay, PolicyReplay } from "../../replay/decide.ts";

/** A policy as it is handed to a thread. */
export interface PolicyRef {
  readonly id: string;
  readonly file: string;
  readonly text: string;
}

/** How the numbers of this lab are made: the options of the command line. */
export type NumberOptions = Omit<EvaluateOptions, "progress" | "judged" | "told" | "within">;

const KEPT = 4;

export interface Found {
  readonly evaluation: Evaluation;
  /** Where in it the policy stands. */
  readonly at: number;
}

export class Evaluations {
  readonly #kept = new Map<string, Evaluation>();
  readonly #fleets = new WeakMap<PolicyReplay, readonly FleetReplay[]>();

  constructor(
    readonly history: History,
    private readonly options: NumberOptions,
    private readonly progress: Progress,
  ) {}

  /** As `compare` (or `replay`, for one) makes it of these policies in this order. */
  async of(refs: readonly PolicyRef[]): Promise<Evaluation> {
    const policies = named(refs);
    const key = keyOf(policies);
    const kept = this.#kept.get(key);
    if (kept !== undefined) {
      this.#kept.delete(key);
      this.#kept.set(key, kept);
      return kept;
    }
    const evaluation = this.#again(policies) ?? {
      made: evaluate(this.history, policies, this.#asking()),
    };
    const made = await evaluation.made;
    this.#kept.set(key, made);
    if (this.#kept.size > KEPT) this.#kept.delete(this.#kept.keys().next().value!);
    return made;
  }

  /**
   * The same with only a stretch of it scored. It is not kept: its outcomes are not those of all
   * deployments, as whoever asks for one of them expects, and its answer is kept by who asked.
   */
  async scored(refs: readonly PolicyRef[], within: Within | undefined): Promise<Evaluation> {
    const whole = await this.of(refs);
    return within === undefined ? whole : this.#again(named(refs), within)!.made;
  }

  /** Any evaluation that has the policy, or one of it alone. */
  async having(ref: PolicyRef): Promise<Found> {
    const found = this.known(ref);
    return found ?? { evaluation: await this.of([ref]), at: 0 };
  }

  /** The whole fleet event by event: on what history shows, as the log has it. */
  fleetsOf({ evaluation, at }: Found): readonly FleetReplay[] {
    const replayed = evaluation.replay.policies[at]!;
    let fleets = this.#fleets.get(replayed);
    if (fleets === undefined) this.#fleets.set(replayed, (fleets = replayed.fleets()));
    return fleets;
  }

  /** Null where none has it yet. */
  known(ref: PolicyRef): Found | null {
    const { digest } = policyFromText(ref.text, ref.file);
    for (const evaluation of [...this.#kept.values()].reverse()) {
      const at = evaluation.policies.findIndex(({ policy }) => policy.digest === digest);
      if (at >= 0) return { evaluation, at };
    }
    return null;
  }

  #asking(): EvaluateOptions {
    return { ...this.options, progress: this.progress, modelled: { limits: [] } };
  }

  /**
   * The same policies with another one as the baseline, or less of the history scored: they were
   * judged already, so that only what history cut short is read again. The numbers are the same.
   */
  #again(
    policies: readonly Policy[],
    within?: Within,
  ): { readonly made: Promise<Evaluation> } | null {
    const set = [...policies.map(({ digest }) => digest)].sort().join(" ");
    for (const other of this.#kept.values()) {
      const digests = other.policies.map(({ policy }) => policy.digest);
      if ([...digests].sort().join(" ") !== set) continue;
      const judged = policies.map(
        ({ digest }) => other.replay.policies[digests.indexOf(digest)]!.judged,
      );
      const options = {
        ...this.#asking(),
        judged,
        ...(within === undefined ? {} : { within }),
      };
      const { samplesRead } = other.manifest;
      const again = async (): Promise<Evaluation> => {
        const made = await evaluate(this.history, policies, options);
        return { ...made, manifest: { ...made.manifest, samplesRead } };
      };
      return { made: again() };
    }
    return null;
  }
}

function keyOf(policies: readonly Policy[]): string {
  return policies.map(({ policy, digest }) => `${policy} ${digest}`).join("\n");
}

/** Drafts are often called what they were made of: results are listed by name. */
export function named(refs: readonly PolicyRef[]): readonly Policy[] {
  const taken = new Set<string>();
  return refs.map(({ id, file, text }) => {
    const policy = policyFromText(text, file);
    const name = taken.has(policy.policy) ? `${policy.policy} (${id})` : policy.policy;
    taken.add(name);
    return name === policy.policy ? policy : { ...policy, policy: name };
  });
}

/** A policy and a change of it, as `compare` and `gate` see the two. */
export function evaluateTwo(
  history: History,
  base: Policy,
  changed: Policy,
  options: EvaluateOptions,
): Promise<Evaluation> {
  const isTaken = base.policy === changed.policy;
  const name = isTaken ? `${changed.policy} (candidate)` : changed.policy;
  return evaluate(history, [base, { ...changed, policy: name }], options);
}
