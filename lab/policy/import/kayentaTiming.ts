/**
 * When and how often Kayenta judges: the stage of a Spinnaker pipeline (`kayentaCanary`), or the
 * execution request of the standalone API. Both say the same under different names.
 */

import { judgedAt, judgementCount, type KayentaPlan } from "../../../engine/index.ts";
import type { Problem } from "../../problem.ts";
import { at, isObject, problemAt, type KubernetesObject, type Path } from "./document.ts";

export type Timing = Pick<
  KayentaPlan,
  | "beginAfterMs"
  | "lifetimeMs"
  | "intervalMs"
  | "lookbackMs"
  | "baselineOffsetMs"
  | "stepMs"
  | "marginal"
  | "pass"
>;

/** Where an analysis is written. */
export interface WrittenTiming {
  readonly object: KubernetesObject;
  /** Of the stage's `canaryConfig`, or of the request. */
  readonly path: Path;
  readonly keys: Keys;
  /** `canaryConfigId` or `canaryConfigName`, as the stage says them. */
  readonly config: readonly string[];
  /** Of the stage, to tell two apart. */
  readonly name: string | null;
}

/** The key of a file for each part of the timing. */
export type Keys = Readonly<Record<keyof Timing, Path>>;

export const STAGE_KEYS: Keys = {
  beginAfterMs: ["beginCanaryAnalysisAfterMins"],
  lifetimeMs: ["lifetimeDuration"],
  intervalMs: ["canaryAnalysisIntervalMins"],
  lookbackMs: ["lookbackMins"],
  baselineOffsetMs: ["baselineAnalysisOffsetInMins"],
  stepMs: ["scopes", 0, "step"],
  marginal: ["scoreThresholds", "marginal"],
  pass: ["scoreThresholds", "pass"],
};

const REQUEST_KEYS: Keys = {
  beginAfterMs: ["beginAfterMins"],
  lifetimeMs: ["lifetimeDurationMins"],
  intervalMs: ["analysisIntervalMins"],
  lookbackMs: ["lookbackMins"],
  baselineOffsetMs: ["scopes", 0, "controlOffsetInMinutes"],
  stepMs: ["scopes", 0, "step"],
  marginal: ["thresholds", "marginal"],
  pass: ["thresholds", "pass"],
};

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** Where no file says when Kayenta judges: once, after an hour. */
export const DEFAULT_TIMING: Timing = {
  beginAfterMs: 0,
  lifetimeMs: HOUR_MS,
  intervalMs: HOUR_MS,
  lookbackMs: 0,
  baselineOffsetMs: 0,
  stepMs: MINUTE_MS,
  // Of a stage that gives none.
  marginal: 50,
  pass: 75,
};

/** The stages of pipelines and the requests in a document; empty: it has none. */
export function timingsOf(object: KubernetesObject): readonly WrittenTiming[] {
  const { value } = object;
  const stages = at(value, ["stages"]);
  if (Array.isArray(stages)) {
    return stages.flatMap((_, place) => stageAt(object, ["stages", place]) ?? []);
  }
  const stage = stageAt(object, []);
  if (stage !== null) return [stage];
  const path = isObject(value["executionRequest"]) ? ["executionRequest"] : [];
  const request = at(value, path);
  const isRequest = Array.isArray(at(request, ["scopes"])) && isObject(at(request, ["thresholds"]));
  if (!isRequest) return [];
  return [{ object, path, keys: REQUEST_KEYS, config: [], name: null }];
}

function stageAt(object: KubernetesObject, path: Path): WrittenTiming | null {
  if (at(object.value, [...path, "type"]) !== "kayentaCanary") return null;
  const under = [...path, "canaryConfig"];
  const config = ["canaryConfigId", "canaryConfigName"].flatMap((key) => {
    const found = at(object.value, [...under, key]);
    return typeof found === "string" && found !== "" ? [found] : [];
  });
  const name = at(object.value, [...path, "name"]);
  const named = typeof name === "string" && name !== "" ? name : null;
  return { object, path: under, keys: STAGE_KEYS, config, name: named };
}

