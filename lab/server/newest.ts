/**
 * Of the questions of one page only the newest is worked for: who drags a control asks many, and
 * each would wait for all those before it.
 */

/** Pages that are remembered; one that is forgotten drops nothing. */
const PAGES_AT_MOST = 256;

export class Newest {
  readonly #asked = new Map<string, { readonly key: string; readonly gone: AbortController }>();

  /**
   * Aborted when the page asks something else.
   *
   * @param key of what is asked: who waits for an answer asks for it again and again
   */
  of(page: string, key: string): AbortSignal {
    const known = this.#asked.get(page);
    if (known?.key === key) return known.gone.signal;
    known?.gone.abort();
    this.#asked.delete(page);
    const gone = new AbortController();
    this.#asked.set(page, { key, gone });
    if (this.#asked.size > PAGES_AT_MOST) this.#asked.delete(this.#asked.keys().next().value!);
    return gone.signal;
  }
}
