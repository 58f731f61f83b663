/** What every route of the contract does. */

import { toleranceText } from "../../engine/index.ts";
import type { Handlers, StillComputing, Written } from "./answers.ts";
import { summaryOf, type CatalogEntry } from "./catalog.ts";
import { Computed } from "./computed.ts";
import type { DeploymentList } from "./contract/deployments.ts";
import type { PolicyDetail } from "./contract/policies.ts";
import { knobsOf } from "./knobs.ts";
import { refOf, type Lab, type Opened } from "./lab.ts";
import { Refusal } from "./problems.ts";
import { deploymentOf } from "./views/deployment.ts";
import { historySummary } from "./views/historySummary.ts";
import { seriesBytes } from "./views/series.ts";

export function handlersOf(lab: Lab): Handlers {
  const { catalog, analyst } = lab;
  const views = new Computed<unknown>(() => analyst.progress);
  const written = async (
    key: readonly unknown[],
    make: () => Promise<string>,
    keeps: boolean,
  ): Promise<Written | StillComputing> => {
    const made = await views.of(JSON.stringify(key), make, keeps);
    return typeof made === "string" ? { kind: "written", json: made } : (made as StillComputing);
  };
  const ids = (refs: readonly { readonly id: string; readonly text: string }[]) =>
    refs.map(({ id, text }) => [id, text]);
  const later = (): never => {
    throw new Refusal("unavailable", "This part of the lab is not there yet.");
  };
  return {
    status: () => lab.status(),
    history: () => (lab.opened === null ? lab.waiting() : historySummary(lab.opened.history)),
    historyQuality: later,
    policies: () => ({
      policies: catalog.all().map((entry) => summaryOf(entry, lab.opened?.history ?? null)),
    }),
    policy: ({ params }) => detailOf(catalog.get(params.id), lab.opened),
    saveDraft: ({ body }) => detailOf(catalog.keepDraft(body.base, body.yaml), lab.opened),
    dropDraft: ({ params }) => {
      catalog.dropDraft(params.id);
      return null;
    },
    compare: ({ query }) => {
      const policies = lab.chosen(query.policies);
      return written(["compare", ids(policies)], () => analyst.ask("compare", { policies }), true);
    },
    deployments: () => (lab.opened === null ? lab.waiting() : listOf(lab, lab.opened)),
    deployment: async ({ params, query }) => {
      if (lab.opened === null) return lab.waiting();
      const policies = lab.chosen(query.policies);
      const { deploymentId } = params;
      const watching = policies.map(({ id }) => ({ id, policy: catalog.get(id).policy }));
      // Asked first, so that an unknown one is refused at once.
      const known = deploymentOf(lab.opened.history, deploymentId, null, watching, null);
      if (lab.ends === null) return known;
      const made = await written(
        ["deployment", deploymentId, ids(policies)],
        () => analyst.ask("deployment", { deploymentId, policies }),
        false,
      );
      return "state" in made ? known : made;
    },
    explain: async ({ params, query }) => {
      const policy = refOf(catalog.get(query.policy));
      const { deploymentId } = params;
      if (lab.ends === null) return lab.waiting();
      const key = JSON.stringify(["explain", deploymentId, policy.text]);
      const made = await views.of(key, () => analyst.ask("explain", { deploymentId, policy }));
      return made as Awaited<ReturnType<Handlers["explain"]>>;
    },
    bands: async ({ params, query }) => {
      const policy = refOf(catalog.get(query.policy));
      const asked = { ...params, policy, signal: query.signal, series: query.series };
      if (lab.ends === null) return lab.waiting();
      const made = await views.of(
        JSON.stringify(["bands", asked]),
        () => analyst.ask("bands", asked),
        false,
      );
      return made instanceof Uint8Array ? { kind: "bytes", bytes: made } : (made as StillComputing);
    },
    series: async ({ params, query }) => {
      if (lab.opened === null) return lab.waiting();
      const bytes = await seriesBytes(lab.opened.history, {
        series: params.series,
        fromMs: Date.parse(query.from),
        toMs: Date.parse(query.to),
        pixels: query.pixels,
      });
      return { kind: "bytes", bytes };
    },
    whatIf: later,
    gate: later,
    sweeps: later,
    startSweep: later,
    sweep: later,
    cancelSweep: later,
    restartSweep: later,
    dropSweep: later,
    tags: later,
    decisions: later,
    decision: later,
  };
}

function listOf({ ends }: Lab, { history, facts }: Opened): DeploymentList {
  return {
    policies: ends?.map(({ id }) => id) ?? [],
    deployments: history.tables.deployments.map((row, at) => ({
      deploymentId: row.deploymentId,
      service: row.service,
      environment: row.environment,
      version: row.version,
      author: row.author,
      label: facts.label(row.deploymentId),
      ...facts(row),
      ends: Object.fromEntries(ends?.map((one) => [one.id, one.ends[at]!]) ?? []),
    })),
  };
}

function detailOf(entry: CatalogEntry, opened: Opened | null): PolicyDetail {
  return {
    ...summaryOf(entry, opened?.history ?? null),
    yaml: entry.text,
    knobs: knobsOf(entry),
    signals: entry.policy.signals.map(({ name, metric, worse, detector, tolerance }) => ({
      name,
      metric,
      worse,
      detector: detector.kind,
      tolerance: toleranceText(tolerance),
    })),
  };
}
