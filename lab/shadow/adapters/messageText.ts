/** One line for people about a command, in whatever format it is sent. */

import type { Errand } from "../contract.ts";

export function textOf({ command, service, reason, act }: Errand): string {
  const dryRun = act ? "" : "Recorded only, nothing will be done. ";
  const about = `${command.kind} ${service} ${command.deploymentId}`;
  return `${dryRun}${about}: ${reason}`;
}
