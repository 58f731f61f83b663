/**
 * Slack's buttons: a person overrides or approves a proposal from a channel. Slack signs a request
 * with `v0`, over its timestamp and body. Only the ID of the Slack user counts, and shadow.yaml
 * says which person that is; the person then needs an entitlement as on every other way.
 */

import { createHmac } from "node:crypto";
import { z } from "zod";
import { own } from "../../../engine/index.ts";
import { Refusal, type ProblemKind } from "../../server/problems.ts";
import type { HostInput } from "../contract.ts";
import { INPUTS } from "../http/bodies.ts";
import type { Answer } from "../http/deliveries.ts";
import { whyNot } from "../http/inbox.ts";
import { parseBody, parseJson } from "../http/parse.ts";
import { contentId, isSame } from "../http/signature.ts";
import {
  answer,
  standingOf,
  type Adapter,
  type AdapterParts,
  type AdapterRequest,
} from "./adapter.ts";
import { ANSWERS } from "./pages.ts";

const KIND = "slack";

const clicked = z.object({
  type: z.literal("block_actions"),
  user: z.object({ id: z.string().regex(/^[UW][A-Z\d]{2,20}$/) }),
  actions: z.tuple([
    z.object({
      action_id: z.enum(Object.values(ANSWERS)),
      value: z.string().max(1000),
    }),
  ]),
});
const question = z.strictObject({
  deploymentId: z.string().min(1),
  ordinal: z.int().positive(),
  /** Buttons of older versions have no time: they answer no question. */
  askedAtMs: z.number().optional(),
});

export const slack: Adapter = {
  kind: KIND,
  routes: (parts) => [
    { method: "POST", path: "/v1/slack", receive: (request) => receive(parts, request) },
  ],
};

async function receive(parts: AdapterParts, request: AdapterRequest): Promise<Answer> {
  const deliveries = parts.deliveries();
  const name = await admit(parts, request);
  const digest = contentId(request.body);
  // Every click has a trigger of its own in its body, so equal bodies are one click.
  const given = await deliveries.once(`${name}/${digest}`, digest, () =>
    press(parts, name, request),
  );
  return given!;
}

/** @throws Refusal where no sender's signing secret fits, or the request is old */
async function admit(parts: AdapterParts, { headers, body }: AdapterRequest): Promise<string> {
  const { config, clock, refusals } = parts;
  const [timestamp, given] = [headers["x-slack-request-timestamp"], headers["x-slack-signature"]];
  const senders = Object.entries(config.senders).filter(([, { may }]) => may.includes(KIND));
  let kind: "unsigned" | "wrongSignature" | "staleSignature" = "unsigned";
  let problem: ProblemKind = "unauthorized";
  if (typeof timestamp === "string" && /^\d{1,12}$/.test(timestamp) && typeof given === "string") {
    const [found] = senders.filter(([, { secret }]) => {
      const hmac = createHmac("sha256", secret!).update(`v0:${timestamp}:`).update(body);
      return isSame(given, `v0=${hmac.digest("hex")}`);
    });
    const isFresh = Math.abs(clock.wallMs() - Number(timestamp) * 1000) <= config.window;
    if (found !== undefined && isFresh) return found[0];
    kind = found === undefined ? "wrongSignature" : "staleSignature";
    problem = found === undefined ? "bad-signature" : "stale-signature";
  }
  const why = `the request is refused: ${kind}`;
  const by = senders[0]?.[0] ?? null;
  await refusals.add({ deploymentId: null, by, what: `webhook for ${KIND}`, kind, why });
  throw new Refusal(problem, why);
}

async function press(parts: AdapterParts, sender: string, { body }: AdapterRequest) {
  const payload = new URLSearchParams(body.toString("utf8")).get("payload") ?? "";
  const { user, actions } = parseBody(clicked, parseJson(Buffer.from(payload)));
  const [{ action_id: action, value }] = actions;
  const { deploymentId, ordinal, askedAtMs } = parseBody(question, parseJson(Buffer.from(value)));
  const deed = action === ANSWERS.override ? "override" : "approve";
  const by = own(parts.config.slack?.people ?? {}, user.id);
  const why =
    by === undefined
      ? `${user.id} of Slack is nobody in slack.people`
      : whyNot(parts, parts.config.senders[sender]!, { deed, by, deploymentId });
  if (by === undefined || why !== null) {
    const whyNow = `${why ?? ""} (sent by ${sender})`;
    const refused = { deploymentId, by: by ?? user.id, what: deed, kind: "notEntitled" };
    await parts.refusals.add({ ...refused, why: whyNow });
    throw new Refusal("forbidden", whyNow);
  }
  const { phase, proposals } = standingOf(parts, deploymentId);
  // A deployment that has the ID of an earlier one starts again at question 1: the time differs.
  const isOpen =
    phase.name === "proposed" && proposals === ordinal && phase.proposedAtMs === askedAtMs;
  if (!isOpen) {
    throw new Refusal("conflict", `question ${ordinal} about ${deploymentId} is no longer open`);
  }
  const input: HostInput =
    deed === "override"
      ? INPUTS.override({ deploymentId, by, justification: "the button Override in Slack" })
      : INPUTS.approval({ deploymentId, by });
  const { accepted, reason } = await parts.host.tell(input);
  if (!accepted) throw new Refusal("conflict", reason);
  return answer(200, { accepted, reason });
}
