/**
 * Which deployments are scored, where not all of the history's are: a setting of the address, in
 * the words of `--from` and `--to`. The server says which these are, or what is wrong with it.
 */

import type { Scored, StretchAsked } from "../../lab/server/contract/scored.ts";
import { ask } from "../data/client.ts";
import { Resource } from "../data/resource.svelte.ts";
import { stretchText } from "../format/time.ts";
import { address, type Settings } from "./address.svelte.ts";
import { lab } from "./lab.svelte.ts";

class Stretch {
  readonly from = $derived(address.one("since"));
  readonly to = $derived(address.one("until"));
  /** As routes take it; another one only where it changes, so that nothing is asked twice. */
  readonly asked: StretchAsked = $derived({
    ...(this.from === null ? {} : { from: this.from }),
    ...(this.to === null ? {} : { to: this.to }),
  });
  readonly told = new Resource<Scored>();

  get isWhole(): boolean {
    return this.from === null && this.to === null;
  }

  /** `--from 28d`, as a command takes it. */
  get commandWords(): readonly string[] {
    return wordsOf(this.from, this.to);
  }

  /** Its name where it has one, else its days; null while nobody has said what it is. */
  get name(): string | null {
    const offered = lab.history.value?.stretches ?? [];
    const known = offered.find(({ from, to }) => from === this.from && to === this.to);
    if (known !== undefined) return known.name;
    return this.told.value === null ? null : stretchText(this.told.value);
  }

  choose(from: string | null, to: string | null): void {
    address.change({ since: from, until: to });
  }

  /** Asks who is in it. */
  read(): void {
    const query = this.asked;
    this.told.value = null;
    this.told.ask((waiting) => ask("scored", { query }, waiting));
  }
}

function wordsOf(from: string | null, to: string | null): readonly string[] {
  return [...(from === null ? [] : ["--from", from]), ...(to === null ? [] : ["--to", to])];
}

/** `2026-07-01` where it is the beginning of a day, else the instant as it is. */
const shortText = (at: string | null): string | null =>
  at === null ? null : at.replace(/T00:00:00(\.000)?Z$/, "");

/** The settings with which the page scores what was scored for an answer. */
export function settingsOf(scored: Scored | null): Settings {
  return { since: shortText(scored?.from ?? null), until: shortText(scored?.to ?? null) };
}

/** The same as a command takes it. */
export function commandWordsOf(scored: Scored | null): readonly string[] {
  return wordsOf(shortText(scored?.from ?? null), shortText(scored?.to ?? null));
}

export const stretch = new Stretch();
