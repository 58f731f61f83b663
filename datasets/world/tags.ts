/**
 * What people declared about a deployment, and how they got it wrong: the wrong
 * size, the wrong service, too late, or on a regression that it then hides.
 *
 * Law: tags are drawn from the truth, never the other way round; dropping them all
 * leaves every sample as it was.
 */

import type { DeploymentKind } from "../../engine/index.ts";
import type { Label, TagRow } from "../../lab/history/tables.ts";
import { randomStream, type RandomStream } from "../../lab/random.ts";
import type { Effect } from "./effects.ts";
import { HOUR_MS, MINUTE_MS, type World } from "./world.ts";

interface Tagged {
  readonly deploymentId: string;
  readonly service: string;
  readonly startedAtMs: number;
  readonly planned: boolean;
  readonly kind: DeploymentKind;
  readonly label: Label;
  readonly effects: readonly Effect[];
  readonly irreversible: boolean;
  readonly author: string;
}

/** A size as people write it: rounded up to the next 5 %. */
function declared(size: number): string {
  return `${Math.max(5, Math.ceil((size * 100) / 5 - 1e-9) * 5)}%`;
}

/**
 * When the tag was known: from ten minutes to three days before the start, or late,
 * up to 40 min after it. Everything in one announcement is known at once.
 */
function drawKnownAtMs(world: World, startedAtMs: number, random: RandomStream): number {
  const late = random.chance(world.spec.tags.late);
  const early = random.betweenLog(10, 3 * 24 * 60) * MINUTE_MS;
  const afterMs = random.between(5, 40) * MINUTE_MS;
  return Math.round((startedAtMs + (late ? afterMs : -early)) / 1000) * 1000;
}

/** The tags of one deployment, in the words the shipped policies know. */
export function tagsOf(world: World, deployment: Tagged): readonly TagRow[] {
  const { spec } = world;
  const random = randomStream(world.seed, "tags", deployment.deploymentId);
  const knownAtMs = drawKnownAtMs(world, deployment.startedAtMs, random);
  const approved = random.chance(0.5);
  const team = deployment.author.slice(deployment.author.indexOf("@") + 1);
  const rows: TagRow[] = [];
  const add = (tag: string, value: string, more: Partial<TagRow> = {}): void => {
    rows.push({
      deploymentId: deployment.deploymentId,
      service: deployment.service,
      tag,
      value,
      signal: null,
      validFromMs: deployment.startedAtMs,
      validUntilMs: null,
      knownAtMs,
      givenBy: deployment.author,
      approvedBy: approved ? `lead@${team}` : null,
      ...more,
    });
  };

  const accuracy = random.next();
  const factor = random.pick([0.4, 0.5, 2]);
  const elsewhere = random.pick(world.services.filter(({ name }) => name !== deployment.service));
  const guess = random.between(0.1, 0.3);
  const validUntilMs = deployment.startedAtMs + 2 * HOUR_MS;
  if (deployment.label === "expected_change") {
    const rise = riseOf(deployment);
    const { correct, wrongSize, wrongService } = spec.tags;
    if (accuracy < correct) {
      add("expected_latency_increase", declared(rise), { validUntilMs });
    } else if (accuracy < correct + wrongSize) {
      add("expected_latency_increase", declared(rise * factor), { validUntilMs });
    } else if (accuracy < correct + wrongSize + wrongService && elsewhere !== undefined) {
      // It lands on another service as a whole, where it may hide something else.
      const wrong = { deploymentId: null, service: elsewhere.name, validUntilMs };
      add("expected_latency_increase", declared(rise), wrong);
    }
    if (
      accuracy < correct &&
      deployment.effects.some(({ service }) => service !== deployment.service)
    ) {
      add("migration_dependency", "true", { validUntilMs });
    }
  } else if (deployment.label === "regression" && deployment.kind === "migration") {
    if (accuracy < spec.tags.onBadMigrations) {
      add("expected_latency_increase", declared(guess), { validUntilMs });
    }
  }
  if (isAbused(world, deployment, rows)) {
    const claimed = randomStream(world.seed, "claimed", deployment.deploymentId).between(0.3, 1);
    const knownAtMs = deployment.startedAtMs - 10 * MINUTE_MS;
    add("expected_latency_increase", declared(claimed), { validUntilMs, knownAtMs });
  }
  if (deployment.planned) add("migration_window", "true", { validUntilMs });
  if (deployment.irreversible && random.chance(0.9)) add("irreversible", "true");
  if (random.chance(spec.tags.customerCommitment)) add("customer_commitment", "true");
  return rows;
}

/** Somebody who is tired of alarms tags everything; nobody tags twice. */
function isAbused(world: World, { deploymentId }: Tagged, rows: readonly TagRow[]): boolean {
  const { abuse = 0 } = world.spec.tags;
  if (abuse === 0 || rows.some(({ tag }) => tag === "expected_latency_increase")) return false;
  return randomStream(world.seed, "abuse", deploymentId).chance(abuse);
}

/** The p95 rise of the service itself. */
function riseOf(deployment: Tagged): number {
  const own = deployment.effects.filter(
    ({ service, metric }) => service === deployment.service && metric === "latency_p95_ms",
  );
  return Math.max(0, ...own.map(({ size }) => size));
}
