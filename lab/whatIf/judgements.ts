/**
 * The judgements of each signal on each deployment, under the policies that are asked for: computed
 * once, kept, and computed again only where a change of the policy can affect them.
 *
 * A judgement that is as quiet as the base's is replaced by the base's object, so that deployments
 * without signs of harm can share cached outcomes. Its texts are then the base's; its verdicts, and
 * every number that follows from them, are the same as its own.
 */

import {
  canonicalJson,
  compareEvents,
  type Policy,
  type SignalJudged,
} from "../../engine/index.ts";
import { detectionKey } from "../replay/families.ts";
import { touchedBy } from "./affected.ts";
import { judgeUnit, type Judged, type Material, type Unit } from "./material.ts";

/** The judgements of one signal, by index in the plan. */
export interface Said {
  readonly seen: readonly Judged[];
  readonly imagined: ReadonlyMap<number, Judged>;
}

/** The judgements of all signals, by index in the plan; cut-short deployments are continued. */
export interface AllSaid {
  readonly judgements: readonly (readonly SignalJudged[])[];
  readonly imagined: ReadonlySet<number>;
}

/** The number of pairs of signal and setting that are kept. */
const KEPT = 600;

export class Judgements {
  readonly #said = new Map<string, Said>();
  readonly #all = new Map<string, AllSaid>();

  constructor(readonly material: Material) {}

  /** @param base the policy that was changed; the policy itself if there is none */
  of(policy: Policy, base: Policy): AllSaid {
    const key = keyOf(policy);
    const known = this.#all.get(key);
    if (known !== undefined) return known;
    const own = policy.signals.map(({ name }) => this.#signal(policy, base, name));
    const like = policy === base ? null : this.of(base, base);
    const theirs =
      like === null
        ? null
        : policy.signals.map(({ name }) =>
            base.signals.some((one) => one.name === name) ? this.#signal(base, base, name) : null,
          );
    const alike = base.signals.length === policy.signals.length;
    const { plan, imagined } = this.material;
    const endsAt = (place: number): number =>
      plan.deployments.at(place)!.deployment.startedAtMs + policy.watchMs;
    const hidden = new Set<number>();
    for (const [place, { planned }] of imagined) {
      const cutAtMs = plan.deployments.at(place)!.rolledBackAtMs!;
      if (planned.rolledBackAtMs === null && cutAtMs < endsAt(place)) hidden.add(place);
    }
    const judgements = plan.deployments.map((_, place) => {
      const pick = (said: Said): Judged =>
        hidden.has(place) ? said.imagined.get(place)! : said.seen[place]!;
      const mine = own.map(pick);
      const same =
        alike &&
        theirs !== null &&
        theirs.every((one, at) => one !== null && pick(one) === mine[at]);
      return same ? like!.judgements[place]! : merged(mine);
    });
    const all = { judgements, imagined: hidden };
    this.#all.set(key, all);
    if (this.#all.size > KEPT / 10) this.#all.delete(this.#all.keys().next().value!);
    return all;
  }

  /** Judges one signal in advance; yields after every `STRETCH` deployments. */
  *ahead(policy: Policy, base: Policy, signal: string): Generator<void> {
    if (this.#said.has(keyOf(policy, signal))) return;
    yield* this.#judge(policy, base, signal);
  }

  #signal(policy: Policy, base: Policy, name: string): Said {
    const known = this.#said.get(keyOf(policy, name));
    if (known !== undefined) return known;
    const judging = this.#judge(policy, base, name);
    for (;;) {
      const step = judging.next();
      if (step.done === true) return step.value;
    }
  }

  *#judge(policy: Policy, base: Policy, name: string): Generator<void, Said> {
    const alone = onlyWith(policy, name);
    const isBase = policy === base || !base.signals.some((signal) => signal.name === name);
    const like = isBase ? null : this.#signal(base, base, name);
    const touched = isBase ? null : touchedBy(base, policy, name);
    const judge = (unit: Unit, before: Judged | undefined): Judged => {
      if (before !== undefined && touched !== null && !touched(unit, before)) return before;
      const judged = judgeUnit(alone, unit);
      return before !== undefined && soundAlike(before, judged) ? before : judged;
    };
    const { seen, imagined } = this.material;
    const said: Judged[] = [];
    for (const [place, unit] of seen.entries()) {
      said.push(judge(unit, like?.seen[place]));
      if (place % STRETCH === STRETCH - 1) yield;
    }
    const drawn = new Map<number, Judged>();
    for (const [place, unit] of imagined) drawn.set(place, judge(unit, like?.imagined.get(place)));
    const made = { seen: said, imagined: drawn };
    this.#said.set(keyOf(policy, name), made);
    if (this.#said.size > KEPT) this.#said.delete(this.#said.keys().next().value!);
    return made;
  }
}

/** Deployments that are judged before other work may run. */
const STRETCH = 128;

export function onlyWith(policy: Policy, name: string): Policy {
  return { ...policy, signals: policy.signals.filter((signal) => signal.name === name) };
}

function keyOf(policy: Policy, signal?: string): string {
  const signals =
    signal === undefined ? policy.signals : policy.signals.filter(({ name }) => name === signal);
  return detectionKey(policy, signals);
}

/** Are both quiet, with the same verdicts at the same times? Decisions depend on nothing else. */
function soundAlike(one: Judged, other: Judged): boolean {
  if (!one.quiet || !other.quiet) return false;
  if (one.within !== other.within || one.judgements.length !== other.judgements.length)
    return false;
  return one.judgements.every((judgement, at) => {
    const { evidence, ...rest } = other.judgements[at]!;
    const mine = judgement.evidence;
    return (
      judgement.knownAtMs === rest.knownAtMs &&
      judgement.atMs === rest.atMs &&
      judgement.cause === rest.cause &&
      mine.verdict === evidence.verdict &&
      mine.untagged === evidence.untagged &&
      mine.series === evidence.series &&
      mine.baselineSamples === evidence.baselineSamples &&
      canonicalJson(mine.standing) === canonicalJson(evidence.standing)
    );
  });
}

/** Merges signals as one watch of all of them: in known order, and at its end signal by signal. */
function merged(parts: readonly Judged[]): readonly SignalJudged[] {
  const before: SignalJudged[] = [];
  const last: SignalJudged[] = [];
  for (const { judgements } of parts) {
    for (const one of judgements) (one.cause === "end" ? last : before).push(one);
  }
  return [...before.sort(compareEvents), ...last];
}
