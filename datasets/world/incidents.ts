/**
 * What happens without anybody deploying: incidents, regional shocks, natural
 * error bursts and telemetry outages. Each service's day (UTC) is drawn by its own
 * key, counts from a Poisson, so any window can be made alone. Rollbacks do not
 * change any of it.
 */

import { poissonQuantile, randomStream } from "../../lab/random.ts";
import type { Effect } from "./effects.ts";
import { burstEffects, incidentEffects, reachedEffects, shockEffects } from "./recipes.ts";
import { DAY_MS, MINUTE_MS, remember, serviceOf, type World } from "./world.ts";

export interface Episode {
  readonly episodeId: string;
  /** `reached`: an incident of a service that this one calls. */
  readonly kind: "incident" | "reached" | "shock" | "burst" | "outage";
  readonly service: string;
  readonly startMs: number;
  /** Exclusive; never more than a day after the start. */
  readonly endMs: number;
  /** Relative to `startMs`; empty for an outage, where all samples are missing. */
  readonly effects: readonly Effect[];
}

const ownEpisodesOf = remember((world, name, day): readonly Episode[] => {
  const { incidents, telemetry } = world.spec;
  const random = randomStream(world.seed, "episodes", name, day);
  const found: Episode[] = [];
  const add = (
    kind: Episode["kind"],
    perDay: number,
    durationMs: () => number,
    effects: (durationMs: number) => readonly Effect[],
  ): void => {
    const count = poissonQuantile(random.next(), perDay);
    for (let i = 1; i <= count; i++) {
      const startMs = day * DAY_MS + Math.floor(random.next() * DAY_MS);
      const duration = Math.round(durationMs());
      const episodeId = `${kind}-${name}-${new Date(startMs).toISOString().slice(0, 10)}-${i}`;
      const endMs = startMs + duration;
      found.push({ episodeId, kind, service: name, startMs, endMs, effects: effects(duration) });
    }
  };
  add(
    "incident",
    incidents.perServiceWeek / 7,
    () => random.between(10, 90) * MINUTE_MS,
    (durationMs) => incidentEffects(name, durationMs, random),
  );
  add(
    "burst",
    telemetry.errorBurstsPerDay,
    () => (1 + Math.floor(random.between(0, 5))) * world.stepMs,
    (durationMs) => burstEffects(name, durationMs, random),
  );
  add(
    "outage",
    telemetry.outagesPerWeek / 7,
    () => random.between(2, 10) * MINUTE_MS,
    () => [],
  );
  return found;
});

const apiOutagesOf = remember(
  (world, _fleet, day): readonly { startMs: number; endMs: number }[] => {
    const random = randomStream(world.seed, "apiOutage", day);
    const perWeek = world.spec.telemetry.apiOutagesPerWeek ?? 0;
    return Array.from({ length: poissonQuantile(random.next(), perWeek / 7) }, () => {
      const startMs = day * DAY_MS + Math.floor(random.next() * DAY_MS);
      return { startMs, endMs: startMs + Math.round(random.between(2, 10) * MINUTE_MS) };
    });
  },
);

/** Outages of the metrics API in [fromMs, toMs): no service has a sample. */
export function apiOutagesBetween(
  world: World,
  fromMs: number,
  toMs: number,
): readonly { readonly startMs: number; readonly endMs: number }[] {
  if ((world.spec.telemetry.apiOutagesPerWeek ?? 0) === 0) return [];
  const found: { startMs: number; endMs: number }[] = [];
  for (let day = Math.floor(fromMs / DAY_MS) - 1; day * DAY_MS < toMs; day++) {
    const outages = apiOutagesOf(world, "", day);
    found.push(...outages.filter(({ startMs, endMs }) => startMs < toMs && endMs > fromMs));
  }
  return found.sort((a, b) => a.startMs - b.startMs);
}

const shockTimesOf = remember(
  (world, timezone, day): readonly { startMs: number; endMs: number }[] => {
    const random = randomStream(world.seed, "shock", timezone, day);
    const count = poissonQuantile(random.next(), world.spec.incidents.regionalShocksPerWeek / 7);
    return Array.from({ length: count }, () => {
      const startMs = day * DAY_MS + Math.floor(random.next() * DAY_MS);
      return { startMs, endMs: startMs + Math.round(random.between(10, 40) * MINUTE_MS) };
    });
  },
);

const episodesOf = remember((world, name, day): readonly Episode[] => {
  const service = serviceOf(world, name);
  const shocks = shockTimesOf(world, service.timezone, day).map(
    ({ startMs, endMs }, index): Episode => {
      const random = randomStream(world.seed, "shockEffect", name, day, index);
      return {
        episodeId: `shock-${name}-${new Date(startMs).toISOString().slice(0, 10)}-${index + 1}`,
        kind: "shock",
        service: name,
        startMs,
        endMs,
        effects: shockEffects(name, endMs - startMs, service.levels.shockLoading, random),
      };
    },
  );
  const own = ownEpisodesOf(world, name, day);
  const reached = reachingEpisodes(world, name, day);
  return [...own, ...shocks, ...reached].sort((a, b) => a.startMs - b.startMs);
});

/** Incidents of called services that slow this one too. They go no further than one call. */
function reachingEpisodes(world: World, name: string, day: number): readonly Episode[] {
  const { reachCallers = 0 } = world.spec.incidents;
  if (reachCallers === 0) return [];
  return serviceOf(world, name).dependsOn.flatMap((called) =>
    ownEpisodesOf(world, called, day)
      .filter(({ kind }) => kind === "incident")
      .flatMap((episode): readonly Episode[] => {
        const random = randomStream(world.seed, "reaches", name, episode.episodeId);
        if (!random.chance(reachCallers)) return [];
        const episodeId = `${episode.episodeId}-at-${name}`;
        const effects = reachedEffects(name, episode.effects);
        return [{ ...episode, episodeId, kind: "reached", service: name, effects }];
      }),
  );
}

/** Episodes of one service that overlap [fromMs, toMs), by start. */
export function episodesBetween(
  world: World,
  name: string,
  fromMs: number,
  toMs: number,
): readonly Episode[] {
  const found: Episode[] = [];
  const lastDay = Math.floor((toMs - 1) / DAY_MS);
  for (let day = Math.floor(fromMs / DAY_MS) - 1; day <= lastDay; day++) {
    for (const episode of episodesOf(world, name, day)) {
      if (episode.startMs < toMs && episode.endMs > fromMs) found.push(episode);
    }
  }
  return found;
}
