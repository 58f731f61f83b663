/** A host on a stage: a clock that is turned, samples that are made up, hands that are watched. */

import type { Policy } from "../../engine/index.ts";
import type { ServiceRow } from "../../lab/history/tables.ts";
import type {
  CarriedOut,
  Effects,
  Errand,
  HostOptions,
  HostParts,
  MetricsSource,
  RunningHost,
  Taken,
  TakenColumn,
  HostInput,
} from "../../lab/shadow/contract.ts";
import { startHost } from "../../lab/shadow/host.ts";
import { realDisk, type Disk } from "../../lab/shadow/journal/disk.ts";
import { randomStream } from "../../lab/random.ts";
import { policyOf } from "../engine/policyFile.ts";
import { TestClock } from "./testClock.ts";

export const START_MS = Date.UTC(2026, 2, 2, 9);
export const MINUTE_MS = 60_000;
const STEP_MS = 15_000;

/** A policy file of one signal; a test that wants other tiers spreads it. */
export const LIVE = {
  policy: "live",
  owner: "platform",
  watch: "20m",
  signals: {
    latency: {
      metric: "latency",
      worse: "up",
      tolerance: "10%",
      detector: { kind: "cusum", baseline: "15m", season: false },
      hold: "30s",
    },
  },
  fusion: "any",
  tiers: { override: { window: "2m" } },
  assign: [{ when: { environment: ["test"] }, tier: "full" }, { otherwise: "override" }],
};
export const POLICY: Policy = policyOf(LIVE);

export const OPTIONS: HostOptions = {
  act: true,
  pollMs: STEP_MS,
  orderExpiresMs: 5 * MINUTE_MS,
  rotateMs: 60 * MINUTE_MS,
  rotateBytes: 1 << 26,
  keepMs: MINUTE_MS,
  signer: null,
};

export function service(name: string): ServiceRow {
  return {
    service: name,
    team: "core",
    criticality: null,
    timezone: null,
    dependsOn: [],
    revenuePerMinute: null,
  };
}

/** Latency of a few services, the same however often it is asked for. */
export class MadeUp implements MetricsSource {
  /** From when, until when, by what factor a service is slower. */
  readonly slow = new Map<string, readonly { fromMs: number; toMs: number; times: number }[]>();
  /** What the source does instead, if anything. */
  fault: ((fromMs: number, toMs: number) => Taken | Promise<Taken>) | null = null;
  asked = 0;

  constructor(private readonly services: readonly string[]) {}

  take = async (fromMs: number, toMs: number): Promise<Taken> => {
    this.asked++;
    if (this.fault !== null) return this.fault(fromMs, toMs);
    return { columns: this.services.map((name) => this.column(name, fromMs, toMs)), problems: [] };
  };

  takeOf: MetricsSource["takeOf"] = (services, fromMs, toMs) => {
    const columns = services.map((name) => this.column(name, fromMs, toMs));
    return Promise.resolve({ columns, problems: [] });
  };

  column(name: string, fromMs: number, toMs: number): TakenColumn {
    const atMs: number[] = [];
    const values: number[] = [];
    for (let at = Math.floor(fromMs / STEP_MS + 1) * STEP_MS; at <= toMs; at += STEP_MS) {
      const slow = (this.slow.get(name) ?? []).find(
        ({ fromMs, toMs }) => at >= fromMs && at < toMs,
      );
      atMs.push(at);
      values.push(100 * (slow?.times ?? 1) * (1 + 0.02 * noise(name, at)));
    }
    const series = { service: name, metric: "latency", version: null, percentagePoint: 0.01 };
    return { series, atMs, values };
  }
}

const drawn = new Map<string, number>();

/** One draw of a standard normal for each sample, whoever asks. */
function noise(name: string, atMs: number): number {
  const key = `${name} ${atMs}`;
  let value = drawn.get(key);
  if (value === undefined) drawn.set(key, (value = randomStream(name, atMs).normal()));
  return value;
}

/** A platform that does what it is told, once for each key, and remembers everything. */
export class Hands implements Effects {
  readonly sent: Errand[] = [];
  /** What it answers to a rollback; by default that it is done and went well. */
  answer: (errand: Errand, times: number) => CarriedOut = () => ({
    status: "done",
    finished: { succeeded: true, detail: "" },
  });
  /** Is called with what was done for the first time: the world changes. */
  rolledBack: (errand: Errand) => void = () => undefined;

  carryOut = (errand: Errand): Promise<CarriedOut> => {
    const times = this.sent.filter(({ key }) => key === errand.key).length;
    this.sent.push(errand);
    const answer = this.answer(errand, times);
    if (errand.command.kind !== "rollBack") {
      return Promise.resolve({ ...answer, finished: null } as CarriedOut);
    }
    if (answer.status === "done" && times === 0) this.rolledBack(errand);
    return Promise.resolve(answer);
  };

  of(kind: Errand["command"]["kind"]): readonly Errand[] {
    return this.sent.filter(({ command }) => command.kind === kind);
  }
}

export interface Stage {
  readonly clock: TestClock;
  readonly source: MadeUp;
  readonly hands: Hands;
  readonly notes: string[];
  readonly parts: HostParts;
  /** Whether the lease is ours. */
  lease: boolean;
  start: (disk?: Disk) => Promise<RunningHost>;
}

export function stageIn(
  dir: string,
  services: readonly string[],
  given: Partial<Omit<HostParts, "options">> & { readonly options?: Partial<HostOptions> } = {},
): Stage {
  const clock = new TestClock(START_MS);
  const source = new MadeUp(services);
  const hands = new Hands();
  const notes: string[] = [];
  const stage: Stage = {
    clock,
    source,
    hands,
    notes,
    lease: true,
    parts: {
      policy: POLICY,
      services: services.map(service),
      dir,
      source,
      effects: hands,
      clock,
      lease: { acquire: () => Promise.resolve(), holds: () => stage.lease },
      note: (text) => notes.push(text),
      ...given,
      options: { ...OPTIONS, ...given.options },
    },
    start: (disk) => startHost(stage.parts, undefined, disk ?? realDisk(() => undefined)),
  };
  return stage;
}

export function started(name: string, id: string, startedAtMs: number, more = {}): HostInput {
  return {
    kind: "deploymentStarted",
    atMs: startedAtMs,
    deployment: {
      deploymentId: id,
      service: name,
      environment: "production",
      kind: "code",
      startedAtMs,
      version: "v2",
      author: null,
      team: null,
      criticality: null,
      ...more,
    },
  };
}
