/**
 * Kayenta's remote judge (RemoteJudge.java): Kayenta posts a canary config, thresholds and pairs of
 * series, and gets the result document of a judge. The detectors and tolerances of the host's
 * policy judge each pair; the config's groups, weights and thresholds make the score of it.
 *
 * Kayenta knows no answer between yes and no but a marginal score: that is what doubt becomes. The
 * score is computed twice, with every doubtful metric failed and with every one passed, and it
 * passes or fails only where both do.
 */

import { z } from "zod";
import {
  classificationOf,
  jsonObject,
  scoreOf,
  type KayentaResult,
} from "../../../../engine/index.ts";
import { Refusal } from "../../../server/problems.ts";
import type { HostStatus } from "../../contract.ts";
import type { Answer } from "../../http/deliveries.ts";
import {
  admit,
  answer,
  readBody,
  type Adapter,
  type AdapterParts,
  type AdapterRequest,
} from "../adapter.ts";
import { judgePair, type Judging, type Pair, type PairJudged } from "./pair.ts";

const KIND = "kayenta";
const JUDGE_NAME = "Hindsight";
const PAIRS_AT_MOST = 200;
/** Of all pairs: they are judged while the host waits. */
const VALUES_AT_MOST = 20_000;
const WEEK_MS = 7 * 86_400_000;

const word = z.string().min(1).max(500);
const score = z.number().min(0).max(100);
/** Java writes what is no number as a word. */
const sample = z
  .union([z.number(), z.null(), z.enum(["NaN", "Infinity", "-Infinity"])])
  .transform((value) => (typeof value === "number" ? value : NaN));
const scope = z.object({
  startTimeMillis: z.int().min(0).max(8e15),
  stepMillis: z.int().min(1000).max(WEEK_MS),
});
const flag = z
  .union([z.boolean(), z.enum(["true", "false"])])
  .nullish()
  .transform((value) => value === true || value === "true");

const sizeOf = ({ control, experiment }: Pick<Pair, "control" | "experiment">): number =>
  control.length + experiment.length;

/** Kayenta adds fields of its own from version to version. */
const request = z.object({
  canaryConfig: z.object({
    metrics: z.array(
      z.object({
        name: word,
        groups: z.array(word).max(50).nullish(),
        analysisConfigurations: z
          .object({ canary: z.object({ critical: flag, muted: flag }).nullish() })
          .nullish(),
      }),
    ),
    classifier: z
      .object({ groupWeights: z.record(word, z.number().min(0).max(1e6)).nullish() })
      .nullish(),
  }),
  scoreThresholds: z
    .object({ pass: score, marginal: score })
    .refine(({ pass, marginal }) => marginal < pass, {
      error: "expected `marginal` below `pass`: a score between them is the answer to doubt",
    }),
  metricSetPairList: z
    .array(
      z.object({
        name: word,
        id: word,
        tags: z.record(z.string(), z.string()).default({}),
        values: z.object({ control: z.array(sample), experiment: z.array(sample) }),
        scopes: z.object({ control: scope, experiment: scope }),
      }),
    )
    .min(1)
    .max(PAIRS_AT_MOST)
    .refine(
      (pairs) => pairs.reduce((sum, { values }) => sum + sizeOf(values), 0) <= VALUES_AT_MOST,
      `expected at most ${VALUES_AT_MOST} values: give the canary config a longer step`,
    ),
});
type Request = z.output<typeof request>;
type SetPair = Request["metricSetPairList"][number];

export const kayenta: Adapter = {
  kind: KIND,
  routes: (parts) => [
    {
      method: "POST",
      path: "/v1/kayenta/judge",
      receive: (given) => judge(parts, given),
    },
  ],
};

async function judge(parts: AdapterParts, given: AdapterRequest): Promise<Answer> {
  await admit(parts, KIND, given);
  const body = readBody(request, given);
  const status = parts.host.status();
  if (!status.ready) {
    throw new Refusal("unavailable", "This host stands by, or is starting or ending.");
  }
  const judging = parts.judging();
  const results = body.metricSetPairList.map((pair) => resultOf(judging, body, pair));
  const { groupScores, total } = scored(body, results, status);
  return answer(200, {
    judgeName: JUDGE_NAME,
    results: results.map(({ document }) => document),
    groupScores,
    score: total,
  });
}

