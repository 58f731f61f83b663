/**
 * A shock common to all services is nobody's doing, and what a deployment does on top of it is
 * still found. Families of twenty services, AR(1) noise of φ = 0.3, an hour of one-minute
 * samples before and after; the shock of three standard deviations begins for all at once and
 * stays. Each service in turn is the deployed one. Nothing is tolerated.
 *
 * `SOAK=1` does it with ten times the families.
 */

import { describe, expect, it } from "vitest";
import type { Deployment, Event, Policy, SampleColumn } from "../../engine/index.ts";
import { controlKey, peerServices, selectPeers } from "../../engine/detect/baseline/peers.ts";
import {
  advanceWatch,
  startWatch,
  takeColumns,
  withContext,
  withDeparture,
} from "../../engine/detect/watch.ts";
import { randomStream } from "../../lab/random.ts";
import { runLive, toBatches } from "../engine/liveHost.ts";
import { policyOf } from "../engine/policyFile.ts";
import { autoregressive, SOAK, threeErrors } from "./noise.ts";

const MINUTE_MS = 60_000;
const PAST = 60;
const START_MS = PAST * MINUTE_MS;
const SERVICES = 20;
const FAMILIES = SOAK ? 100 : 4;
const PHI = 0.3;
const NAMES = Array.from({ length: SERVICES }, (_, at) => `s${String(at).padStart(2, "0")}`);

function policyFor(kind: string, control: boolean, worse = "up"): Policy {
  const signal = {
    metric: "noise",
    worse,
    tolerance: "0pp",
    hold: "0s",
    detector: { kind, season: false, baseline: `${PAST}m` },
    ...(control ? { control: "peers" } : {}),
  };
  return policyOf({
    policy: "peers",
    owner: "nobody",
    watch: "60m",
    signals: { noise: signal },
    assign: [{ otherwise: "full" }],
  });
}

interface Happening {
  /** In standard deviations, for all services. */
  readonly shock: number;
  readonly regression: number;
  readonly onset: number;
  /** Share of the variance that all services have in common. */
  readonly common?: number;
}

function columnOf(family: number, service: number, happens: Happening, treated: boolean) {
  const own = autoregressive(family * 1000 + service, PHI, "normal", PAST + 60);
  const shared = autoregressive(family * 1000 + 999, PHI, "normal", PAST + 60);
  const { common = 0, shock, regression, onset } = happens;
  const values = own.map((value, index) => {
    const noise = Math.sqrt(1 - common) * value + Math.sqrt(common) * shared[index]!;
    if (index < PAST + onset) return 100 + noise;
    return 100 + noise + shock + (treated ? regression : 0);
  });
  const atMs = values.map((_, minute) => minute * MINUTE_MS);
  const series = { service: NAMES[service]!, metric: "noise", version: null };
  return { series: { ...series, percentagePoint: 1e-9 }, atMs, knownAtMs: atMs, values };
}

function deploymentOf(service: string): Deployment {
  return {
    deploymentId: service,
    service,
    environment: "production",
    kind: "code",
    startedAtMs: START_MS,
    version: null,
    author: null,
    team: null,
    criticality: null,
    callers: [],
    dependants: [],
    timezone: null,
  };
}

/** What a watch of the service said, and when it first said breach. */
function watched(policy: Policy, columns: readonly SampleColumn[], service: string, left = "") {
  const signal = policy.signals[0]!;
  const deployment = deploymentOf(service);
  const own = columns.find(({ series }) => series.service === service)!;
  const candidates = NAMES.map((name) => ({ service: name, timezone: null }));
  const names = new Set(peerServices(deployment, candidates, [], new Set()));
  const peers = columns.filter(({ series }) => names.has(series.service));
  const control = selectPeers(signal, START_MS, own, peers, null)!;
  const controls = new Map([[controlKey(`${service}/noise`, signal), control]]);
  let watch = withContext(startWatch(policy, deployment, []), {
    seasons: new Map(),
    controls,
    digest: "of a test",
  });
  if (left !== "") {
    const atMs = START_MS + 5 * MINUTE_MS;
    watch = withDeparture(watch, { service: left, atMs, knownAtMs: atMs });
  }
  const taken = takeColumns(policy, watch, columns);
  const { judgements } = advanceWatch(policy, taken, watch.endsAtMs);
  const first = judgements.find(({ evidence }) => evidence.verdict === "breach");
  const breachAt =
    first === undefined ? Number.POSITIVE_INFINITY : (first.atMs - START_MS) / MINUTE_MS;
  return { control, judgements, breachAt };
}

