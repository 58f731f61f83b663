/**
 * Samples of one series of a world, for any window.
 *
 * Law: a sample is a function of (world, series, its index, the rollbacks that took
 * effect). A window alone is bit-identical to the same window cut out of the whole.
 *
 * Model: traffic = level × day (two harmonics, local time) × weekday × AR(1) noise;
 * utilisation = traffic / capacity; latency's log median grows as -gamma log(1 -
 * utilisation), with AR(1) noise; p50, p95 and p99 are noisy like quantiles of that
 * minute's requests; errors are overdispersed counts over requests.
 *
 * A sample at time t speaks about (t - step, t]. Simplifications: the season's clock
 * change moves at the next noise block (hours late on two nights a year); effects
 * touch the metrics they name and do not work their way from traffic to latency.
 */

import { bitsAt, counter, uniformAt, type Counter } from "../../lab/random.ts";
import { utcOffsetMs } from "../../lab/localTime.ts";
import { activeEffects, applyEffects, type Interventions } from "./active.ts";
import { countUp, restartsBetween } from "./counter.ts";
import { REQUESTS_TOTAL, type Metric, type WorldMetric } from "./effects.ts";
import { apiOutagesBetween, episodesBetween } from "./incidents.ts";
import { bendUpwards, fillNoise, NOISE_BLOCK } from "./noise.ts";
import type { Service } from "./services.ts";
import { DAY_MS, remember, serviceOf, type World } from "./world.ts";
import { fillShares, versionsBetween } from "./versions.ts";
import { noiseOf, WRITERS, type Columns, type Writing } from "./writers.ts";

const TRAFFIC_PHI = 0.9;
const TRAFFIC_SD = 0.05;
/** Autocorrelation of the shared traffic: it changes over half an hour, not over ten minutes. */
const SHARED_PHI = 0.97;
/** Shock loadings are between 0.3 and 0.8; divided by this mean, the average service has 1. */
const MEAN_LOADING = 0.55;

/** The log season over a local day, one value a sample. */
const seasonOf = remember((world, name): Float64Array => {
  const { dayAmplitude, peakHour } = serviceOf(world, name).levels;
  return Float64Array.from({ length: world.samplesPerDay }, (_, index) => {
    const angle = (2 * Math.PI * ((24 * index) / world.samplesPerDay - peakHour)) / 24;
    return dayAmplitude * (Math.cos(angle) + 0.3 * Math.cos(2 * angle + 0.6));
  });
});

/** Traffic's logarithm on samples [0, to) of a block. */
function fillTraffic(
  world: World,
  service: Service,
  key: Counter,
  columns: Columns,
  first: number,
  to: number,
): void {
  const { logTraffic } = columns;
  fillNoise(logTraffic, first, to, key, TRAFFIC_PHI, TRAFFIC_SD);
  const { sharedTraffic = 0 } = world.spec.services;
  if (sharedTraffic > 0) {
    const shared = counter(world.seed, "noise", service.timezone, "shared");
    const sd = (sharedTraffic * service.levels.shockLoading) / MEAN_LOADING;
    fillNoise(columns.shared, first, to, shared, SHARED_PHI, sd);
    for (let i = 0; i < to; i++) logTraffic[i]! += columns.shared[i]!;
  }
  const season = seasonOf(world, service.name, 0);
  const level = Math.log(service.levels.throughputRps);
  const blockMs = world.startMs + first * world.stepMs;
  const localMs = blockMs + utcOffsetMs(service.timezone, blockMs);
  let place = Math.floor((localMs - Math.floor(localMs / DAY_MS) * DAY_MS) / world.stepMs);
  for (let i = 0; i < to; i++) {
    logTraffic[i]! += level + season[place]!;
    if (++place === world.samplesPerDay) place = 0;
  }
  // Weekdays pass into each other between one noon and the next, without a jump at midnight.
  const noons = localMs / DAY_MS - 0.5;
  for (let day = Math.floor(noons); day <= noons + to / world.samplesPerDay; day++) {
    const before = weekdayLevel(day, service.levels.weekend);
    const rise = weekdayLevel(day + 1, service.levels.weekend) - before;
    if (before === 0 && rise === 0) continue;
    const begin = Math.max(0, Math.ceil((day - noons) * world.samplesPerDay));
    const end = Math.min(to, Math.ceil((day + 1 - noons) * world.samplesPerDay));
    for (let i = begin; i < end; i++) {
      logTraffic[i]! += before + rise * (noons + i / world.samplesPerDay - day);
    }
  }
}

/** 1970-01-01 was a Thursday, so Saturday and Sunday are days 2 and 3 of a week from it. */
function weekdayLevel(day: number, weekend: number): number {
  const place = day % 7;
  return place === 2 || place === 3 ? weekend : 0;
}

/** Metrics that have no sample in a step without requests. */
const RATED: ReadonlySet<Metric> = new Set([
  "latency_p50_ms",
  "latency_p95_ms",
  "latency_p99_ms",
  "error_rate",
  "conversion_rate",
]);

