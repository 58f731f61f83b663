/**
 * The engine's only door. Pure: no clock, no randomness, no I/O. The same policy,
 * state and event give the same step, in production and in replay.
 *
 * Read decide/machine.ts first: every transition is there. A host's loop is in the
 * header of controller.ts.
 */

export * from "./event.ts";
export * from "./command.ts";
export * from "./record.ts";
export {
  CHAIN_START,
  assertSayable,
  chainEntry,
  checkpointText,
  isBatch,
  isKept,
  type ChainEnd,
  type Handled,
  type LiveSegment,
  type LogEntry,
  type LogHeader,
  type SamplesBatch,
  type SamplesSeen,
  type Checkpoint,
  type StateFile,
} from "./audit.ts";
export {
  endChain,
  followLine,
  initialChain,
  readEnvelope,
  type ChainChecks,
  type ChainState,
  type Fault,
} from "./chain.ts";
export { explain, type ExplanationNode } from "./explain/explain.ts";
export { explanationMermaid, explanationText } from "./explain/draw.ts";
export { DECIDES_OTHERWISE, ENGINE_VERSION, JUDGES_OTHERWISE } from "./version.ts";
export { assert, InvariantError, unreachable } from "./assert.ts";
export type * from "./policy/policy.ts";
export { servicesOf } from "./policy/policy.ts";
export {
  matchesGlob,
  ROLES,
  selectionKey,
  selectionText,
  watches,
  worseOf,
  type Measured as MeasuredSeries,
  type Role,
} from "./policy/role.ts";
export { jsonObject, own, put, type JsonObject } from "./json.ts";
export { canonicalJson } from "./policy/canonical.ts";
export { diffPolicies, type PolicyDifference } from "./policy/diff.ts";
export { isTimeZone } from "./policy/calendar.ts";
export { matches, modesAt, zoneOf } from "./policy/modes.ts";
export { outline, textOf, toleranceText } from "./policy/outline.ts";
export { mergeLayers, type MergedLayers, type Origin } from "./policy/layers.ts";
export { issueText } from "./policy/issueText.ts";
export { parsePolicy, type PolicyIssue } from "./policy/parse.ts";
export { holdRule } from "./detect/hold.ts";
export { policyJsonSchema } from "./policy/schema/jsonSchema.ts";
export { DURATION_PATTERN } from "./policy/schema/values.ts";
export * from "./policy/quantity.ts";
export { resolveTier, resolveTolerance, type TierDecision } from "./policy/resolve.ts";
export { changeText, parseChange, shiftOf, type Shift } from "./policy/declared.ts";
export { isRefused, isSelfIssued, ownFirst, passedTo, tagsAt } from "./policy/tags.ts";
export { ALL, shareAt, stageAt, type StageNow } from "./policy/stages.ts";
export {
  DAY_MS,
  forgetSlots,
  prepareSeason,
  recallDay,
  SEASON_DAYS,
  seasonMarginMs,
  seasonShape,
  type SeasonShape,
  seasonOf,
  slotMemory,
  startSeason,
  takeDay,
  type SeasonDays,
  type SlotMemory,
} from "./detect/baseline/season.ts";
export { isCounter, ratesOf } from "./detect/baseline/counter.ts";
export {
  BASELINE_SAMPLES,
  baselineReachMs,
  GAPS_TIMES,
  medianStep,
} from "./detect/baseline/baselineLength.ts";
export {
  calibrate,
  placeboWatches,
  SETTLES_MS,
  type Disturbance,
  type PlaceboWatch,
} from "./detect/evidence/calibrate.ts";
export { calibrationKey, placeboKey, type CalibratedLimit } from "./detect/evidence/limit.ts";
export {
  placeboLimit,
  placeboP,
  type Calibration,
  type Placebo,
} from "./detect/evidence/placebo.ts";
export {
  EXPOSURE_REACH_MS,
  isExposure,
  lookBackOf,
  readsSeries,
} from "./detect/baseline/exposure.ts";
export {
  controlKey,
  peerServices,
  selectPeers,
  type PeerControl,
} from "./detect/baseline/peers.ts";
export type { Departure } from "./detect/baseline/control.ts";
export { bandOf, type Band } from "./detect/band.ts";
export type { Share } from "./detect/share.ts";
export {
  glanceWith,
  isQuietOnAll,
  quietAtAGlance,
  toGlanceAt,
  type Glance,
  type Glanced,
  type Glimpses,
} from "./detect/glance/glance.ts";
export {
  isKeptWatch,
  isQuietWatch,
  judgementsOf,
  type KeptWatch,
  type WatchJudged,
} from "./detect/watchJudged.ts";
export { witnessesOf } from "./detect/silence.ts";
export type { EvenColumn } from "./detect/glance/glimpse.ts";
export {
  advanceWatch,
  isWithinTolerance,
  startWatch,
  takeColumns,
  withContext,
  withDeparture,
  type WatchState,
} from "./detect/watch.ts";
export {
  NO_RATIOS,
  seenIn,
  worstRatiosWith,
  type Seen,
  type Sight,
  type WorstRatios,
} from "./confidence/seen.ts";
export { FEATURES, featuresFor, type Direction, type Feature } from "./confidence/features.ts";
export {
  confidenceFrom,
  LABELS_AT_LEAST,
  isEnough,
  learnedConfidence,
  logistic,
  probabilityOf,
  supportedBy,
  type Ground,
  type LearnedValue,
  type Logistic,
  type Tally,
} from "./confidence/learned.ts";
export {
  MODEL_FORMAT,
  MODEL_VERSION,
  parseConfidenceModel,
  type ConfidenceModel,
  type ParsedModel,
} from "./confidence/model.ts";
export { accuses, confidenceOf } from "./decide/confidence.ts";
export { smellsOf, type Smell } from "./policy/smells.ts";
export { stands } from "./decide/standing.ts";
export { step } from "./decide/machine.ts";
export { learnedFrom, type LearningState, type Lesson } from "./learn/lessons.ts";
export type { Step } from "./decide/recorder.ts";
export {
  findDeployment,
  initialFleet,
  nextDueAtMs,
  withJudgement,
  type DeploymentState,
  type FleetState,
} from "./decide/state.ts";
export {
  handle,
  initialController,
  type ControllerState,
  type ControllerStep,
} from "./controller.ts";
export { controllerDueAtMs } from "./watches.ts";
export { RECENT_AT_LEAST, recentReach, type RecentColumn } from "./recent.ts";
export { readContext, restore, serialise } from "./stateText.ts";
export type * from "./incumbents/incumbent.ts";
export { lacksSides } from "./incumbents/sides.ts";
export { causeOf, type IncumbentCause } from "./incumbents/cause.ts";
export {
  answerTo as answerOfIncumbent,
  decidingOf as decidingFinding,
} from "./incumbents/watch.ts";
export { incumbentJsonSchema } from "./policy/schema/incumbentJsonSchema.ts";
export { systemOf } from "./incumbents/systems.ts";
export { walk as walkIncumbent, type Walk } from "./incumbents/walk.ts";
export { argo, type ArgoState } from "./incumbents/argo/rollout.ts";
export {
  DEFAULT_CONSECUTIVE_ERROR_LIMIT,
  effectiveCount,
  invalidityOf,
  type ArgoAnalysis,
  type ArgoMetric,
  type ArgoPlan,
  type ArgoStep,
  type Invalidity,
} from "./incumbents/argo/plan.ts";
export { measure as measureArgo, type Measured } from "./incumbents/argo/measure.ts";
export {
  isRefusal,
  parseCondition,
  type Node as ConditionNode,
} from "./incumbents/argo/condition/parse.ts";
export type { Refusal as ConditionRefusal } from "./incumbents/argo/condition/tokens.ts";
export { failureOf as failureOfFlagger, flagger, type FlaggerState } from "./incumbents/flagger.ts";
export {
  FLAGGER_DEFAULT_INTERVAL_MS,
  FLAGGER_SHORTEST_INTERVAL_MS,
  type FlaggerMetric,
  type FlaggerPlan,
  type FlaggerStrategy,
} from "./incumbents/flaggerPlan.ts";
export { kayenta, type KayentaState } from "./incumbents/kayenta/analysis.ts";
export {
  classificationOf,
  scoreOf,
  type MetricResult as KayentaResult,
} from "./incumbents/kayenta/score.ts";
export {
  judgedAt,
  judgementCount,
  KAYENTA_DEFAULT_OUTLIER_FACTOR,
  noEffect,
  type KayentaMetric,
  type KayentaPlan,
} from "./incumbents/kayenta/plan.ts";
export { prometheus, type ActiveAlert, type PrometheusState } from "./incumbents/prometheus.ts";
export {
  isLabelText,
  type AlertBound,
  type AlertRule,
  type Comparison,
  type PrometheusPlan,
  type RuleGroup,
} from "./incumbents/prometheusPlan.ts";
export { AnswerKind, answerFrom, LOOK_BACK_MS, type Answering } from "./incumbents/answers.ts";
export { elementMetric, elementOf, isQueryName, type Element } from "./incumbents/elements.ts";
