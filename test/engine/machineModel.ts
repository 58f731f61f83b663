/**
 * What a rollback needs, from the script and the policies alone: a second opinion on the
 * decision machine that reads none of its state. It remembers what happened and counts it
 * anew at every question.
 */

import type {
  DecisionEvent,
  DecisionRecord,
  Deployment,
  EngineCommand,
  Policy,
  TierName,
  Verdict,
} from "../../engine/index.ts";

const TIERS: readonly TierName[] = ["full", "override", "approve", "observe"];
const FLOORS: Readonly<Record<string, TierName>> = { careful: "approve", watched: "observe" };
/** How long a tag with a rule in `context` counts, from the deployment's start. */
const TAG_COUNTS_MS = 2 * 3_600_000;

interface Question {
  readonly askedAtMs: number;
  readonly tier: TierName;
}

interface Known {
  readonly deployment: Deployment;
  /** The one it started under. */
  readonly policy: Policy;
  readonly verdicts: Map<string, Verdict>;
  question: Question | null;
  objected: boolean;
  ordered: boolean;
  /** One that started later, or at once, took its place before anything was done about it. */
  replaced: boolean;
  quarantined: boolean;
  over: boolean;
}

/** Of one service in one environment: what happens in another is of no account there. */
function isBeside(one: Deployment, other: Deployment): boolean {
  return one.service === other.service && one.environment === other.environment;
}

export class MachineModel {
  readonly known = new Map<string, Known>();
  readonly #tags: { service: string; deploymentId: string | null; tag: string }[] = [];
  readonly #rollbacks: { deployment: Deployment; atMs: number }[] = [];
  /** When a service last was in breach, by environment. */
  readonly #breaches = new Map<string, Map<string, number>>();
  #halted = false;
  #current: Policy;

  constructor(policy: Policy) {
    this.#current = policy;
  }

  /** What happened, before anything is said about it. */
  happened(event: DecisionEvent): void {
    switch (event.kind) {
      case "haltOrdered":
        this.#halted = true;
        break;
      case "haltLifted":
        this.#halted = false;
        break;
      case "policyChanged":
        this.#current = event.policy;
        break;
      case "deploymentTagged":
        this.#tags.push(event.tag);
        break;
      case "deploymentStarted": {
        const { deployment } = event;
        const ofService = [...this.known.values()].filter((one) =>
          isBeside(one.deployment, deployment),
        );
        const isLater = (one: Known): boolean =>
          one.deployment.startedAtMs > deployment.startedAtMs;
        for (const one of ofService) {
          one.replaced ||= !isLater(one) && !one.ordered && !one.over;
        }
        this.known.set(deployment.deploymentId, {
          deployment,
          policy: this.#current,
          verdicts: new Map(),
          question: null,
          objected: false,
          ordered: false,
          replaced: ofService.some(isLater),
          quarantined: false,
          over: false,
        });
        break;
      }
      case "signalJudged": {
        const one = this.known.get(event.deploymentId)!;
        if (one.over) break;
        one.verdicts.set(event.evidence.signal, event.evidence.verdict);
        if (!this.stands(one)) break;
        const { service, environment } = one.deployment;
        const there = this.#breaches.get(environment) ?? new Map<string, number>();
        this.#breaches.set(environment, there.set(service, event.knownAtMs));
        break;
      }
      case "overrideGiven": {
        const one = this.known.get(event.deploymentId)!;
        if (one.question !== null && event.justification.trim() !== "") one.objected = true;
        break;
      }
      case "deploymentQuarantined":
        this.known.get(event.deploymentId)!.quarantined = true;
        break;
      // The scripts have no agents; agents.test.ts and the properties have.
      case "agentProposed":
      case "approvalGiven":
      case "stageReached":
      case "rollbackFinished":
      case "requestRefused":
      case "faultReported":
      case "clockAdvanced":
        break;
    }
  }

  /** What the machine did about it, in its order. */
  did(record: DecisionRecord, commands: readonly EngineCommand[]): void {
    const one = this.known.get(record.deploymentId);
    if (one === undefined) return;
    for (const { kind, askedAtMs } of commands) {
      if (kind === "propose") one.question = { askedAtMs, tier: record.tier! };
      if (kind === "withdrawProposal") one.question = null;
      if (kind !== "rollBack") continue;
      one.question = null;
      one.ordered = true;
      this.#rollbacks.push({ deployment: one.deployment, atMs: askedAtMs });
    }
    if (record.decision === "ended") {
      one.question = null;
      one.over = true;
    }
  }