/** In a world with `services.traffic`: drops samples of steps that have no request (Poisson). */
function loseIdle(
  { logTraffic, share }: Columns,
  key: Counter,
  stepSeconds: number,
  first: number,
  from: number,
  to: number,
  missing: Uint8Array,
  at: number,
): void {
  for (let i = from; i < to; i++) {
    const requests = Math.exp(logTraffic[i]!) * share[i]! * stepSeconds;
    if (requests < 24 && uniformAt(key.a, key.b, first + i) < Math.exp(-requests)) {
      missing[at + i - from] = 1;
    }
  }
}

/** Of the variance of a version's noise, so much is its own: its pods, their nodes, their luck. */
const OWN_VARIANCE = 0.15;

/** Makes a part of the noise the version's own; the variance stays. */
function addOwnNoise(
  { noise, shared }: Columns,
  first: number,
  to: number,
  key: Counter,
  { phi, sd }: { readonly phi: number; readonly sd: number },
): void {
  fillNoise(shared, first, to, key, phi, sd * Math.sqrt(OWN_VARIANCE));
  for (let i = 0; i < to; i++) noise[i] = noise[i]! * Math.sqrt(1 - OWN_VARIANCE) + shared[i]!;
}

/** Replaces a part of the latency noise by that of the services it calls; the variance stays. */
function addNoiseOfCalled(
  world: World,
  { noiseFrom }: Service,
  { noise, shared }: Columns,
  first: number,
  to: number,
  sd: number,
): void {
  const own = 1 - noiseFrom.reduce((sum, { correlation }) => sum + correlation ** 2, 0);
  for (let i = 0; i < to; i++) noise[i] = noise[i]! * Math.sqrt(own);
  for (const { service, correlation } of noiseFrom) {
    const key = counter(world.seed, "noise", service, "latency");
    // The called service's own part of its noise: what it has from others goes no further.
    fillNoise(shared, first, to, key, serviceOf(world, service).levels.noisePhi, sd * correlation);
    for (let i = 0; i < to; i++) noise[i] = noise[i]! + shared[i]!;
  }
}

/** Index of the first sample at or after a time; sample 0 is at the world's start. */
export function sampleIndexAt(world: World, atMs: number): number {
  return Math.ceil((atMs - world.startMs) / world.stepMs);
}

/**
 * Samples of one series in [fromMs, toMs), at the world's step, as a history stores
 * them (32-bit floats, NaN for a missing scrape, for no request at all, and before a
 * service was born). The first is at `startMs + sampleIndexAt(fromMs) * stepMs`; times
 * outside the world are cut off. When each is known is `knownDelaysMs`.
 *
 * With a version, the series is that version's own: it has no sample while the version does not
 * serve. It shares traffic and most of its noise with the series of the others.
 *
 * Latencies in ms, ratios and saturation in [0, 1], throughput in requests a second, the
 * counter in requests.
 *
 * @example
 * generateSamples(world, "checkout", "latency_p95_ms", fromMs, toMs, NO_INTERVENTIONS)
 */
export function generateSamples(
  world: World,
  serviceName: string,
  metric: WorldMetric,
  fromMs: number,
  toMs: number,
  interventions: Interventions,
  version: string | null = null,
): Float32Array {
  const { bornAtMs } = serviceOf(world, serviceName);
  const start = Math.max(0, sampleIndexAt(world, fromMs));
  const end = Math.max(start, sampleIndexAt(world, Math.min(toMs, world.endMs)));
  if (end === start) return new Float32Array(0);
  const missing = new Uint8Array(end - start);
  const out =
    metric === REQUESTS_TOTAL
      ? countRequests(world, serviceName, start, end, interventions, missing)
      : drawSamples(world, serviceName, metric, start, end, interventions, missing, version);
  loseScrapes(world, serviceName, start, missing);
  missing.fill(1, 0, Math.max(0, sampleIndexAt(world, bornAtMs) - start));
  for (let i = 0; i < out.length; i++) if (missing[i] === 1) out[i] = Number.NaN;
  return out;
}

/**
 * Samples [start, end) before scrapes are lost; sets `missing` to 1 where the series itself has no
 * sample (a telemetry gap, no request).
 */
