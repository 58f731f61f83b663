/** Builds a live host with all its edges from a shadow.yaml, starts it and ends it. */

// tidy-ok: a name for this process in the lease; no result rests on it.
import { randomUUID } from "node:crypto";
import type { AddressInfo } from "node:net";
import { hostname } from "node:os";
import { join } from "node:path";
import type { FastifyBaseLogger } from "fastify";
import { Piscina } from "piscina";
import { instantText, type Policy, type JsonObject } from "../../engine/index.ts";
import { readSigner } from "../audit/signature.ts";
import { loadLivePolicy } from "./livePolicy.ts";
import { Problem } from "../problem.ts";
import { Refusal } from "../server/problems.ts";
import { eventsOf } from "./adapters/cdEventsOut.ts";
import { answerQuestions, Protection } from "./adapters/github/protection.ts";
import { Orders } from "./adapters/orders.ts";
import { channelOf } from "./adapters/pages.ts";
import { readServices } from "./config/services.ts";
import { leaseDirectoryOf, type Platform, type ShadowFile } from "./config/shadowFile.ts";
import type { Clock, Effects, Host, HostParts, RunningHost } from "./contract.ts";
import type explainDeployment from "./explained.ts";
import { startHost } from "./host.ts";
import { buildApp } from "./http/app.ts";
import { Deliveries } from "./http/deliveries.ts";
import { Refusals } from "./http/refusals.ts";
import { directoryLease } from "./lease/directoryLease.ts";
import { keepLease, type KeptLease } from "./lease/lease.ts";
import { redisLease } from "./lease/redisLease.ts";
import { counting, webhookEffects, type Receivers } from "./out/webhooks.ts";
import { prometheusSource } from "./source/prometheus.ts";
import { secretsOf } from "./source/secrets.ts";
import { systemClock } from "./systemClock.ts";

const ROTATE_BYTES = 256 * 1024 * 1024;
const KEEP_MS = 60_000;
/**
 * GitHub's signatures never expire and its deliveries are recognised by their content, so answers
 * are kept much longer than a signature of our own is valid.
 */
const ANSWERS_KEPT_MS = 24 * 3_600_000;
const FLUSH_MS = 60_000;
const FIRST_POLL_MS = 10_000;

type Explain = typeof explainDeployment;

export interface Live {
  readonly url: string;
  /** Reads the policy file again. An invalid policy is refused, and the old one stays. */
  readonly reload: () => Promise<void>;
  /** An orderly stop that releases the lease, so that the next host can continue at once. */
  readonly close: () => Promise<void>;
  /** Resolves after `close`; rejects when the host cannot go on. */
  readonly done: Promise<void>;
}

/**
 * Resolves when it listens, whether it holds the lease or still stands by for it.
 *
 * @param file the path of the config: secret files that it names are read again as they rotate
 * @param clock the clock that decisions go by; the lease always uses the system's clock
 * @throws Problem when something that the config names does not exist, or the port is taken
 */
