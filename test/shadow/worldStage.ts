/**
 * A host in a generated world: its samples, late ones and lost ones among them, its deployments,
 * tags and stages, people who answer, and rollbacks that the world feels.
 */

import {
  deploymentsBetween,
  generateSamples,
  KNOWN_DELAY_MS,
  metricsOf,
  sampleIndexAt,
  serviceTags,
  type World,
  type WorldDeployment,
} from "../../datasets/world/index.ts";
import { readsSeries, recentReach, type Policy } from "../../engine/index.ts";
import { namedMetric } from "../../lab/history/metric/seriesName.ts";
import { modelled } from "../../lab/people/modelled.ts";
import { counter, uniformAt } from "../../lab/random.ts";
import type {
  CarriedOut,
  Errand,
  MetricsSource,
  Taken,
  HostInput,
} from "../../lab/shadow/contract.ts";
import { startHost } from "../../lab/shadow/host.ts";
import { realDisk } from "../../lab/shadow/journal/disk.ts";
import { OPTIONS } from "./stage.ts";
import { TestClock } from "./testClock.ts";

const MINUTE_MS = 60_000;
/** Three segments a day, and several states beside each. */
const ROTATE_MS = 8 * 60 * MINUTE_MS;
const KEEP_MS = 10 * MINUTE_MS;

export interface Lived {
  readonly deployments: number;
  readonly polls: number;
  readonly notes: readonly string[];
}

/** Somebody does something at a moment of the world's time. */
interface Due {
  readonly atMs: number;
  readonly told: HostInput;
}

/** Lives a stretch of a world under a policy; the journal is in `dir`. */
export async function liveIn(
  world: World,
  policy: Policy,
  dir: string,
  { fromMs, toMs, act }: { fromMs: number; toMs: number; act: boolean },
): Promise<Lived> {
  const clock = new TestClock(fromMs);
  const reach = recentReach(policy);
  const source = new WorldSource(world, policy, () => clock.wallMs(), fromMs - reach.keepMs);
  const byId = new Map(
    deploymentsBetween(world, null, fromMs, toMs - policy.watchMs - 10 * MINUTE_MS).map((one) => [
      one.deploymentId,
      one,
    ]),
  );
  const due: Due[] = [...byId.values()].flatMap((one) => eventsOf(world, one, toMs));
  const people = modelled((id) => {
    const { service, label } = byId.get(id)!;
    const { timezone, team } = world.byName.get(service)!;
    return { timezone, team, truthIsBad: label === "regression" };
  }, world.spec.people.seed);
  const put = (one: Due): void => {
    due.push(one);
    due.sort((a, b) => a.atMs - b.atMs);
  };
  const carryOut = ({ command }: Errand): Promise<CarriedOut> => {
    if (command.kind === "propose" || command.kind === "escalate") {
      for (const event of people.answers(command)) {
        if (event.kind === "overrideGiven" || event.kind === "approvalGiven") {
          put({ atMs: event.atMs, told: event });
        }
      }
    }
    if (command.kind === "rollBack") {
      const { deploymentId, askedAtMs } = command;
      const { rollbackMs, rollbackSucceeds: succeeded } = byId.get(deploymentId)!;
      const atMs = askedAtMs + rollbackMs;
      if (succeeded) source.rolledBack(deploymentId, atMs);
      const detail = succeeded ? "" : "the platform could not put the old version back";
      const told: HostInput = { kind: "rollbackFinished", atMs, deploymentId, succeeded, detail };
      put({ atMs, told });
    }
    return Promise.resolve({ status: "done", finished: null });
  };
  const notes: string[] = [];
  const host = await startHost(
    {
      policy,
      services: world.services.map(({ name, team, criticality, timezone, dependsOn }) => ({
        ...{ service: name, team, criticality, timezone, dependsOn },
        revenuePerMinute: null,
      })),
      dir,
      source,
      effects: { carryOut },
      clock,
      lease: { acquire: () => Promise.resolve(), holds: () => true },
      note: (text) => notes.push(text),
      options: { ...OPTIONS, act, pollMs: MINUTE_MS, rotateMs: ROTATE_MS, keepMs: KEEP_MS },
    },
    undefined,
    realDisk(() => undefined),
  );
  due.sort((a, b) => a.atMs - b.atMs);
  for (;;) {
    const next = due.shift();
    const atMs = Math.min(next?.atMs ?? toMs, toMs);
    // What people answer and platforms finish meanwhile may come before it.
    await clock.passTo(atMs, () => due.length > 0 && due[0]!.atMs < atMs);
    if (clock.wallMs() < atMs) {
      if (next !== undefined) put(next);
    } else if (next === undefined || next.atMs >= toMs) break;
    else await host.tell(next.told);
  }
  const { polls } = host.status().counts;
  await host.stop();
  return { deployments: byId.size, polls: polls!, notes };
}

