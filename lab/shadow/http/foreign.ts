/** What GitHub and Argo CD tell of deployments, as the events it comes to. */

import { readArgocd } from "../../history/import/exports/argocd.ts";
import type { ForeignDeployment, Naming, Reading } from "../../history/import/exports/foreign.ts";
import { readGithub } from "../../history/import/exports/github.ts";
import { readKind } from "../../history/import/kinds.ts";
import { isFields } from "../../jsonBody.ts";
import { Refusal } from "../../server/problems.ts";
import type { Told } from "../contract.ts";

/** Nothing that began earlier can still be watched: it is history that is told again. */
const REACH_MS = 24 * 3_600_000;
/** Both tell of one deployment many times; so many are remembered. */
const REMEMBERED = 10_000;

export type ForeignReader = (body: unknown, nowMs: number) => readonly Told[];

/** A ping, a push and whatever else GitHub sends holds nothing for us. */
export function githubReader(naming: Naming): ForeignReader {
  return reader((body) =>
    isFields(body) && isFields(body["deployment"]) ? readGithub([body], naming) : NOTHING,
  );
}

/** The Application as a notification sends it; only its newest sync is news. */
export function argocdReader(naming: Naming): ForeignReader {
  return reader((body) => {
    const { rows, problems } = readArgocd([body], naming);
    return { rows: rows.slice(-1), problems };
  });
}

const NOTHING: Reading<ForeignDeployment> = { rows: [], problems: [] };

function reader(read: (body: unknown) => Reading<ForeignDeployment>): ForeignReader {
  const told = new Set<string>();
  return (body, nowMs) => {
    const { rows, problems } = read(body);
    if (problems.length > 0) throw new Refusal("bad-request", problems.join("; "));
    const news = rows.filter(
      ({ deploymentId, state, startedAtMs }) =>
        state !== "waiting" && startedAtMs > nowMs - REACH_MS && !told.has(deploymentId),
    );
    for (const { deploymentId } of news) {
      told.add(deploymentId);
      if (told.size > REMEMBERED) told.delete(told.values().next().value!);
    }
    return news.map(startOf);
  };
}

function startOf(row: ForeignDeployment): Told {
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
