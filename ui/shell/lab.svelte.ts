/** What every view knows: how far the server is, what the history is, which policies there are. */

import type { HistorySummary, Status } from "../../lab/server/contract/history.ts";
import type { PolicySummary } from "../../lab/server/contract/policies.ts";
import { ask } from "../data/client.ts";
import { connection } from "../data/connection.svelte.ts";
import { askAllAgain, Resource } from "../data/resource.svelte.ts";
import { fileOf } from "./command.ts";
import { address } from "./address.svelte.ts";

const ASK_AGAIN_MS = 500;
/** How soon a page that asks for nothing finds out that the server went away. */
const STILL_THERE_MS = 5000;

class Lab {
  readonly status = new Resource<Status>();
  readonly history = new Resource<HistorySummary>();
  readonly list = new Resource<{ readonly policies: readonly PolicySummary[] }>();

  constructor() {
    this.history.ask((waiting) => ask("history", {}, waiting));
    this.readPolicies();
    void this.#follow();
  }

  /** After a draft came or went. */
  readPolicies(): void {
    this.list.ask((waiting) => ask("policies", {}, waiting));
  }

  get policies(): readonly PolicySummary[] {
    return this.list.value?.policies ?? [];
  }

  /** The ids that the address names, the baseline first; those of the command line otherwise. */
  get chosen(): readonly string[] {
    const named = address.all("policy");
    if (named.length > 0) return named;
    return this.policies.filter(({ source }) => source === "given").map(({ id }) => id);
  }

  nameOf(id: string): string {
    return this.policies.find((one) => one.id === id)?.name ?? id;
  }

  /** `--policy FILE` for each, as a command takes them. */
  policyWords(ids: readonly string[]): readonly string[] {
    return ids.flatMap((id) => ["--policy", fileOf(this.policies, id)]);
  }

  timezoneOf(service: string): string {
    const row = this.history.value?.services.find((one) => one.service === service);
    return row?.timezone ?? "UTC";
  }

  /** Asks at once whether the server is there, and not only when its turn comes. */
  look(): void {
    ask("status", {}).then(
      (status) => this.#told(status),
      () => undefined,
    );
  }

  #told(status: Status): void {
    const before = this.status.value;
    if (before !== null && before.startedAt !== status.startedAt) connection.isReturning = true;
    this.status.value = status;
    if (!connection.isReturning || (status.state !== "ready" && status.state !== "failed")) return;
    connection.isReturning = false;
    askAllAgain();
  }

  async #follow(): Promise<void> {
    for (;;) {
      try {
        this.#told(await ask("status", {}));
      } catch {
        // The next round tells; what a view asks for says what is wrong.
      }
      const state = this.status.value?.state;
      const isSettled = state === "ready" || state === "failed";
      const waitMs = isSettled ? STILL_THERE_MS : ASK_AGAIN_MS;
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  }
}

export const lab = new Lab();
