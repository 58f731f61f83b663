/** What `kubectl get analysisruns,events -A -o json` would print of some rollouts. */

interface About {
  readonly name: string;
  readonly revision: number;
}

export function event(
  kind: "Rollout" | "Canary",
  { name }: Pick<About, "name">,
  reason: string,
  message: string,
  at: string,
): object {
  return {
    apiVersion: "v1",
    kind: "Event",
    metadata: { name: `${name}.${at}`, namespace: "shop" },
    type: "Normal",
    reason,
    message,
    count: 1,
    involvedObject: { kind, name, namespace: "shop" },
    firstTimestamp: at,
    lastTimestamp: at,
  };
}

export function updated(about: About, at: string): object {
  return event(
    "Rollout",
    about,
    "RolloutUpdated",
    `Rollout updated to revision ${about.revision}`,
    at,
  );
}

export function completed(about: About, at: string): object {
  const message =
    `Rollout completed update to revision ${about.revision} (abc123): ` +
    "Completed all 6 canary steps";
  return event("Rollout", about, "RolloutCompleted", message, at);
}

export function aborted(about: About, at: string): object {
  const message = `Rollout aborted update to revision ${about.revision}`;
  return event("Rollout", about, "RolloutAborted", message, at);
}

export function analysisRun(
  { name, revision }: About,
  phase: "Failed" | "Inconclusive",
  metric: string,
  [startedAt, completedAt]: readonly [string, string],
): object {
  const why =
    phase === "Failed"
      ? "failed (4) > failureLimit (3)"
      : "inconclusive (1) > inconclusiveLimit (0)";
  return {
    apiVersion: "argoproj.io/v1alpha1",
    kind: "AnalysisRun",
    metadata: {
      name: `${name}-abc123-${revision}`,
      namespace: "shop",
      annotations: { "rollout.argoproj.io/revision": String(revision) },
      ownerReferences: [{ apiVersion: "argoproj.io/v1alpha1", kind: "Rollout", name }],
    },
    status: {
      phase,
      message: `Metric "${metric}" assessed ${phase} due to ${why}`,
      startedAt,
      completedAt,
    },
  };
}