export async function goLive(
  config: ShadowFile,
  file: string,
  env: JsonObject<string | undefined>,
  log: FastifyBaseLogger,
  clock: Clock = systemClock,
): Promise<Live> {
  const policy = loadLivePolicy(config.policy);
  const services = await readServices(config.services);
  const { audit } = config;
  const signer = audit.signKey === undefined ? null : readSigner(audit.signKey);
  const lease = keptLease(config, log);
  const commands = new Map<string, number>();
  const orders = new Orders(config.platform?.askedBy ?? null);
  const ending = new AbortController();
  let running: RunningHost | null = null;
  let deliveries: Deliveries | null = null;

  let answering: Promise<void> | null = null;
  let protection: Protection | null = null;
  let publishing: Promise<void> | null = null;

  const standby = new Refusal("unavailable", "This host stands by, or is starting or ending.");
  const host: Host = {
    tell: async (input) => {
      if (running === null) throw standby;
      if (input.kind === "deploymentStarted") await firstPoll(running, clock);
      return running.tell(input);
    },
    status: () => running?.status() ?? standbyStatus(policy, config.act, clock.wallMs()),
    standing: (isMeant) => {
      if (running === null) throw standby;
      return running.standing(isMeant);
    },
  };
  const refusals = new Refusals(clock.steadyMs, async ({ kind, ...refused }) => {
    log.warn({ kind, ...refused }, "refused");
    await host.tell({ kind: "requestRefused", atMs: clock.wallMs(), ...refused });
  });
  const isSource = import.meta.filename.endsWith(".ts");
  const explaining = new Piscina<Parameters<Explain>[0], ReturnType<Explain>>({
    filename: new URL(isSource ? "./explained.ts" : "./explained.js", import.meta.url).href,
    execArgv: isSource ? ["--import", import.meta.resolve("tsx")] : [],
    minThreads: 0,
    maxThreads: 1,
    maxQueue: 16,
  });
  // A worker thread that cannot start must not end the host.
  explaining.on("error", (error: unknown) => log.error({ err: error }, "explaining failed"));
  const app = buildApp({
    host,
    config,
    services,
    clock,
    refusals,
    orders,
    protection: () => {
      if (protection === null) throw standby;
      return protection;
    },
    judging: () => {
      if (running === null) throw standby;
      return { policy: running.policy(), queries: config.metrics.queries };
    },
    commands,
    log,
    deliveries: () => {
      if (deliveries === null) throw standby;
      return deliveries;
    },
    readerToken: config.readers?.token ?? null,
    explanation: (deploymentId) => explaining.run({ journal: config.journal, deploymentId }),
  });
  const url = await listen(app, config);

  const events = eventsOf(config, {
    ...{ clock, lease, host, counts: commands },
    note: (text) => log.warn(text),
  });
  const receivers = receiversOf(config, orders);
  const parts: HostParts = {
    policy,
    services,
    dir: config.journal,
    source: prometheusSource(config.metrics, secretsOf(file, env), clock),
    effects: counting(
      withConfirmedLease(orders.noting(webhookEffects(receivers, clock)), lease),
      receivers,
      commands,
      (text) => log.warn(text),
    ),
    clock,
    lease,
    note: (text) => log.warn(text),
    decided: (text) => log.info(text),
    ...(events === null ? {} : { publish: (news) => events.publish(news) }),
    options: {
      act: config.act,
      pollMs: config.metrics.everyMs,
      orderExpiresMs: config.platform?.giveUp ?? 0,
      rotateMs: audit.rotate,
      rotateBytes: ROTATE_BYTES,
      keepMs: KEEP_MS,
      signer,
    },
  };
  const life = async (): Promise<void> => {
    const started = await startHost(parts, ending.signal);
    const path = join(config.journal, "deliveries.jsonl");
    deliveries = new Deliveries(path, ANSWERS_KEPT_MS, clock.wallMs);
    running = started;
    publishing = events?.run(ending.signal) ?? null;
    if (config.github !== undefined) {
      const file = join(config.journal, "protection.json");
      protection = new Protection({ host, orders, clock }, config.github, file);
      answering = answerQuestions(protection, clock, ending.signal, (text) => log.warn(text));
    }
    const { name, digest } = started.status().policy;
    log.info({ policy: name, digest, act: config.act, journal: config.journal }, "watching");
    await started.done;
  };
  const flushing = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      await clock.wait(FLUSH_MS, ending.signal);
      if (running !== null) await refusals.flush(FLUSH_MS);
    }
  };
  const done = life().catch((error: unknown) => {
    if (!ending.signal.aborted) throw error;
  });
  // Callers learn of a failure by awaiting `done`; without these handlers Node would end the
  // process because of an unhandled rejection.
  done.catch(() => undefined);
  flushing().catch(() => undefined);

  return {
    url,
    done,
    reload: () => reload(config, host, log, clock.wallMs()),
    close: async () => {
      await app.close();
      if (running !== null) await refusals.flush(0).catch(() => undefined);
      ending.abort();
      await Promise.all([answering, publishing]);
      await running?.stop();
      deliveries?.close();
      await lease.close();
      await explaining.destroy();
    },
  };
}