/** Flagged at all, and the median samples from the onset on. */
function shareFlagged(policy: Policy, shock: number, regression: number, common = 0) {
  const delays: number[] = [];
  for (let family = 0; family < FAMILIES; family++) {
    const onset = Math.floor(randomStream("onset", family).next() * 20);
    const happens = { shock, regression, onset, common };
    const quiet = NAMES.map((_, service) => columnOf(family, service, happens, false));
    NAMES.forEach((name, service) => {
      const columns = [...quiet];
      columns[service] = columnOf(family, service, happens, true);
      delays.push(watched(policy, columns, name).breachAt - onset + 1);
    });
  }
  delays.sort((a, b) => a - b);
  const share = delays.filter(Number.isFinite).length / delays.length;
  return { share, median: delays[delays.length >> 1]!, runs: delays.length };
}

describe.each(["cusum", "eprocess"])("%s, 3-sigma for all", (kind) => {
  const alone = policyFor(kind, false);
  const controlled = policyFor(kind, true);

  it("blames hardly any healthy deployment, and without a control nearly all", () => {
    const { share, runs } = shareFlagged(controlled, 3, 0);
    expect(share).toBeLessThanOrEqual(0.01 + threeErrors(0.01, runs));
    expect(shareFlagged(alone, 3, 0).share).toBeGreaterThan(0.98);
  });

  it("finds 1.5 sigma on top of it nearly as often as without it", () => {
    const quiet = shareFlagged(alone, 0, 1.5);
    const shocked = shareFlagged(controlled, 3, 1.5);
    expect(shocked.share).toBeGreaterThan(0.75 * quiet.share);
  });

  it("finds them sooner where services moved together before", () => {
    const { share, runs } = shareFlagged(controlled, 3, 0, 0.5);
    expect(share).toBeLessThanOrEqual(0.01 + threeErrors(0.01, runs));
    const shocked = shareFlagged(controlled, 3, 1.5, 0.5);
    expect(shocked.share).toBeGreaterThan(shareFlagged(alone, 0, 1.5, 0.5).share + 0.15);
    expect(shocked.median).toBeLessThanOrEqual(30);
  });
});

const NOTHING = { shock: 0, regression: 0, onset: 0 };
const family = (happens: Happening, count = SERVICES): SampleColumn[] =>
  NAMES.slice(0, count).map((_, service) => columnOf(1, service, happens, false));

describe("never accuses", () => {
  it.each([0, 0.5])("a service that stays when its peers go, with %d in common", (common) => {
    for (const shock of [-6, 6]) {
      const columns = family({ shock, regression: 0, onset: 10, common });
      columns[4] = columnOf(1, 4, { ...NOTHING, common }, false);
      const { judgements, breachAt } = watched(
        policyFor("cusum", true, "both"),
        columns,
        NAMES[4]!,
      );
      expect(breachAt).toBe(Number.POSITIVE_INFINITY);
      expect(judgements.at(-1)!.evidence.verdict).toBe("healthy");
    }
  });
});

describe("who is a peer", () => {
  const candidates = NAMES.map((service) => ({ service, timezone: null }));
  it("not the service, its callers, dependants and dependencies, nor who was deployed", () => {
    const near = { callers: ["s05"], dependants: ["s06"] };
    const deployment = { ...deploymentOf("s04"), ...near };
    const names = peerServices(deployment, candidates, ["s07"], new Set(["s08"]));
    expect(names).toEqual(NAMES.slice(9).concat("s00"));
  });

  it("of the same time zone, where three are", () => {
    const zoned = candidates.map((one, at) => ({
      ...one,
      timezone: at % 5 === 0 ? "Asia/Kolkata" : "Europe/Berlin",
    }));
    const there = { ...deploymentOf("s05"), timezone: "Asia/Kolkata" };
    expect(peerServices(there, zoned, [], new Set())).toEqual(["s10", "s15", "s00"]);
    expect(peerServices(there, zoned, [], new Set(["s10"]))).toHaveLength(12);
  });

  it("leaves when it is deployed itself; two are no control, and the record says so", () => {
    const columns = family({ shock: 6, regression: 0, onset: 10 }, 4);
    const policy = policyFor("cusum", true);
    const all = watched(policy, columns, "s00");
    expect(all.breachAt).toBe(Number.POSITIVE_INFINITY);
    expect(all.judgements.at(-1)!.evidence.reason).toMatch(/; after 3 peers/);
    const fewer = watched(policy, columns, "s00", "s02");
    expect(fewer.breachAt).toBeLessThan(20);
    const { evidence } = fewer.judgements.at(-1)!;
    expect(evidence.control).toEqual({ peers: 2, subtracted: 0 });
    expect(evidence.reason).toMatch(/; 2 peers, no control/);
  });

  it("is chosen by what was known before: later samples change nothing", () => {
    const before = watched(policyFor("cusum", true), family(NOTHING), "s03").control;
    const later = family({ shock: 50, regression: 0, onset: 0 });
    expect(watched(policyFor("cusum", true), later, "s03").control).toEqual(before);
    expect(before.peers).toHaveLength(12);
  });
});

