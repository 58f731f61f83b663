/** The only page that is not in the journal, because the host can no longer write to it. */

import { FLEET } from "../../engine/index.ts";
import type { HostParts } from "./contract.ts";

/** Says that the host ends, and pages unless the lease is lost: then another host goes on. */
export function pageTheEnd(
  { effects, lease, note, options }: Pick<HostParts, "effects" | "lease" | "note" | "options">,
  atMs: number,
  { message }: Error,
): void {
  note(`the host ends: ${message}`);
  if (!lease.holds()) return;
  const reason = `the live host ended: ${message}`;
  const decisionId = `(host)#${atMs}`;
  const about = { deploymentId: FLEET, askedAtMs: atMs, decisionId };
  const command = { kind: "page", ...about, to: "on-call", reason } as const;
  const whose = { service: FLEET, version: null, reason, act: options.act };
  const errand = { key: `${decisionId}/page`, command, ...whose };
  void effects.carryOut(errand, AbortSignal.timeout(10_000)).catch(() => undefined);
}
