/**
 * Groups repeated faults of one source into episodes, so that an episode pages once, after it has
 * lasted, and not at every repetition.
 */

interface Episode {
  times: number;
  reported: boolean;
}

export class Episodes {
  readonly #open = new Map<string, Episode>();

  /**
   * Counts one more fault in a row.
   *
   * @param reportedAt the number of faults in a row from which the episode is reported
   * @returns whether it must be reported now
   */
  wrong(source: string, reportedAt: number): boolean {
    const episode = this.#open.get(source) ?? { times: 0, reported: false };
    this.#open.set(source, episode);
    episode.times++;
    if (episode.reported || episode.times < reportedAt) return false;
    episode.reported = true;
    return true;
  }

  /** Ends the episode. @returns whether it had been reported */
  well(source: string): boolean {
    const reported = this.#open.get(source)?.reported ?? false;
    this.#open.delete(source);
    return reported;
  }
}