/** @param problems gets what is wrong or not emulated */
export function readTiming(written: WrittenTiming, problems: Problem[]): Timing {
  const { object, path, keys } = written;
  const refuse = (under: Path, what: string, cure: string): void => {
    problems.push(problemAt({ object, path: [...path, ...under] }, what, cure));
  };
  for (const key of ["startTimeIso", "endTimeIso"]) {
    const given = at(object.value, [...path, "scopes", 0, key]);
    if (given === undefined || given === null || given === "") continue;
    const cure = "Give a lifetime instead: a deployment begins when it begins.";
    refuse(["scopes", 0, key], `${key}: an analysis of a fixed time is not emulated`, cure);
  }
  const stage = path.slice(0, -1);
  if (keys === STAGE_KEYS && at(object.value, [...stage, "continuePipeline"]) === true) {
    const what = "`continuePipeline`: the pipeline goes on whatever the score is";
    const where = { object, path: [...stage, "continuePipeline"] };
    problems.push(problemAt(where, what, "Remove it to see what the score would decide."));
  }
  const numeric = (key: keyof Timing, factor: number): number => {
    const found = numberAt(object.value, [...path, ...keys[key]]);
    if (found === undefined) return DEFAULT_TIMING[key];
    if (found !== null && found >= 0) return found * factor;
    const name = String(keys[key].at(-1));
    refuse(keys[key], `${name}: expected a number`, "Write a number, without an expression.");
    return DEFAULT_TIMING[key];
  };
  const lifetimeMs = lifetimeOf(written, numeric, refuse);
  const hasInterval = at(object.value, [...path, ...keys.intervalMs]) !== undefined;
  return {
    beginAfterMs: numeric("beginAfterMs", MINUTE_MS),
    lifetimeMs,
    intervalMs: hasInterval ? numeric("intervalMs", MINUTE_MS) : 0,
    lookbackMs: numeric("lookbackMs", MINUTE_MS),
    baselineOffsetMs: numeric("baselineOffsetMs", MINUTE_MS),
    stepMs: numeric("stepMs", 1_000),
    marginal: numeric("marginal", 1),
    pass: numeric("pass", 1),
  };
}

function lifetimeOf(
  { object, path, keys }: WrittenTiming,
  numeric: (key: keyof Timing, factor: number) => number,
  refuse: (under: Path, what: string, cure: string) => void,
): number {
  const written = at(object.value, [...path, ...keys.lifetimeMs]);
  if (keys === REQUEST_KEYS) {
    if (written === undefined) {
      refuse([], "there is no lifetimeDurationMins", "Give one, such as 60.");
    }
    return numeric("lifetimeMs", MINUTE_MS);
  }
  if (written === undefined || written === null) {
    const hours = numberAt(object.value, [...path, "lifetimeHours"]);
    if (typeof hours === "number" && hours > 0) return hours * HOUR_MS;
    refuse([], "there is no lifetimeDuration", "Give one, such as PT1H.");
    return DEFAULT_TIMING.lifetimeMs;
  }
  const ms = typeof written === "string" ? parseIsoDuration(written) : null;
  if (ms !== null) return ms;
  const what = "lifetimeDuration: expected a duration such as PT1H30M";
  refuse(keys.lifetimeMs, what, "Write it out, without an expression.");
  return DEFAULT_TIMING.lifetimeMs;
}

const ISO_DURATION = /^PT(?=\d)(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,6})S)?$/i;

function parseIsoDuration(text: string): number | null {
  const match = ISO_DURATION.exec(text);
  if (match === null) return null;
  const [hours = 0, minutes = 0, seconds = 0] = match.slice(1).map((part) => Number(part ?? 0));
  return hours * HOUR_MS + minutes * MINUTE_MS + seconds * 1_000;
}

/** As a number or as its text, as Deck writes it; undefined where it is missing, null: neither. */
function numberAt(value: unknown, path: Path): number | null | undefined {
  const found = at(value, path);
  if (found === undefined || found === null || found === "") return undefined;
  if (typeof found === "number") return found;
  if (typeof found !== "string" || !/^\d{1,9}(?:\.\d{1,9})?$/.test(found)) return null;
  return Number(found);
}

/** From the start of a deployment to the last judgement, and a minute to see it. */
export function analysisMs(plan: KayentaPlan): number {
  return judgedAt(plan, judgementCount(plan)).toMs + MINUTE_MS;
}