function drawSamples(
  world: World,
  serviceName: string,
  metric: Metric,
  start: number,
  end: number,
  interventions: Interventions,
  missing: Uint8Array,
  version: string | null = null,
): Float32Array {
  const service = serviceOf(world, serviceName);
  const out = new Float32Array(end - start);
  const firstMs = world.startMs + start * world.stepMs;
  const lastMs = world.startMs + end * world.stepMs;
  const active = activeEffects(world, serviceName, metric, firstMs, lastMs, interventions, version);
  const serving =
    version === null
      ? null
      : versionsBetween(world, serviceName, firstMs - world.stepMs, lastMs, interventions).find(
          (one) => one.version === version,
        );
  if (serving === undefined) {
    missing.fill(1);
    return out;
  }
  const columns: Columns = {
    logTraffic: new Float64Array(NOISE_BLOCK),
    shared: new Float64Array(NOISE_BLOCK),
    noise: new Float64Array(NOISE_BLOCK),
    share: new Float64Array(NOISE_BLOCK).fill(1),
    factor: new Float64Array(NOISE_BLOCK),
    addend: new Float64Array(NOISE_BLOCK),
    missing: new Uint8Array(NOISE_BLOCK),
  };
  const noise = noiseOf(metric, service.levels);
  const trafficKey = counter(world.seed, "noise", serviceName, "traffic");
  const noiseKey = counter(world.seed, "noise", serviceName, noise?.family ?? "");
  // Keys of a series that holds all versions are those of worlds without versions.
  const whose = version === null ? [serviceName] : [serviceName, version];
  const ownKey = counter(world.seed, "ownNoise", ...whose, noise?.family ?? "");
  const mayBeIdle = world.spec.services.traffic !== undefined || version !== null;
  const idleKey = mayBeIdle && RATED.has(metric) ? counter(world.seed, "idle", ...whose) : null;
  const draw = counter(world.seed, "sample", ...whose, metric);
  const writing: Writing = {
    levels: service.levels,
    stepSeconds: world.stepMs / 1000,
    columns,
    draw,
  };
  const write = WRITERS[metric];

  for (
    let first = Math.floor(start / NOISE_BLOCK) * NOISE_BLOCK;
    first < end;
    first += NOISE_BLOCK
  ) {
    const from = Math.max(0, start - first);
    const to = Math.min(NOISE_BLOCK, end - first);
    const at = first + from - start;
    columns.missing.fill(0);
    fillTraffic(world, service, trafficKey, columns, first, to);
    if (noise !== null) fillNoise(columns.noise, first, to, noiseKey, noise.phi, noise.sd);
    if (serving !== null) {
      const blockMs = world.startMs + first * world.stepMs;
      fillShares(columns.share, serving, blockMs, world.stepMs, to);
      for (let i = from; i < to; i++) if (columns.share[i] === 0) columns.missing[i] = 1;
      if (noise !== null) addOwnNoise(columns, first, to, ownKey, noise);
    }
    if (noise?.family === "latency") {
      const { noiseSkew } = service.levels;
      if (service.noiseFrom.length > 0) {
        addNoiseOfCalled(world, service, columns, first, to, noise.sd);
      }
      if (noiseSkew > 0) bendUpwards(columns.noise, to, noise.sd, noiseSkew);
    }
    applyEffects(world, columns, active, first, from, to);
    write(writing, first, from, to, out, at);
    for (let i = from; i < to; i++) if (columns.missing[i] === 1) missing[at + i - from] = 1;
    if (idleKey !== null) {
      loseIdle(columns, idleKey, writing.stepSeconds, first, from, to, missing, at);
    }
  }
  return out;
}

/** The counter of requests: the day up to here, counted. */
function countRequests(
  world: World,
  serviceName: string,
  start: number,
  end: number,
  interventions: Interventions,
  missing: Uint8Array,
): Float32Array {
  const firstMs = world.startMs + start * world.stepMs;
  const lastMs = world.startMs + (end - 1) * world.stepMs;
  // The day's first sample after its midnight; exactly at midnight a process has just begun.
  const midnightMs = Math.floor(firstMs / DAY_MS) * DAY_MS;
  const begin = Math.max(0, sampleIndexAt(world, midnightMs));
  const before = new Uint8Array(end - begin);
  const rates = drawSamples(
    world,
    serviceName,
    "throughput_rps",
    begin,
    end,
    interventions,
    before,
  );
  const restarts = restartsBetween(world, serviceName, midnightMs, lastMs + 1, interventions);
  const beginMs = world.startMs + begin * world.stepMs;
  missing.set(before.subarray(start - begin));
  return Float32Array.from(countUp(rates, beginMs, world.stepMs, restarts).subarray(start - begin));
}

/** One scrape brings all metrics of a service, so they are missing together. */
function loseScrapes(world: World, serviceName: string, start: number, missing: Uint8Array): void {
  const { a, b } = counter(world.seed, "scrape", serviceName);
  const lostBelow = world.spec.telemetry.missing * 4294967296;
  for (let i = 0; i < missing.length; i++) if (bitsAt(a, b, start + i) < lostBelow) missing[i] = 1;
  const end = start + missing.length;
  const firstMs = world.startMs + start * world.stepMs;
  const lastMs = world.startMs + end * world.stepMs;
  const outages = episodesBetween(world, serviceName, firstMs, lastMs).filter(
    ({ kind }) => kind === "outage",
  );
  for (const { startMs, endMs } of [...outages, ...apiOutagesBetween(world, firstMs, lastMs)]) {
    const from = Math.max(start, sampleIndexAt(world, startMs));
    const to = Math.min(end, sampleIndexAt(world, endMs));
    if (to > from) missing.fill(1, from - start, to - start);
  }
}
