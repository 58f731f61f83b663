/**
 * What keeps a machine from acting anywhere or on one service, whatever the tier of a
 * deployment is: the halt, the storm brake, the cooldown and the rollback budget.
 *
 * What happened in one environment restrains no machine in another: a rollback in staging says
 * nothing of production. The halt alone holds everywhere.
 *
 * A restraint makes the tier `observe`: what is in breach is held and a person is paged.
 * An approval does not lift it: it says what a person wants, not that the machine is
 * fit to do it. Whoever is sure rolls back by hand.
 */

import type { Deployment } from "../event.ts";
import type { Policy, RollbackBudget } from "../policy/policy.ts";
import { formatDuration } from "../policy/quantity.ts";
import { added, keptFrom, withoutPlace } from "./list.ts";
import type { Turn } from "./recorder.ts";
import type { FleetState, PastBreach, PastRollback } from "./state.ts";

/** How far back budgets and cooldowns can look: the schema allows no more. */
const ROLLBACKS_KEPT_MS = 7 * 86_400_000;
/** How far back a storm brake can look: the schema allows no more. */
const BREACHES_KEPT_MS = 86_400_000;

export interface Restraint {
  /** The place in the policy, as `guardrails.cooldown`; or `halt`, which is no part of a policy. */
  readonly rule: string;
  readonly reason: string;
}

/**
 * The restraint that holds for a deployment now; null when none does. Where several hold it is
 * the widest: the halt, then the storm brake, the cooldown and the budget.
 */
export function restraintOn(
  policy: Policy,
  fleet: FleetState,
  deployment: Deployment,
  nowMs: number,
): Restraint | null {
  const { cooldownMs, rollbackBudget, stormBrake } = policy.guardrails;
  if (fleet.halted !== null) {
    const { by, reason } = fleet.halted;
    return { rule: "halt", reason: `all machines were halted by ${by}: ${reason}` };
  }
  if (stormBrake !== null) {
    const { environment } = deployment;
    const services = breachingServices(fleet, environment, nowMs - stormBrake.inMs);
    if (services >= stormBrake.services) {
      const within = formatDuration(stormBrake.inMs);
      const reason = `${services} services in ${environment} breached within ${within}`;
      return { rule: STORM, reason };
    }
  }
  if (cooldownMs !== null) {
    const own = fleet.rollbacks.filter(
      (past) => past.service === deployment.service && isIn(past, deployment.environment),
    );
    const last = own.pop();
    if (last !== undefined && nowMs - last.atMs < cooldownMs) {
      const ago = formatDuration(nowMs - last.atMs);
      // The state of an older engine does not say in which environment a rollback was.
      const where = last.environment === null ? "" : ` in ${last.environment}`;
      const happened = `${deployment.service} was rolled back${where}`;
      const reason = `${happened} ${ago} ago (${last.deploymentId})`;
      return { rule: "guardrails.cooldown", reason };
    }
  }
  return rollbackBudget === null ? null : overBudget(rollbackBudget, fleet, deployment, nowMs);
}

const STORM = "guardrails.stormBrake";

function overBudget(
  { per, max, inMs }: RollbackBudget,
  fleet: FleetState,
  deployment: Deployment,
  nowMs: number,
): Restraint | null {
  // A service without a team is a team of its own.
  const unit = per === "team" && deployment.team === null ? "service" : per;
  const shares = (past: PastRollback): boolean =>
    isIn(past, deployment.environment) && (unit === "fleet" || past[unit] === deployment[unit]);
  const spent = fleet.rollbacks.filter((past) => nowMs - past.atMs < inMs && shares(past)).length;
  if (spent < max) return null;
  const whose = unit === "fleet" ? "the fleet" : `${unit} ${deployment[unit]}`;
  const times = spent === 1 ? "one rollback" : `${spent} rollbacks`;
  const reason =
    `the budget of ${whose} in ${deployment.environment} is spent: ` +
    `${times} within ${formatDuration(inMs)}`;
  return { rule: "guardrails.rollbackBudget", reason };
}

/** Did it happen in this environment? Where the environment is not known, it counts as yes. */
function isIn(past: PastRollback | PastBreach, environment: string): boolean {
  return past.environment === null || past.environment === environment;
}

function breachingServices({ breaches }: FleetState, environment: string, afterMs: number): number {
  return breaches.filter((past) => past.atMs > afterMs && isIn(past, environment)).length;
}

/** Notes that a service is in breach now, which counts towards a storm in its environment. */
export function noteBreach(
  turn: Turn,
  { service, environment }: Pick<Deployment, "service" | "environment">,
  nowMs: number,
): void {
  const { fleet } = turn;
  const kept = keptFrom(fleet.breaches, ({ atMs }) => atMs > nowMs - BREACHES_KEPT_MS);
  const before = kept.findIndex(
    (past) => past.service === service && past.environment === environment,
  );
  const others = before < 0 ? kept : withoutPlace(kept, before);
  fleet.breaches = added(others, { service, environment, atMs: nowMs });
  const { stormBrake } = turn.policy.guardrails;
  if (!fleet.stormPaged.includes(environment)) return;
  const storm =
    stormBrake !== null &&
    breachingServices(fleet, environment, nowMs - stormBrake.inMs) >= stormBrake.services;
  if (!storm) fleet.stormPaged = fleet.stormPaged.filter((name) => name !== environment);
}

/** Notes an ordered rollback. It counts against the budget whoever decided it, however it ends. */
export function noteRollback(turn: Turn, deployment: Deployment, nowMs: number): void {
  const { deploymentId, service, environment, team } = deployment;
  const { fleet } = turn;
  const kept = keptFrom(fleet.rollbacks, ({ atMs }) => atMs > nowMs - ROLLBACKS_KEPT_MS);
  fleet.rollbacks = added(kept, { deploymentId, service, environment, team, atMs: nowMs });
}

/**
 * Is a person to be paged for this restraint? A storm gets one page, not one for each service,
 * so this remembers that the environment was paged.
 */
export function pagesFor(
  turn: Turn,
  restraint: Restraint | null,
  { environment }: Pick<Deployment, "environment">,
): boolean {
  if (restraint?.rule !== STORM) return true;
  const { fleet } = turn;
  if (fleet.stormPaged.includes(environment)) return false;
  fleet.stormPaged = added(fleet.stormPaged, environment);
  return true;
}
