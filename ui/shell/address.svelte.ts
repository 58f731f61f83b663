/**
 * Where the reader is: the view and all that it shows, as the address bar says it. This
 * is the only state of the page that a shared link must carry, and so the only place
 * for it: views read their settings from here and write them back.
 */

/** Several values under one name are several entries: `policy=a&policy=b`. */
import type { JsonObject } from "../../engine/index.ts";

export type Settings = JsonObject<string | readonly string[] | null>;

class Address {
  path = $state(location.pathname);
  #search = $state(location.search);
  readonly #entries = $derived([...new URLSearchParams(this.#search)]);

  constructor() {
    addEventListener("popstate", () => this.#read());
    document.addEventListener("click", (event) => this.#follow(event));
  }

  /** The view's name: the first part of the path. */
  get view(): string {
    return this.path.split("/")[1] ?? "";
  }

  get search(): string {
    return this.#search;
  }

  one(name: string): string | null {
    return this.#entries.find(([key]) => key === name)?.[1] ?? null;
  }

  all(name: string): readonly string[] {
    return this.#entries.filter(([key]) => key === name).map(([, value]) => value);
  }

  /**
   * The address of a view with some settings changed: null removes one. What every view
   * shares is kept, what belongs to the view we leave is not.
   */
  to(view: string, changes: Settings = {}): string {
    const kept =
      view === this.view ? this.#entries : this.#entries.filter(([key]) => isShared(key));
    const entries = kept.filter(([key]) => !Object.hasOwn(changes, key));
    for (const [key, value] of Object.entries(changes)) {
      if (value === null) continue;
      for (const one of [value].flat()) entries.push([key, one]);
    }
    const search = new URLSearchParams(entries).toString();
    return `/${view}${search === "" ? "" : `?${search}`}`;
  }

  go(href: string): void {
    history.pushState(null, "", href);
    this.#read();
    scrollTo(0, 0);
  }

  /**
   * Changes settings of this view without a step in the browser's history. Another filter or order
   * makes another list, which is shown from its start.
   */
  change(changes: Settings): void {
    const href = this.to(this.view, { row: null, ...changes });
    if (href === `${location.pathname}${location.search}`) return;
    history.replaceState(null, "", href);
    this.#read();
  }

  #read(): void {
    this.path = location.pathname;
    this.#search = location.search;
  }

  #follow(event: MouseEvent): void {
    const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey;
    if (!plain || event.defaultPrevented) return;
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (link === null || link.origin !== location.origin) return;
    if (link.target !== "" || link.hasAttribute("download") || link.dataset["reload"]) return;
    if (link.pathname === location.pathname && link.hash !== "") return;
    event.preventDefault();
    this.go(`${link.pathname}${link.search}`);
  }
}

/** Settings that mean the same in every view. */
const SHARED: readonly string[] = ["policy", "zone", "people", "since", "until", "limit"];

function isShared(name: string): boolean {
  return SHARED.includes(name);
}

export const address = new Address();