interface Result {
  readonly counted: Omit<KayentaResult, "label"> & Pick<PairJudged, "label">;
  readonly document: object;
}

function resultOf(judging: Judging, body: Request, pair: SetPair): Result {
  const { name, id, tags, values, scopes } = pair;
  const metric = body.canaryConfig.metrics.find((one) => one.name === name);
  if (metric === undefined) {
    throw new Refusal("bad-request", `metricSetPairList: canaryConfig has no metric ${name}`);
  }
  const said = judgePair(judging, {
    ...{ name, control: values.control, experiment: values.experiment },
    startMs: scopes.experiment.startTimeMillis,
    stepMs: scopes.experiment.stepMillis,
  });
  const { critical, muted } = metric.analysisConfigurations?.canary ?? {};
  const groups = metric.groups ?? [];
  const [experiment, control] = [statsOf(values.experiment), statsOf(values.control)];
  const ratio = control.mean === 0 || control.mean === null ? null : experiment.mean;
  const about = { name, groups, critical: critical === true, muted: muted === true };
  return {
    counted: {
      ...about,
      label: said.label,
      // What decides alone: a critical metric, and a hard guard of the policy.
      critical: about.critical || said.isGuarded,
      query: name,
      deviation: NaN,
      values: { canary: experiment.count, baseline: control.count },
    },
    document: {
      ...about,
      id,
      tags,
      classification: said.label,
      classificationReason: said.reason,
      experimentMetadata: { stats: experiment },
      controlMetadata: { stats: control },
      resultMetadata: ratio === null ? {} : { ratio: ratio / control.mean! },
    },
  };
}

function statsOf(values: readonly number[]) {
  const valid = values.filter(Number.isFinite);
  const count = valid.length;
  if (count === 0) return { count, mean: null, min: null, max: null };
  const mean = valid.reduce((sum, value) => sum + value, 0) / count;
  return { count, mean, min: Math.min(...valid), max: Math.max(...valid) };
}

/** The score with doubt taken for a failure and for a pass, and what follows of the two. */
function scored(
  { canaryConfig, scoreThresholds }: Request,
  results: readonly Result[],
  { act, halted, policy }: HostStatus,
) {
  const weights = jsonObject(Object.entries(canaryConfig.classifier?.groupWeights ?? {}));
  const scoreIf = (doubtIs: "Pass" | "NodataFailMetric") =>
    scoreOf(
      results.map(({ counted }) => ({
        ...counted,
        label: counted.label === "Nodata" ? doubtIs : counted.label,
      })),
      weights,
    );
  const isDecided = results.some(({ counted }) => !counted.muted);
  const [low, high] = [scoreIf("NodataFailMetric"), scoreIf("Pass")];
  const { pass, marginal } = scoreThresholds;
  const between = (marginal + pass) / 2;
  const decide = (): readonly [number, string] => {
    if (halted) return [between, "undecided: every machine is halted"];
    if (!isDecided) return [between, "undecided: no metric counts"];
    if (low.score >= pass) return [low.score, `${low.score} even if all doubtful metrics fail`];
    if (high.score <= marginal) {
      const fails = `${high.score} even if all doubtful metrics pass`;
      return act ? [high.score, fails] : [between, `undecided: a dry run; it would be ${fails}`];
    }
    // Orca fails a score that is equal to `marginal`, so doubt must be above it.
    if (high.score < pass) return [high.score, `at most ${high.score}`];
    const range = low.score === high.score ? "" : `between ${low.score} and ${high.score}: `;
    return [between, `undecided: ${range}some metrics have not enough evidence`];
  };
  const [value, why] = decide();
  return {
    groupScores: [...low.groups].map(([name, groupScore]) => ({
      ...{ name, score: groupScore, classification: "", classificationReason: "" },
    })),
    total: {
      score: value,
      classification: classificationOf(value, scoreThresholds),
      classificationReason: `policy ${policy.name}: ${why}`,
    },
  };
}
