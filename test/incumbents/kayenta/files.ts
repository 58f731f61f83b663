/** Canary configs, stages and requests of Kayenta, as text. */

/** One key a line, so that lines are easy to count. */
export function config(metrics: readonly object[], given: object = {}): string {
  const judge = { name: "NetflixACAJudge-v1.0" };
  const whole = { name: "canary", id: "c1", judge, metrics, ...given };
  const classifier = { groupWeights: {} };
  return JSON.stringify({ configVersion: "1", classifier, ...whole }, null, 2);
}

export function measured(name: string, canary: object = {}, query: object = QUERY): object {
  return { name, query, groups: ["g"], analysisConfigurations: { canary } };
}

const QUERY = { type: "prometheus", customInlineTemplate: "PromQL:up{v='${scope}'}" };

export function stage(given: object, name = "canary"): object {
  const scopes = [{ controlScope: "baseline", experimentScope: "canary" }];
  const scoreThresholds = { marginal: 50, pass: 75 };
  const canaryConfig = { canaryConfigId: "c1", scopes, scoreThresholds, lifetimeDuration: "PT1H" };
  return { type: "kayentaCanary", name, canaryConfig: { ...canaryConfig, ...given } };
}

export function request(): { readonly executionRequest: object } {
  return {
    executionRequest: {
      scopes: [{ controlScope: "a", experimentScope: "b", step: 30, controlOffsetInMinutes: 5 }],
      thresholds: { marginal: 60, pass: 90 },
      lifetimeDurationMins: 120,
      analysisIntervalMins: 30,
    },
  };
}
