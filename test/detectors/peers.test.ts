/**
 * A shock common to all services is nobody's doing, and what a deployment does on top of it is
 * still found. Families of twenty services, AR(1) noise of φ = 0.3, an hour of one-minute
 * samples before and after; the shock of three standard deviations begins for all at once and
 * stays. Each service in turn is the deployed one. Nothing is tolerated.
 *
 * `SOAK=1` does it with ten times the families.
 */

import { describe, expect, it } from "vitest";
import type { Deployment, Policy, SampleColumn } from "../../engine/index.ts";
import { controlKey, peerServices, selectPeers } from "../../engine/detect/peers.ts";
import {
  advanceWatch,
  startWatch,
  takeColumns,
  withContext,
  withDeparture,
} from "../../engine/detect/watch.ts";
import { randomStream } from "../../lab/people/random.ts";
import { policyOf } from "../engine/policyFile.ts";
import { autoregressive, SOAK, threeErrors } from "./noise.ts";

const MINUTE_MS = 60_000;
const PAST = Number(process.env["PAST"] ?? 60);
const START_MS = PAST * MINUTE_MS;
const SERVICES = 20;
const FAMILIES = SOAK ? 100 : 10;
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
  const controls = { [controlKey(`${service}/noise`, signal)]: control };
  let watch = withContext(startWatch(policy, deployment, []), {
    seasons: {},
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

describe.each(["cusum", "eprocess"])("%s", (kind) => {
  const alone = policyFor(kind, false);
  const controlled = policyFor(kind, true);
  it("x", () => {
    for (const [shock, regression, common] of [
      [0, 0, 0],
      [3, 0, 0],
      [0, 1.5, 0],
      [3, 1.5, 0],
      [0, 0, 0.5],
      [3, 0, 0.5],
      [0, 1.5, 0.5],
      [3, 1.5, 0.5],
      [-3, 1.5, 0],
    ] as const) {
      const a = shareFlagged(alone, shock, regression, common);
      const b = shareFlagged(controlled, shock, regression, common);
      console.log(
        kind,
        { shock, regression, common },
        "alone",
        a.share.toFixed(3),
        a.median,
        "control",
        b.share.toFixed(3),
        b.median,
        b.runs,
      );
    }
    expect(threeErrors(0.01, 1)).toBeGreaterThan(0);
  }, 120000);
});
