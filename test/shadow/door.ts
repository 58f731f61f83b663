/** The HTTP side of a live host on a host that notes what it is told, and a sender for it. */

import { join } from "node:path";
import type { FastifyInstance } from "fastify";
import type { ServiceRow } from "../../lab/history/tables.ts";
import { buildApp } from "../../lab/shadow/http/app.ts";
import { Orders } from "../../lab/shadow/adapters/orders.ts";
import { Deliveries } from "../../lab/shadow/http/deliveries.ts";
import { Refusals, type Refused } from "../../lab/shadow/http/refusals.ts";
import { signatureOf } from "../../lab/shadow/http/signature.ts";
import { temporaryDirectory } from "../directories.ts";
import { notingHost, setClock, silentLog } from "./hosts.ts";

export const SECRETS = {
  ci: "the secret of the pipeline",
  chat: "the secret of the chat bot",
  sre: "the secret of the agent",
  hub: "the secret of GitHub",
  argo: "the token of Argo CD",
  rollouts: "the token of Argo Rollouts",
  rules: "the secret of the App of GitHub",
};
export const WINDOW_MS = 300_000;

const row = (service: string, team: string, dependsOn: readonly string[]): ServiceRow => ({
  service,
  team,
  criticality: null,
  timezone: null,
  dependsOn,
  revenuePerMinute: null,
});

export interface Sent {
  readonly id?: string;
  readonly atMs?: number;
  readonly secret?: string;
  readonly as?: string;
  readonly tampered?: string;
}

interface DoorOptions {
  readonly services?: readonly ServiceRow[];
  readonly unknownServices?: "accept" | "refuse";
}

export function openDoor(options: DoorOptions = {}) {
  const clock = setClock();
  const recorded: Refused[] = [];
  const file = join(temporaryDirectory(), "deliveries.jsonl");
  let deliveries: Deliveries;
  const build = (): FastifyInstance =>
    buildApp({
      host: {
        tell: (told) => door.host.tell(told),
        status: () => door.host.status(),
        standing: (isMeant) => door.host.standing(isMeant),
      },
      clock,
      deliveries: () => deliveries,
      refusals: new Refusals(clock.steadyMs, (refused) => {
        recorded.push(refused);
        return Promise.resolve();
      }),
      orders: new Orders(null),
      protection: () => {
        throw new Error("this door has no GitHub App");
      },
      judging: () => {
        throw new Error("this door has no policy");
      },
      services: options.services ?? [row("cart", "shop", ["pay"]), row("pay", "money", [])],
      config: {
        window: WINDOW_MS,
        senders: {
          ci: { secret: SECRETS.ci, may: ["deployments", "tags", "stages", "rollbacks"] },
          sre: { secret: SECRETS.sre, may: ["proposals"], as: "sre" },
          hub: { secret: SECRETS.hub, may: ["github"] },
          argo: { token: SECRETS.argo, may: ["argocd"] },
          rules: { secret: SECRETS.rules, may: ["github-protection"] },
          rollouts: { token: SECRETS.rollouts, may: ["argo-rollouts"] },
          chat: { secret: SECRETS.chat, may: ["overrides", "approvals", "halts"] },
        },
        unknownServices: options.unknownServices ?? "refuse",
        names: { "octo/shop": "cart" },
        groups: { shopkeepers: ["ana"], heads: ["kim"] },
        entitled: [
          { who: ["shopkeepers"], may: ["override", "approve"], teams: ["shop"] },
          { who: ["heads"], may: ["override", "approve", "halt"] },
        ],
      },
      commands: new Map([["propose done", 2]]),
      log: silentLog,
      readerToken: null,
      explanation: () => Promise.resolve(null),
    });
  const door = {
    clock,
    host: notingHost(clock),
    recorded,
    file,
    app: undefined as unknown as FastifyInstance,
    /** As after a restart: only the file of deliveries is left. */
    restart: () => {
      deliveries = new Deliveries(file, 2 * WINDOW_MS, () => clock.nowMs);
      door.app = build();
    },
    send: async (
      path: string,
      body: unknown,
      how: Sent = {},
    ): Promise<Readonly<Record<string, unknown>>> => {
      const { id = "d-1", atMs = clock.nowMs, as = "ci" } = how;
      const text = JSON.stringify(body);
      const secret = how.secret ?? SECRETS[as as keyof typeof SECRETS] ?? "nobody's";
      const timestamp = Math.floor(atMs / 1000);
      const response = await door.app.inject({
        method: "POST",
        url: `/v1/${path}`,
        headers: {
          "content-type": "application/json",
          "hindsight-sender": as,
          "webhook-id": id,
          "webhook-timestamp": String(timestamp),
          "webhook-signature": signatureOf(secret, id, timestamp, text),
        },
        payload: how.tampered ?? text,
      });
      return { ...response.json<Record<string, unknown>>(), status: response.statusCode };
    },
  };
  door.restart();
  return door;
}