/**
 * Waits for the first poll, but not for ever. A baseline is learned from samples that were known
 * before the deployment, and a host that has just started knows none.
 */
async function firstPoll(host: Host, clock: Clock): Promise<void> {
  const fromMs = clock.steadyMs();
  const never = new AbortController().signal;
  while (host.status().lastPollAtMs === null && clock.steadyMs() - fromMs < FIRST_POLL_MS) {
    await clock.wait(FIRST_POLL_MS / 200, never);
  }
}

async function reload(
  config: ShadowFile,
  host: Host,
  log: FastifyBaseLogger,
  atMs: number,
): Promise<void> {
  try {
    const policy = loadLivePolicy(config.policy);
    const reason = `read again at ${instantText(Math.floor(atMs))}`;
    const by = "a signal to this host";
    const heard = await host.tell({ kind: "policyChanged", atMs, policy, by, reason });
    log.info({ policy: policy.policy, digest: policy.digest, ...heard }, "policy read again");
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    log.error({ why }, "the policy is refused, and the old one stays");
  }
}

function keptLease(config: ShadowFile, log: FastifyBaseLogger): KeptLease {
  const { redis, key, for: termMs } = config.lease;
  // tidy-ok: it must differ from every other process, ever.
  const owner = `${hostname()}.${process.pid}.${randomUUID()}`;
  const store =
    redis === undefined
      ? directoryLease(leaseDirectoryOf(config), owner, termMs, systemClock.steadyMs)
      : redisLease(redis, key, owner, termMs);
  return keepLease(store, { termMs, clock: systemClock, note: (what) => log.info(what) });
}

function receiversOf({ platform, page }: ShadowFile, orders: Orders): Receivers {
  const webhook = platform === undefined ? null : webhookOf(platform);
  const { askedBy } = platform ?? {};
  return {
    platform: askedBy === undefined ? webhook : orders.waiting,
    page: page === undefined ? null : (channelOf(page) ?? webhookOf(page)),
  };
}

function webhookOf({ url, secret, timeout }: Pick<Platform, "url" | "secret" | "timeout">) {
  return url === undefined || secret === undefined ? null : { url, secret, timeout };
}

/** A rollback cannot be taken back, so the store of the lease is asked once more just before it. */
function withConfirmedLease(effects: Effects, lease: KeptLease): Effects {
  return {
    carryOut: async (errand, signal) => {
      if (errand.command.kind === "rollBack" && !(await lease.confirmed())) {
        return { status: "unknown", detail: "the lease could not be confirmed" };
      }
      return effects.carryOut(errand, signal);
    },
  };
}

function standbyStatus(
  { policy, digest }: Policy,
  act: boolean,
  nowMs: number,
): ReturnType<Host["status"]> {
  return {
    ready: false,
    holdsLease: false,
    act,
    policy: { name: policy, digest },
    halted: false,
    nowMs,
    lastPollAtMs: null,
    newestSampleAtMs: null,
    problems: [],
    open: [],
    counts: {},
    durations: { ingestionDelay: [], decisionLatency: [], poll: [] },
  };
}

async function listen(app: ReturnType<typeof buildApp>, config: ShadowFile): Promise<string> {
  const { host, port } = config.listen;
  try {
    await app.listen({ host, port });
  } catch (error) {
    const { code = String(error) } = error as NodeJS.ErrnoException;
    const cure = "Give listen: another address or port; port 0 takes any that is free.";
    throw new Problem(`${host}:${port} cannot be listened on: ${code}`, { cure });
  }
  const { port: taken } = app.server.address() as AddressInfo;
  return `http://${host.includes(":") ? `[${host}]` : host}:${taken}`;
}
