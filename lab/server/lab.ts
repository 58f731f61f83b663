/**
 * What the server knows: the history's tables and the policies here, everything that takes
 * the engine in threads of its own, so that whoever asks for a page never waits for them.
 */

import { basename, resolve } from "node:path";
import { ENGINE_VERSION } from "../../engine/index.ts";
import { openHistory, type History } from "../history/open.ts";
import { Problem } from "../problem.ts";
import { stillComputing, type Handlers } from "./answers.ts";
import { Catalog, summaryOf, type CatalogEntry } from "./catalog.ts";
import type { Status } from "./contract/history.ts";
import type { PolicyDetail } from "./contract/policies.ts";
import { knobsOf } from "./knobs.ts";
import { toleranceText } from "../../engine/index.ts";
import { Refusal } from "./problems.ts";
import { factsOf, type FactsOf } from "./views/facts.ts";
import { historySummary } from "./views/historySummary.ts";
import { seriesBytes } from "./views/series.ts";

export interface LabOptions {
  readonly history: string;
  readonly policies: readonly string[];
  /** Where drafts, sweeps and logs are kept. */
  readonly runDirectory: string;
  readonly people: string;
  readonly seed: number;
  readonly replicates: number;
  readonly draws: number;
  readonly effect: string;
}

export interface Lab {
  readonly handlers: Handlers;
  close(): Promise<void>;
}

interface Opened {
  readonly history: History;
  readonly facts: FactsOf;
}

/** Policies are read at once and refused at once; the history is opened meanwhile. */
export function openLab(options: LabOptions): Lab {
  const catalog = new Catalog(options.policies, options.runDirectory);
  let opened: Opened | null = null;
  let problem: string | null = null;
  const opening = openHistory(options.history).then(
    (history) => {
      opened = { history, facts: factsOf(history) };
    },
    (error: unknown) => {
      problem = error instanceof Problem ? error.message : "it could not be opened";
      if (!(error instanceof Problem)) throw error;
    },
  );
  const later = (): never => {
    throw new Refusal("unavailable", "This part of the lab is not there yet.");
  };
  const handlers: Handlers = {
    status: () => statusOf(options, opened, problem),
    history: () => (opened === null ? stillComputing(null) : historySummary(opened.history)),
    historyQuality: later,
    policies: () => ({
      policies: catalog.all().map((entry) => summaryOf(entry, opened?.history ?? null)),
    }),
    policy: ({ params }) => detailOf(catalog.get(params.id), opened?.history ?? null),
    saveDraft: ({ body }) =>
      detailOf(catalog.keepDraft(body.base, body.yaml), opened?.history ?? null),
    dropDraft: ({ params }) => {
      catalog.dropDraft(params.id);
      return null;
    },
    compare: later,
    deployments: () => {
      if (opened === null) return stillComputing(null);
      const { history, facts } = opened;
      return {
        policies: [],
        deployments: history.tables.deployments.map((row) => ({
          deploymentId: row.deploymentId,
          service: row.service,
          environment: row.environment,
          version: row.version,
          author: row.author,
          label: facts.label(row.deploymentId),
          ...facts(row),
          ends: {},
        })),
      };
    },
    deployment: later,
    explain: later,
    bands: later,
    series: async ({ params, query }) => {
      if (opened === null) return stillComputing(null);
      const bytes = await seriesBytes(opened.history, {
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
  return {
    handlers,
    close: async () => {
      await opening;
      opened?.history.close();
    },
  };
}

function statusOf(options: LabOptions, opened: Opened | null, problem: string | null): Status {
  const { people, seed, replicates, draws, effect } = options;
  return {
    state: problem !== null ? "failed" : opened === null ? "opening" : "warming",
    progress: null,
    whatIf: false,
    problem,
    engineVersion: ENGINE_VERSION,
    history: basename(resolve(options.history)),
    options: { people, seed, replicates, draws, effect },
  };
}

function detailOf(entry: CatalogEntry, history: History | null): PolicyDetail {
  return {
    ...summaryOf(entry, history),
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
