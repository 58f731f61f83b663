/** Starts a live host: waits for the lease, then continues the journal. */

import type { Policy } from "../../engine/index.ts";
import { Problem } from "../problem.ts";
import type { HostParts, RunningHost } from "./contract.ts";
import { Core } from "./core.ts";
import { realDisk, type Disk } from "./journal/disk.ts";
import { LiveHost } from "./liveHost.ts";

/**
 * @throws Problem where the policy needs something that a live host cannot prepare, the journal is
 *   damaged, or today's engine decides otherwise than the journal records
 */
export async function startHost(
  parts: HostParts,
  signal: AbortSignal = new AbortController().signal,
  disk: Disk = realDisk(),
): Promise<RunningHost> {
  refusePreparation(parts.policy);
  await parts.lease.acquire(signal);
  const core = await Core.open(parts, disk);
  const host = new LiveHost(parts, core, disk);
  await host.begin();
  return host;
}

/** Refuses policies whose signals need many days of samples of all services. */
export function refusePreparation(policy: Policy): void {
  for (const { name, calibrate, control } of policy.signals) {
    const asks =
      calibrate !== undefined
        ? "a calibration on quiet watches"
        : control !== undefined
          ? "peers as a control"
          : null;
    if (asks === null) continue;
    throw new Problem(`signal ${name} of ${policy.policy} asks for ${asks}`, {
      cure: "A live host does not prepare it from the past yet: leave it out of its policy.",
    });
  }
}
