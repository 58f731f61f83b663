/** Findings of incumbents as one sentence, for the reason of a record. */

import { formatDuration } from "../policy/quantity.ts";
import type { Finding, IncumbentKind } from "./incumbent.ts";

const TITLES: ReadonlyMap<IncumbentKind, string> = new Map([
  ["argo", "Argo Rollouts"],
  ["flagger", "Flagger"],
  ["kayenta", "Kayenta"],
  ["prometheus", "Prometheus"],
]);

type Params = ReadonlyMap<string, string | number | boolean | null>;

/** By code: what happened. A code that is not here is told with its parameters. */
const SENTENCES: ReadonlyMap<string, (params: Params) => string> = new Map([
  [
    "aborted",
    (params: Params) => {
      const query = params.get("query");
      const about = query === null ? "the analysis" : `the analysis of ${String(query)}`;
      const step = Number(params.get("step")) + 1;
      return `aborts at step ${step}: ${about} ended ${String(params.get("phase"))}`;
    },
  ],
  [
    "inconclusivePause",
    (params: Params) =>
      `pauses at step ${Number(params.get("step")) + 1}: ` +
      `${String(params.get("query") ?? "the analysis")} is inconclusive`,
  ],
  [
    "canaryFailed",
    (params: Params) => {
      const bound = params.get("bound") === "marginal" ? "is not above" : "is below";
      const metric = params.get("metric");
      const why = metric === null ? "" : `: ${String(metric)} ${kayentaLabel(params)}`;
      return (
        `fails judgement ${Number(params.get("judgement"))}: the score ` +
        `${Number(params.get("score"))} ${bound} ${Number(params.get("limit"))}${why}`
      );
    },
  ],
  [
    "thresholdReached",
    (params: Params) => {
      const why = FLAGGER_REASONS.get(String(params.get("reason"))) ?? String(params.get("reason"));
      const checks = `${Number(params.get("failedChecks"))} failed checks`;
      return `rolls back after ${checks}: ${String(params.get("metric"))} ${why}`;
    },
  ],
  ["pauseStep", (params: Params) => `waits for a person at step ${Number(params.get("step")) + 1}`],
  [
    "alertFiring",
    (params: Params) => {
      const activeMs = Number(params.get("atMs")) - Number(params.get("activeAtMs"));
      const since = activeMs > 0 ? ` after ${formatDuration(activeMs)}` : "";
      return `alert ${String(params.get("alert"))} fires${since}`;
    },
  ],
]);

const KAYENTA_LABELS: ReadonlyMap<string, string> = new Map([
  ["High", "is higher than in the baseline"],
  ["Low", "is lower than in the baseline"],
  ["Nodata", "has no data"],
  ["NodataFailMetric", "has no data"],
]);

function kayentaLabel(params: Params): string {
  const label = String(params.get("label"));
  const ratio = params.get("ratio");
  const times = typeof ratio === "number" && /High|Low/.test(label) ? ratio.toFixed(2) : null;
  const said = KAYENTA_LABELS.get(label) ?? label;
  return times === null ? said : `${said} (${times} times)`;
}

const FLAGGER_REASONS: ReadonlyMap<string, string> = new Map([
  ["belowMin", "is below its range"],
  ["aboveMax", "is above its range"],
  ["noValues", "has no values"],
  ["queryFailed", "could not be asked for"],
]);

/** `Argo Rollouts: aborts at step 2: the analysis of success-rate ended Failed`. */
export function findingText(system: IncumbentKind, { code, params }: Finding): string {
  const title = TITLES.get(system) ?? system;
  const given: Params = new Map(Object.entries(params));
  const sentence = SENTENCES.get(code);
  if (sentence !== undefined) return `${title}: ${sentence(given)}`;
  const said = code.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`).trim();
  const details = [...given].flatMap(([name, value]) =>
    value === null ? [] : [`${name} ${String(value)}`],
  );
  return `${title}: ${said}${details.length === 0 ? "" : ` (${details.join(", ")})`}`;
}