  /**
   * Does a breach stand? Silence and doubt are none. Under `evidence` one signal in breach
   * is enough for every tier, as the scripts' evidence is that strong or hardly any.
   */
  stands({ policy, verdicts }: Known): boolean {
    const breaching = [...verdicts.values()].filter((verdict) => verdict === "breach").length;
    return policy.fusion === "all" ? breaching === 2 : breaching > 0;
  }

  /** The tier of the rules and tags. */
  tier({ policy, deployment }: Known, nowMs: number): TierName {
    const assigned = policy.assign.at(-1)!.tier;
    const tags = this.#tags.filter(
      ({ service, deploymentId }) =>
        service === deployment.service &&
        (deploymentId ?? deployment.deploymentId) === deployment.deploymentId,
    );
    const floors = tags.flatMap(({ tag }) =>
      nowMs < deployment.startedAtMs + TAG_COUNTS_MS ? [FLOORS[tag] ?? assigned] : [],
    );
    const frozen = tags.some(({ tag }) => tag === "frozen");
    if (frozen && [policy, this.#current].some(({ guardrails }) => guardrails.never.length > 0)) {
      return "observe";
    }
    return [assigned, ...floors].sort((a, b) => TIERS.indexOf(b) - TIERS.indexOf(a))[0]!;
  }

  /**
   * Why no machine may roll this deployment back now, whatever a person says; null when it may.
   *
   * @param counts does what happened in that environment count? Only the deployment's own does
   */
  forbidden(
    one: Known,
    nowMs: number,
    counts = (environment: string): boolean => environment === one.deployment.environment,
  ): string | null {
    if (one.ordered) return "it was rolled back already";
    if (one.objected) return "somebody objected";
    if (one.quarantined) return "it is quarantined";
    if (one.over || one.replaced) return "it is over";
    if (this.#halted) return "all machines are halted";
    if (this.tier(one, nowMs) === "observe") return "it is never delegated";
    for (const { guardrails } of [one.policy, this.#current]) {
      const { stormBrake, cooldownMs, rollbackBudget } = guardrails;
      const since = (atMs: number): number => nowMs - atMs;
      if (stormBrake !== null) {
        const there = [...this.#breaches].filter(([environment]) => counts(environment));
        const services = there
          .flatMap(([, byService]) => [...byService.values()])
          .filter((ms) => since(ms) < stormBrake.inMs);
        if (services.length >= stormBrake.services) return "there is a storm";
      }
      const { service, team } = one.deployment;
      const here = this.#rollbacks.filter(({ deployment }) => counts(deployment.environment));
      const same = here.filter(({ deployment }) => deployment.service === service);
      if (cooldownMs !== null && same.some(({ atMs }) => since(atMs) < cooldownMs)) {
        return "the service cools down";
      }
      if (rollbackBudget === null) continue;
      const { per, max, inMs } = rollbackBudget;
      const group =
        per === "fleet"
          ? here
          : per === "team" && team !== null
            ? here.filter(({ deployment }) => deployment.team === team)
            : same;
      if (group.filter(({ atMs }) => since(atMs) < inMs).length >= max)
        return "the budget is spent";
    }
    return null;
  }

  /** When silence answers the question that stands, and with what. */
  static silence(
    { policy }: Known,
    { tier, askedAtMs }: Question,
  ): { atMs: number; rollsBack: boolean } {
    const { override, approve } = policy.tiers;
    if (tier === "override") {
      return { atMs: askedAtMs + override.windowMs, rollsBack: override.onTimeout === "rollback" };
    }
    const waits = approve.escalate.reduce((sum, { slaMs }) => sum + slaMs, approve.slaMs);
    return { atMs: askedAtMs + waits, rollsBack: approve.onExpiry === "rollback" };
  }

  /** Must the machine act on silence at this instant? */
  actsOnSilence(one: Known, nowMs: number): boolean {
    const { question } = one;
    if (question === null || !this.stands(one)) return false;
    const { atMs, rollsBack } = MachineModel.silence(one, question);
    if (atMs !== nowMs || !rollsBack) return false;
    const stricter = TIERS.indexOf(this.tier(one, nowMs)) > TIERS.indexOf(question.tier);
    return !stricter && this.forbidden(one, nowMs) === null;
  }
}
