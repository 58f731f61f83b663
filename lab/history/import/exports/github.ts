/**
 * Deployments of GitHub: what `GET /repos/{owner}/{repo}/deployments` lists, each with the
 * answer of `…/deployments/{id}/statuses` put in as `statuses`, and the webhook deliveries
 * `deployment` and `deployment_status`. A `workflow_run` is not read: it does not say where it
 * deploys to, and a job with an `environment:` makes a deployment of its own.
 *
 * A deployment starts with its first status `in_progress`, since before that it waits for a
 * runner or a review; without one it starts when it was created. Bias: where only `success` is
 * ever reported, waiting counts as deploying.
 */

import { isFields, listIn, textIn, within, type Fields } from "../../../jsonBody.ts";
import {
  needed,
  readEach,
  timeIn,
  type ForeignDeployment,
  type Naming,
  type Reading,
} from "./foreign.ts";

/** What one element says about a deployment: all of it, or one status of it. */
interface Piece {
  readonly deploymentId: string;
  readonly repository: string;
  readonly given: Fields;
  /** Null when the element does not say. */
  readonly statuses: readonly Fields[] | null;
}

/**
 * Every deployment in the elements of an export, or in one webhook delivery: several
 * deliveries about one deployment are put together.
 */
export function readGithub(
  elements: readonly unknown[],
  naming: Naming,
): Reading<ForeignDeployment> {
  const pieces = readEach(elements, (element) => [pieceOf(element)]);
  const byId = new Map<string, Piece[]>();
  for (const piece of pieces.rows) {
    const before = byId.get(piece.deploymentId);
    if (before === undefined) byId.set(piece.deploymentId, [piece]);
    else before.push(piece);
  }
  const rows = [...byId.values()].map((group) => deploymentOf(group, naming));
  return { rows, problems: pieces.problems };
}

function pieceOf(element: Fields): Piece {
  const delivered = element["deployment"];
  const given = isFields(delivered) ? delivered : element;
  const id = needed(textIn(given, "id"), "id of a deployment");
  const repository = needed(
    textIn(within(element, "repository"), "full_name") ?? repositoryIn(given),
    "repository",
  );
  needed(timeIn(given, "created_at"), "time created_at");
  const status = element["deployment_status"];
  const listed = Array.isArray(given["statuses"]) ? listIn(given, "statuses") : null;
  return {
    deploymentId: `github/${repository}/${id}`,
    repository,
    given,
    // A delivery without a status is about one that has just been created: nothing runs yet.
    statuses: isFields(status) ? [status] : isFields(delivered) ? [] : listed,
  };
}

/** `https://api.github.com/repos/octo/shop` → `octo/shop`. */
function repositoryIn(given: Fields): string | null {
  const url = textIn(given, "repository_url") ?? textIn(given, "url") ?? "";
  return /\/repos\/([^/]+\/[^/]+)/.exec(url)?.[1] ?? null;
}

type State = ForeignDeployment["state"];

const STATES: ReadonlyMap<string | null, State> = new Map([
  ["pending", "waiting"],
  ["queued", "waiting"],
  ["waiting", "waiting"],
  ["in_progress", "running"],
  ["success", "succeeded"],
  // What another one replaced has been out.
  ["inactive", "succeeded"],
  ["failure", "failed"],
  ["error", "failed"],
]);

function deploymentOf(pieces: readonly Piece[], naming: Naming): ForeignDeployment {
  const [{ deploymentId, repository, given }] = pieces as readonly [Piece, ...Piece[]];
  const statuses = pieces
    .flatMap((piece) => piece.statuses ?? [])
    .flatMap((status) => {
      const state = STATES.get(textIn(status, "state"));
      const atMs = timeIn(status, "created_at");
      return state === undefined || atMs === null ? [] : [{ status, state, atMs }];
    })
    .sort((a, b) => a.atMs - b.atMs);
  const first = (state: State): number | null =>
    statuses.find((one) => one.state === state)?.atMs ?? null;
  const last = statuses.at(-1);
  // Without any status nobody knows; an export lists what was deployed, a delivery what will be.
  const unsaid = pieces.some((piece) => piece.statuses === null) ? "running" : "waiting";
  const payload = payloadOf(given["payload"]);
  return {
    deploymentId,
    service:
      naming.services.get(repository) ??
      textIn(payload, "service") ??
      repository.slice(repository.indexOf("/") + 1),
    environment:
      (last === undefined ? null : textIn(last.status, "environment")) ??
      textIn(given, "environment") ??
      naming.environment,
    kind: textIn(payload, "kind") ?? kindIn(textIn(given, "task")),
    startedAtMs: first("running") ?? timeIn(given, "created_at")!,
    ...(first("running") === null ? { startIsCreation: true as const } : {}),
    finishedAtMs: first("succeeded"),
    ...(last?.state === "failed" ? { failedAtMs: last.atMs } : {}),
    state: last?.state ?? unsaid,
    version: textIn(given, "sha") ?? textIn(given, "ref"),
    author: textIn(within(given, "creator"), "login"),
    title: textIn(given, "description"),
    event: textIn(given, "task"),
  };
}

/** `deploy:migrations` → `migrations`; a plain `deploy` stays as it is. */
function kindIn(task: string | null): string {
  return task === null ? "" : task.slice(task.indexOf(":") + 1);
}

/** What whoever made the deployment put into it; GitHub gives it as an object or as JSON. */
function payloadOf(payload: unknown): Fields {
  if (isFields(payload)) return payload;
  if (typeof payload !== "string") return {};
  try {
    const parsed: unknown = JSON.parse(payload);
    return isFields(parsed) ? parsed : {};
  } catch {
    return {}; // Free text is allowed there.
  }
}
