/**
 * A stand-in for Flagger's controller: the webhooks of a Canary, in the order in which
 * pkg/controller/scheduler.go calls them at each interval, with the payload and the reading of the
 * status of pkg/controller/webhook.go. Its metrics are always good, so only webhooks decide.
 */

import { parse } from "yaml";
import { z } from "zod";

const canarySchema = z.object({
  kind: z.literal("Canary"),
  metadata: z.object({ name: z.string(), namespace: z.string() }),
  spec: z.object({
    analysis: z.object({
      maxWeight: z.number(),
      stepWeight: z.number(),
      webhooks: z.array(z.object({ type: z.string(), url: z.string() })),
    }),
  }),
});

type Phase = "Waiting" | "Progressing" | "WaitingPromotion" | "Succeeded" | "Failed";

export interface Canary {
  readonly state: { phase: Phase; weight: number };
  /** What the hooks answered: `rollback 409`. */
  readonly calls: readonly string[];
  readonly tick: () => Promise<void>;
}

export interface Controlled {
  readonly url: string;
  readonly token: string;
  readonly name: string;
  /** Fields of every payload; by default those of a recorded one. */
  readonly recorded: Readonly<Record<string, unknown>>;
  readonly timeoutMs?: number;
}

export function canaryOf(manifest: string, given: Controlled): Canary {
  const { metadata, spec } = canarySchema.parse(parse(manifest));
  const { webhooks, maxWeight, stepWeight } = spec.analysis;
  const state: { phase: Phase; weight: number } = { phase: "Waiting", weight: 0 };
  const calls: string[] = [];

  /** Is the answer a yes? Go's client sends a password in a URL as basic authentication. */
  const call = async (type: string, phase: string): Promise<boolean> => {
    const hook = webhooks.find((one) => one.type === type);
    if (hook === undefined) throw new Error(`the canary has no hook ${type}`);
    const { username, password, pathname } = new URL(hook.url.replace("TOKEN", given.token));
    const basic = Buffer.from(`${username}:${decodeURIComponent(password)}`).toString("base64");
    const { name } = given;
    const body = { ...given.recorded, name, namespace: metadata.namespace, phase, type };
    const controller = new AbortController();
    const timer = setTimeout(() => controller.abort(), given.timeoutMs ?? 10_000);
    try {
      const response = await fetch(given.url + pathname, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Basic ${basic}` },
        body: JSON.stringify(body),
        signal: controller.signal,
      });
      await response.text();
      calls.push(`${type} ${response.status}`);
      return response.status <= 202;
    } catch (error) {
      calls.push(`${type} ${(error as Error).name}`);
      return false;
    } finally {
      clearTimeout(timer);
    }
  };

  return {
    state,
    calls,
    tick: async () => {
      const { phase } = state;
      if (phase === "Succeeded" || phase === "Failed") return;
      if (phase === "Waiting") {
        if (await call("confirm-rollout", "Progressing")) state.phase = "Progressing";
        return;
      }
      if (await call("rollback", phase)) {
        state.weight = 0;
        state.phase = "Failed";
        await call("post-rollout", "Failed");
        return;
      }
      if (state.weight < maxWeight) {
        state.weight += stepWeight;
        return;
      }
      if (await call("confirm-promotion", "Progressing")) {
        state.phase = "Succeeded";
        state.weight = 0;
        await call("post-rollout", "Succeeded");
      } else state.phase = "WaitingPromotion";
    },
  };
}
