/** Faults of the host come in episodes: each pages once, when it lasted, and ends in silence. */

interface Episode {
  times: number;
  reported: boolean;
}

export class Episodes {
  readonly #open = new Map<string, Episode>();

  /** @returns must it be reported now, that it went wrong so many times in a row? */
  wrong(source: string, reportedAt: number): boolean {
    const episode = this.#open.get(source) ?? { times: 0, reported: false };
    this.#open.set(source, episode);
    episode.times++;
    if (episode.reported || episode.times < reportedAt) return false;
    episode.reported = true;
    return true;
  }

  /** @returns had it been reported? */
  well(source: string): boolean {
    const reported = this.#open.get(source)?.reported ?? false;
    this.#open.delete(source);
    return reported;
  }
}
