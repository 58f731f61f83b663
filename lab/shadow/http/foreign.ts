/** Turns webhooks of GitHub and Argo CD about deployments into inputs of the host. */

import { readArgocd } from "../../history/import/exports/argocd.ts";
import type { ForeignDeployment, Naming, Reading } from "../../history/import/exports/foreign.ts";
import { readGithub } from "../../history/import/exports/github.ts";
import { readKind } from "../../history/import/kinds.ts";
import { isFields } from "../../jsonBody.ts";
import { Refusal } from "../../server/problems.ts";
import type { HostInput } from "../contract.ts";

/** A deployment that began earlier than this is old news that was sent again. */
const REACH_MS = 24 * 3_600_000;
/** Both send many webhooks about one deployment; only the first counts. So many are remembered. */
const REMEMBERED = 10_000;

interface News {
  readonly inputs: readonly HostInput[];
  /** The same inputs, read again, are news again. */
  readonly forget: () => void;
}

export type ForeignReader = (body: unknown, nowMs: number) => News;

/** Reads deployments; pings, pushes and other events of GitHub give no input. */
export function githubReader(naming: Naming): ForeignReader {
  return reader((body) =>
    isFields(body) && isFields(body["deployment"]) ? readGithub([body], naming) : NOTHING,
  );
}

/** Reads an Application as Argo CD's notifications send it; only its newest sync is news. */
export function argocdReader(naming: Naming): ForeignReader {
  return reader((body) => {
    const { rows, problems } = readArgocd([body], naming);
    return { rows: rows.slice(-1), problems };
  });
}

const NOTHING: Reading<ForeignDeployment> = { rows: [], problems: [] };

function reader(read: (body: unknown) => Reading<ForeignDeployment>): ForeignReader {
  const seen = new Set<string>();
  return (body, nowMs) => {
    const { rows, problems } = read(body);
    if (problems.length > 0) throw new Refusal("bad-request", problems.join("; "));
    const news = rows.filter(
      ({ deploymentId, state, startedAtMs }) =>
        state !== "waiting" && startedAtMs > nowMs - REACH_MS && !seen.has(deploymentId),
    );
    for (const { deploymentId } of news) {
      seen.add(deploymentId);
      if (seen.size > REMEMBERED) seen.delete(seen.values().next().value!);
    }
    const forget = (): void => news.forEach(({ deploymentId }) => seen.delete(deploymentId));
    return { inputs: news.map(startOf), forget };
  };
}

function startOf(row: ForeignDeployment): HostInput {
  const { deploymentId, service, environment, startedAtMs, version, author } = row;
  const kind = readKind(row.kind, new Map()) ?? "code";
  const catalog = { team: null, criticality: null };
  return {
    kind: "deploymentStarted",
    atMs: startedAtMs,
    deployment: {
      deploymentId,
      service,
      environment,
      kind,
      startedAtMs,
      version,
      author,
      ...catalog,
    },
  };
}
