/** What every route of the contract does. */

import { toleranceText } from "../../engine/index.ts";
import { budgetWith } from "../gate/budget.ts";
import { withinText, type Within } from "../compare/within.ts";
import { sha256 } from "../policy/load.ts";
import type { Handlers, StillComputing, Written } from "./answers.ts";
import { summaryOf, type CatalogEntry } from "./catalog.ts";
import { Computed } from "./computed.ts";
import type { PolicyDetail } from "./contract/policies.ts";
import type { Answer, RouteName } from "./contract/routes.ts";
import type { StretchAsked } from "./contract/scored.ts";
import type { GateRequest } from "./contract/whatIf.ts";
import { DeploymentLists } from "./list/lists.ts";
import { Newest } from "./newest.ts";
import { refOf, type Lab } from "./lab.ts";
import type { PolicyRef } from "./threads/evaluations.ts";
import { deploymentOf } from "./views/deployment.ts";
import { historySummary } from "./views/historySummary.ts";
import { limitsSaid } from "./views/limits.ts";
import { scoredOf, withinAsked } from "./views/scored.ts";
import { seriesBytes } from "./views/series.ts";

export function handlersOf(lab: Lab): Handlers {
  const { catalog, analyst } = lab;
  const views = new Computed(() => analyst.progress);
  const works = new Computed(() => lab.heavy.progress);
  const drags = new Computed(() => lab.whatIf.progress);
  const newest = new Newest();
  const searches = new Computed(() => null);
  let lists: DeploymentLists | null = null;
  const drafts = new Computed(() => lab.checker.progress);
  /** Text made in a thread. */
  const written = async (
    computed: Computed,
    key: readonly unknown[],
    make: () => Promise<string>,
    keeps: boolean,
  ): Promise<Written | StillComputing> => {
    const made = await computed.of(JSON.stringify(key), make, keeps);
    return typeof made === "string" ? { kind: "written", json: made } : made;
  };
  const long = (what: string, key: readonly unknown[], make: () => Promise<string>) =>
    written(works, [what, ...key], make, true);
  /** Long at the first time, and quick from then on. */
  const briefly = <Name extends RouteName>(
    key: readonly unknown[],
    make: () => Promise<Answer<Name>>,
  ) => works.of(JSON.stringify(key), make, false);
  /** What nobody can score is refused before anybody works for it. */
  const scoring = <Answered>(
    asked: StretchAsked,
    make: (within: Within | undefined) => Answered,
  ): Answered | StillComputing => {
    if (asked.from === undefined && asked.to === undefined) return make(undefined);
    return lab.opened === null ? lab.waiting() : make(withinAsked(asked, lab.opened.history));
  };
  const ids = (refs: readonly PolicyRef[]) => refs.map(({ id, text }) => [id, text]);
  const changeOf = ({ base, changes, yaml }: GateRequest) => ({
    base: refOf(catalog.get(base)),
    changes,
    yaml,
  });
  return {
    status: () => lab.status(),
    history: () => (lab.opened === null ? lab.waiting() : historySummary(lab.opened.history)),
    agents: () => long("agents", [], () => lab.heavy.ask("agents", undefined)),
    historyQuality: () => long("quality", [], () => lab.heavy.ask("quality", undefined)),
    scored: ({ query }) => {
      if (lab.opened === null) return lab.waiting();
      const { history } = lab.opened;
      return scoredOf(withinAsked(query, history), history);
    },
    policies: () => ({
      policies: catalog.all().map((entry) => summaryOf(entry, lab.opened?.history ?? null)),
    }),
    policy: ({ params }) => detailOf(lab, catalog.get(params.id)),
    saveDraft: async ({ body }) => {
      const base = catalog.get(body.base);
      const asked = { base: refOf(base), yaml: body.yaml };
      const key = sha256(JSON.stringify(asked));
      const read = await drafts.of(key, () => lab.checker.ask("draft", asked), false);
      if ("state" in read) return read;
      return detailOf(lab, catalog.keepDraft(base, body.yaml, read));
    },
    dropDraft: ({ params }) => {
      catalog.dropDraft(params.id);
      return null;
    },
    compare: ({ query }) => {
      const policies = lab.chosen(query.policies);
      return scoring(query, (within) =>
        written(
          views,
          ["compare", ids(policies), keyOf(within)],
          () => analyst.ask("compare", { policies, within }),
          true,
        ),
      );
    },
    verdict: ({ query }) => {
      const policies = lab.chosen(query.policies);
      const { limits = "", pairs } = query;
      // What is no limit is refused before anything is made.
      budgetWith(limits);
      return scoring(query, (within) =>
        written(
          views,
          ["verdict", ids(policies), keyOf(within), limits, pairs],
          () => analyst.ask("verdict", { policies, within, limits, pairs }),
          true,
        ),
      );
    },
    limits: ({ query }) => limitsSaid(budgetWith(query.limits ?? "")),
    deployments: ({ query }) => {
      const { opened, ends } = lab;
      if (opened === null) return lab.waiting();
      const within = withinAsked(query, opened.history);
      lists ??= new DeploymentLists(opened);
      const known = lists;
      const key = JSON.stringify([query, ends !== null]);
      return searches.of(key, () => known.page(query, within, ends ?? []), false);
    },
    deployment: async ({ params, query }) => {
      if (lab.opened === null) return lab.waiting();
      const policies = lab.chosen(query.policies);
      const { deploymentId } = params;
      const watching = policies.map(({ id }) => ({ id, policy: catalog.get(id).policy }));
      // Asked first, so that an unknown one is refused at once.
      const known = deploymentOf(lab.opened.history, deploymentId, null, watching, null);
      if (lab.ends === null) return known;
      const made = await written(
        views,
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
      return views.of(key, () => analyst.ask("explain", { deploymentId, policy }), true);
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
      return made instanceof Uint8Array ? { kind: "bytes", bytes: made } : made;
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
    whatIf: ({ body, gone }) => {
      if (lab.ends === null) return lab.waiting();
      const change = changeOf(body);
      return scoring(body, (within) => {
        const asked = { ...change, within };
        const key = [change, keyOf(within)];
        if (body.precision === "exact") {
          const newer =
            body.asker === undefined ? undefined : newest.of(body.asker, JSON.stringify(key));
          return long("exact", key, () => lab.heavy.ask("exact", asked, newer));
        }
        return written(drags, key, () => lab.whatIf.ask("quick", asked, gone), false);
      });
    },
    gate: ({ body }) => {
      const { limits = "" } = body;
      budgetWith(limits);
      const change = { ...changeOf(body), limits };
      return scoring(body, (within) =>
        long("gate", [change, keyOf(within)], () => lab.heavy.ask("gate", { ...change, within })),
      );
    },
    sweeps: () => ({ sweeps: lab.sweeps.all() }),
    startSweep: ({ body }) => {
      const entry = catalog.get(body.policy);
      return scoring(body, (within) => {
        const scored = within === undefined ? null : scoredOf(within, lab.opened!.history);
        return lab.sweeps.start(entry, { ...body, limits: body.limits ?? "", scored });
      });
    },
    sweep: ({ params }) => lab.sweeps.detail(params.id),
    cancelSweep: ({ params }) => lab.sweeps.cancel(params.id),
    restartSweep: ({ params }) => lab.sweeps.restart(params.id),
    dropSweep: ({ params }) => {
      lab.sweeps.drop(params.id);
      return null;
    },
    tags: ({ query }) => {
      const policy = refOf(catalog.get(query.policy));
      return scoring(query, (within) =>
        long("tags", [policy, keyOf(within)], () => lab.heavy.ask("tags", { policy, within })),
      );
    },
    decisions: ({ query: { policy: id, ...query } }) => {
      const policy = refOf(catalog.get(id));
      return briefly<"decisions">(["decisions", policy, query], () =>
        lab.heavy.ask("decisions", { policy, query }),
      );
    },
    decision: ({ params: { decisionId }, query }) => {
      const policy = refOf(catalog.get(query.policy));
      return briefly<"decision">(["decision", policy, decisionId], () =>
        lab.heavy.ask("decision", { policy, decisionId }),
      );
    },
  };
}

/** In a key: infinities are no JSON. */
const keyOf = (within: Within | undefined): unknown =>
  within === undefined ? null : withinText(within);

function detailOf({ catalog, opened }: Lab, entry: CatalogEntry): PolicyDetail {
  return {
    ...summaryOf(entry, opened?.history ?? null),
    yaml: entry.text,
    knobs: catalog.knobs(entry),
    signals: entry.policy.signals.map(({ name, metric, worse, detector, tolerance }) => ({
      name,
      metric,
      worse,
      detector: detector.kind,
      tolerance: toleranceText(tolerance),
    })),
  };
}
