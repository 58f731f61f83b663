/** Starts a live host: stands by for the lease, goes on from the journal, and is ready. */

import { Problem } from "../problem.ts";
import type { HostParts, RunningHost } from "./contract.ts";
import { Core } from "./core.ts";
import { realDisk, type Disk } from "./journal/disk.ts";
import { LiveHost } from "./liveHost.ts";

/**
 * @throws Problem where the policy asks for what a live host does not have, the journal cannot be
 *   trusted, or today's engine does not make of it what it says
 */
export async function startHost(
  parts: HostParts,
  signal: AbortSignal = new AbortController().signal,
  disk: Disk = realDisk(),
): Promise<RunningHost> {
  refuseWithoutPast(parts);
  await parts.lease.acquire(signal);
  const core = Core.open(parts, disk);
  const host = new LiveHost(parts, core, disk);
  host.begin();
  return host;
}

/** What is prepared from many days of samples. */
function refuseWithoutPast({ policy }: HostParts): void {
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
