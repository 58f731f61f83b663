/** Finds out who sent a delivery, proved by signature or token. */

import type { JsonObject } from "../../../engine/index.ts";
import { BY_GITHUB, type DeliveryKind, type Sender } from "../config/shadowFile.ts";
import { Refusal, type ProblemKind } from "../../server/problems.ts";
import type { Inbox } from "./inbox.ts";
import {
  checkGithub,
  checkSigned,
  checkToken,
  type Checked,
  type SignatureFault,
} from "./signature.ts";

export type Headers = JsonObject<string | string[] | undefined>;

/** Products that send no sender's name. */
const UNNAMED: readonly DeliveryKind[] = [...BY_GITHUB, "argocd"];

const FAULTS: Readonly<Record<SignatureFault, readonly [ProblemKind, string]>> = {
  unsigned: ["unauthorized", "it has no sender, signature or token that this host knows"],
  wrongSignature: ["bad-signature", "its signature does not match"],
  staleSignature: ["stale-signature", "its signature is stale: sign again, and check both clocks"],
  wrongToken: ["bad-token", "its token does not match"],
};

/** @throws Refusal where nothing proves the sender; it is recorded */
export async function proveSender(
  given: Pick<Inbox, "config" | "clock" | "refusals">,
  kind: DeliveryKind,
  headers: Headers,
  body: Buffer,
): Promise<From> {
  const from = senderOf(given, kind, headers, body);
  if (from.fault === null) return from;
  const [problem, fault] = FAULTS[from.fault];
  const why = `the delivery is refused: ${fault}`;
  const what = `webhook for ${kind}`;
  await given.refusals.add({ deploymentId: null, by: from.name, what, kind: from.fault, why });
  throw new Refusal(problem, why);
}

export interface From {
  readonly name: string;
  readonly sender: Sender;
  readonly deliveryId: string;
  readonly fault: null;
}
interface NotFrom {
  /** Null where we do not know the sender: a name that a stranger chose is not logged. */
  readonly name: string | null;
  readonly fault: SignatureFault;
}

/**
 * The sender of a delivery, proved by signature or token. GitHub and Argo CD send no sender's
 * name: it is the one whose secret fits.
 */
function senderOf(
  { config, clock }: Pick<Inbox, "config" | "clock">,
  kind: DeliveryKind,
  headers: Headers,
  body: Buffer,
): From | NotFrom {
  const foreign = UNNAMED.includes(kind);
  const named = headers["hindsight-sender"];
  const candidates = Object.entries(config.senders).filter(([name, sender]) =>
    foreign && named === undefined ? sender.may.includes(kind) : name === named,
  );
  let fault: SignatureFault = "unsigned";
  for (const [name, sender] of candidates) {
    const checked = check(sender, headers, body, clock.wallMs(), config.window);
    if (checked.fault === null) return { name, sender, ...checked };
    fault = checked.fault;
  }
  return { name: candidates[0]?.[0] ?? null, fault };
}

function check(
  { secret, token, may }: Sender,
  headers: Headers,
  body: Buffer,
  nowMs: number,
  windowMs: number,
): Checked {
  if (token !== undefined) return checkToken(headers, body, token);
  if (may.some((kind) => BY_GITHUB.includes(kind))) return checkGithub(headers, body, secret!);
  return checkSigned(headers, body, secret!, nowMs, windowMs);
}
