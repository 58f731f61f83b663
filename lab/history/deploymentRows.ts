/** The rows of the deployments' table as columns: the only table that grows with every change. */

import type { DeploymentKind } from "../../engine/index.ts";
import { listed, type Listed } from "./listed.ts";
import { NumberColumn, TextColumn } from "./packed.ts";
import type { DeploymentRow, Stage } from "./tables.ts";

/** Takes rows one after the other and keeps them as columns. */
export class DeploymentColumns {
  #length = 0;
  readonly #ids: TextColumn;
  readonly #services: TextColumn;
  readonly #environments: TextColumn;
  readonly #kinds: TextColumn;
  readonly #kindSources: TextColumn;
  readonly #started: NumberColumn;
  readonly #finished: NumberColumn;
  readonly #versions: TextColumn;
  readonly #authors: TextColumn;
  readonly #known: NumberColumn;
  /** By row; most have none. */
  readonly #stages = new Map<number, readonly Stage[]>();

  /** @param rows as many as will probably come */
  constructor(rows: number) {
    const text = (): TextColumn => new TextColumn(rows);
    const number = (): NumberColumn => new NumberColumn(rows);
    [this.#ids, this.#services, this.#environments] = [text(), text(), text()];
    [this.#kinds, this.#kindSources] = [text(), text()];
    [this.#versions, this.#authors] = [text(), text()];
    [this.#started, this.#finished, this.#known] = [number(), number(), number()];
  }

  add(row: DeploymentRow): void {
    const at = this.#length++;
    this.#ids.add(row.deploymentId);
    this.#services.add(row.service);
    this.#environments.add(row.environment);
    this.#kinds.add(row.kind);
    this.#kindSources.add(row.kindSource);
    this.#started.add(row.startedAtMs);
    this.#finished.add(row.finishedAtMs);
    this.#versions.add(row.version);
    this.#authors.add(row.author);
    this.#known.add(row.knownAtMs ?? null);
    if (row.stages.length > 0) this.#stages.set(at, row.stages);
  }

  rows(): Listed<DeploymentRow> {
    return listed(this.#length, (at) => this.#row(at));
  }

  #row(at: number): DeploymentRow {
    const row: DeploymentRow = {
      deploymentId: this.#ids.at(at)!,
      service: this.#services.at(at)!,
      environment: this.#environments.at(at)!,
      kind: this.#kinds.at(at) as DeploymentKind,
      kindSource: this.#kindSources.at(at)!,
      startedAtMs: this.#started.at(at)!,
      finishedAtMs: this.#finished.at(at),
      version: this.#versions.at(at),
      author: this.#authors.at(at),
      stages: this.#stages.get(at) ?? NOTHING,
    };
    const knownAtMs = this.#known.at(at);
    return knownAtMs === null ? row : { ...row, knownAtMs };
  }
}

const NOTHING: readonly never[] = [];
