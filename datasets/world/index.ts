/**
 * The only door to a simulated world. Pure: no file is read or written here, and
 * everything follows from a world file's text and a seed.
 *
 * The model is kept apart from who writes it down: a host runs the logging policy
 * over `generateSamples`, says by `Interventions` when rollbacks took effect, and
 * stores `truthTables` beside the samples.
 */

export { parseWorld } from "./parse.ts";
export { createWorld, EFFECT_MAX_MS, metricsOf, SPACING_MS, type World } from "./world.ts";
export type { Service } from "./services.ts";
export { METRICS, type Metric } from "./effects.ts";
export {
  affecting,
  deploymentById,
  deploymentsBetween,
  serviceTags,
  type WorldDeployment,
} from "./deployments.ts";
export { NO_INTERVENTIONS, type Interventions } from "./active.ts";
export { FIRST_VERSION, seriesStretches, versionsBetween } from "./versions.ts";
export { apiOutagesBetween } from "./incidents.ts";
export { generateSamples, sampleIndexAt } from "./series.ts";
export { deliveriesOf, KNOWN_DELAY_MS, knownDelaysMs } from "./telemetry.ts";
export { harmOf, rollbackHarmOf, metricCatalog, truthTables, type Window } from "./truth.ts";