/** A start is heard of with a delay, everything else when it becomes known. */
function eventsOf(world: World, one: WorldDeployment, toMs: number): Due[] {
  const { deploymentId, service, kind, startedAtMs, version, author, tags, stages } = one;
  const heardMs = startedAtMs + Math.floor(90_000 * chance("heard", deploymentId, 0));
  const deployment = {
    ...{ deploymentId, service, kind, startedAtMs, version, author },
    ...{ environment: "production", team: null, criticality: null },
  };
  const own = tags.filter((tag) => tag.deploymentId !== null);
  const all = [
    ...own,
    ...serviceTags(world, service, startedAtMs, Math.min(toMs, startedAtMs + 1)),
  ];
  return [
    { atMs: heardMs, told: { kind: "deploymentStarted", atMs: startedAtMs, deployment } },
    ...all.map((tag): Due => ({
      atMs: Math.max(tag.knownAtMs, startedAtMs - 30 * MINUTE_MS),
      told: { kind: "deploymentTagged", atMs: tag.knownAtMs, tag },
    })),
    ...stages.map(({ share, atMs }): Due => ({
      atMs: Math.max(atMs, heardMs) + 1000,
      told: { kind: "stageReached", atMs, deploymentId, share: share ?? 1 },
    })),
  ];
}

function chance(what: string, key: string, index: number): number {
  const { a, b } = counter(11, what, key);
  return uniformAt(a, b, index);
}

/** Samples as a collector has them by now: most after a quarter of a minute, some later. */
class WorldSource implements MetricsSource {
  readonly #metrics: ReturnType<typeof metricsOf>;
  readonly #ended = new Map<string, number>();
  readonly #drawn = new Map<string, { readonly firstMs: number; readonly values: Float32Array }>();

  constructor(
    private readonly world: World,
    policy: Policy,
    private readonly nowMs: () => number,
    /** The oldest sample that the journal will have. */
    private readonly begunMs: number,
  ) {
    this.#metrics = metricsOf(world).filter((metric) =>
      policy.signals.some((signal) => readsSeries(signal, namedMetric(metric, null))),
    );
  }

  rolledBack(deploymentId: string, atMs: number): void {
    this.#ended.set(deploymentId, atMs);
    this.#drawn.clear();
  }

  take = (fromMs: number, toMs: number): Promise<Taken> => {
    const columns = this.world.services.flatMap(({ name }) =>
      this.#metrics.map((metric) => {
        const { firstMs, values } = this.#of(name, metric);
        const { stepMs } = this.world;
        const atMs: number[] = [];
        const taken: number[] = [];
        const first = Math.max(0, Math.floor((fromMs - firstMs) / stepMs) + 1);
        for (let at = first; firstMs + at * stepMs <= toMs && at < values.length; at++) {
          const isLate = chance("late", name, at) < 0.03;
          const delayMs = KNOWN_DELAY_MS + (isLate ? 40_000 : 0);
          if (firstMs + at * stepMs + delayMs > this.nowMs()) continue;
          atMs.push(firstMs + at * stepMs);
          taken.push(values[at]!);
        }
        const series = { service: name, metric, version: null, percentagePoint: 0.01 };
        return { series, atMs, values: taken };
      }),
    );
    return Promise.resolve({ columns, problems: [] });
  };

  /** What a history of this world's journal would have: nothing from before the host began. */
  takeOf = (services: readonly string[], fromMs: number, toMs: number): Promise<Taken> => {
    const { world } = this;
    const first = Math.max(fromMs, this.begunMs) + 1;
    if (toMs < first) return Promise.resolve({ columns: [], problems: [] });
    const columns = services.flatMap((service) =>
      this.#metrics.map((metric) => {
        const ended = (id: string): number | null => this.#ended.get(id) ?? null;
        const drawn = generateSamples(world, service, metric, first, toMs + 1, ended);
        const firstMs = world.startMs + sampleIndexAt(world, first) * world.stepMs;
        const atMs = Array.from(drawn, (_, at) => firstMs + at * world.stepMs);
        const series = { service, metric, version: null, percentagePoint: 0.01 };
        return { series, atMs, values: Array.from(drawn) };
      }),
    );
    return Promise.resolve({ columns, problems: [] });
  };

  /** A day at a time: only what a rollback changed is drawn again. */
  #of(service: string, metric: ReturnType<typeof metricsOf>[number]) {
    const { world } = this;
    const dayMs = 24 * 60 * MINUTE_MS;
    const firstDayMs = Math.floor((this.nowMs() - dayMs / 4) / dayMs) * dayMs;
    const key = `${service} ${metric} ${firstDayMs}`;
    let drawn = this.#drawn.get(key);
    if (drawn === undefined) {
      const firstMs = world.startMs + Math.max(0, sampleIndexAt(world, firstDayMs)) * world.stepMs;
      const ended = (id: string): number | null => this.#ended.get(id) ?? null;
      const toMs = firstDayMs + 2 * dayMs;
      drawn = {
        firstMs,
        values: generateSamples(world, service, metric, firstDayMs, toMs, ended),
      };
      this.#drawn.set(key, drawn);
    }
    return drawn;
  }
}