describe("a policy", () => {
  it("that asks for none has the evidence of before, and one that counts cannot ask", () => {
    const { judgements } = watched(policyFor("cusum", false), family(NOTHING), "s03");
    expect(judgements.at(-1)!.evidence.control).toBeNull();
    const signal = {
      metric: "errors",
      tolerance: "10%",
      exposure: 10,
      detector: { kind: "count" },
    };
    const written = { policy: "p", owner: "o", assign: [{ otherwise: "full" }] };
    expect(() =>
      policyOf({ ...written, signals: { errors: { ...signal, control: "peers" } } }),
    ).toThrow(/not controlled by peers/);
  });
});

describe("a live host", () => {
  /** Late, missing and jittered samples, and a peer that is deployed halfway. */
  function ragged(seed: number): SampleColumn[] {
    const random = randomStream("ragged", seed);
    const happens = { shock: 4, regression: 0, onset: 15, common: seed % 2 === 0 ? 0.6 : 0 };
    return family(happens, 8).map((column) => {
      const delayMs = 5000 * Math.floor(random.next() * 8);
      const shiftMs = 5000 * Math.floor(random.next() * 12);
      const atMs = Float64Array.from(column.atMs, (at) => at + shiftMs);
      const knownAtMs = atMs.map((at) => at + delayMs);
      const values = Float64Array.from(column.values, (value) =>
        random.next() < 0.1 ? Number.NaN : value,
      );
      return { series: column.series, atMs, knownAtMs, values };
    });
  }

  it.each([1, 2, 3, 4, 5, 6])("judges as whole columns do, case %i", (seed) => {
    const policy = policyFor("cusum", true);
    const columns = ragged(seed);
    const leavesAtMs = START_MS + 25 * MINUTE_MS;
    const departure = { service: "s02", atMs: leavesAtMs, knownAtMs: leavesAtMs + 5000 };
    const deployment = deploymentOf("s00");
    const control = selectPeers(policy.signals[0]!, START_MS, columns[0]!, columns.slice(1), null)!;
    const key = controlKey("s00/noise", policy.signals[0]!);
    const context = { seasons: new Map(), controls: new Map([[key, control]]), digest: "d" };
    const started = withContext(startWatch(policy, deployment, []), context);
    const whole = takeColumns(policy, withDeparture(started, departure), columns);
    const { judgements } = advanceWatch(policy, whole, whole.endsAtMs);

    const timed = { atMs: START_MS, knownAtMs: START_MS };
    const other = { ...deploymentOf("s02"), startedAtMs: departure.atMs };
    const events: Event[] = [
      { kind: "deploymentStarted", ...timed, deployment },
      { kind: "contextPrepared", ...timed, deploymentId: "s00", context },
      { kind: "deploymentStarted", ...departure, deployment: other },
      ...toBatches(columns),
    ];
    const { records } = runLive(policy, events);
    const told = records.filter(({ deploymentId }) => deploymentId === "s00");
    const first = judgements.find(({ evidence }) => evidence.verdict === "breach");
    const live = told.find(({ signals }) => signals.some(({ verdict }) => verdict === "breach"));
    const shown = live ?? told.find(({ decision }) => decision === "ended");
    expect(shown!.signals).toEqual([(first ?? judgements.at(-1)!).evidence]);
    expect(shown!.signals[0]!.control!.peers).toBeGreaterThanOrEqual(3);
  });
});
