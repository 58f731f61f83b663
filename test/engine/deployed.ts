/** A deployment about which nothing matters but when it starts. */

import type { Deployment } from "../../engine/index.ts";

export function deployed(startedAtMs: number, more: Partial<Deployment> = {}): Deployment {
  return {
    deploymentId: "d1",
    service: "api",
    environment: "production",
    kind: "code",
    startedAtMs,
    version: null,
    author: null,
    team: null,
    criticality: null,
    ...more,
  };
}
