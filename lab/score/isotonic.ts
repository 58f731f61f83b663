/**
 * Reliability of probabilities, by isotonic regression.
 *
 * The method is CORP (Dimitriadis, Gneiting and Jordan 2021): how often forecasts come true is
 * fitted as a function of the forecast that never falls, by pooling adjacent violators. The Brier
 * score then splits into three parts, and no bins need be chosen:
 *
 *     Brier = reliability − resolution + uncertainty
 *
 * Reliability is what would be saved by correcting each forecast to what the fit says (0 is best).
 * Uncertainty is the score of saying the same of all. Resolution is how much better than that the
 * corrected forecasts are.
 */

/** What was said of one deployment, as a probability, and whether it was so. */
export interface Forecast {
  readonly said: number;
  readonly isSo: boolean;
}

/** Neighbouring forecasts that came true equally often, as far as one can tell. */
export interface Block {
  /** Lowest, highest and mean of what was said. */
  readonly from: number;
  readonly to: number;
  readonly mean: number;
  /** The share that came true. */
  readonly observed: number;
  readonly n: number;
}

export interface BrierParts {
  readonly reliability: number;
  readonly resolution: number;
  readonly uncertainty: number;
}

/** A block under way: `said` and `so` are sums. */
interface Pool {
  from: number;
  to: number;
  said: number;
  so: number;
  n: number;
}

/** Pools adjacent violators: blocks by forecast, each more often true than the one before. */
export function isotonic(forecasts: readonly Forecast[]): readonly Block[] {
  const blocks: Pool[] = [];
  for (const next of distinct(forecasts)) {
    let last = next;
    for (;;) {
      const before = blocks.at(-1);
      // Blocks that are true equally often are pooled too: the fit is the same with fewer blocks.
      if (before === undefined || before.so * last.n < last.so * before.n) break;
      blocks.pop();
      last = joined(before, last);
    }
    blocks.push(last);
  }
  return blocks.map(blockOf);
}

/** At most `count` bins of about equal size; equal forecasts stay together. */
export function equalBins(forecasts: readonly Forecast[], count: number): readonly Block[] {
  const bins: Pool[] = [];
  let seen = 0;
  for (const next of distinct(forecasts)) {
    const bin = bins.at(-1);
    const isFull = seen >= (bins.length * forecasts.length) / count;
    if (bin === undefined || isFull) bins.push(next);
    else bins[bins.length - 1] = joined(bin, next);
    seen += next.n;
  }
  return bins.map(blockOf);
}

/** The Brier score, the mean squared error of the forecasts; NaN without any. */
export function brierOf(forecasts: readonly Forecast[]): number {
  const squares = forecasts.reduce((sum, { said, isSo }) => sum + (said - Number(isSo)) ** 2, 0);
  return squares / forecasts.length;
}

/**
 * The three parts of the Brier score.
 *
 * @param blocks the isotonic fit of these forecasts
 */
export function brierParts(forecasts: readonly Forecast[], blocks: readonly Block[]): BrierParts {
  const n = forecasts.length;
  const rate = forecasts.filter(({ isSo }) => isSo).length / n;
  const uncertainty = rate * (1 - rate);
  // The score of the corrected forecasts. Within a block they all are the share that came true,
  // so it is the variance of a binomial.
  const putRight =
    blocks.reduce((sum, block) => sum + block.n * block.observed * (1 - block.observed), 0) / n;
  return {
    reliability: brierOf(forecasts) - putRight,
    resolution: uncertainty - putRight,
    uncertainty,
  };
}

/** One pool for each distinct forecast, ascending. */
function distinct(forecasts: readonly Forecast[]): Pool[] {
  const pools: Pool[] = [];
  for (const { said, isSo } of [...forecasts].sort((a, b) => a.said - b.said)) {
    const one = { from: said, to: said, said, so: Number(isSo), n: 1 };
    const last = pools.at(-1);
    if (last?.to === said) pools[pools.length - 1] = joined(last, one);
    else pools.push(one);
  }
  return pools;
}

function joined(lower: Pool, upper: Pool): Pool {
  return {
    from: lower.from,
    to: upper.to,
    said: lower.said + upper.said,
    so: lower.so + upper.so,
    n: lower.n + upper.n,
  };
}

function blockOf({ from, to, said, so, n }: Pool): Block {
  return { from, to, mean: said / n, observed: so / n, n };
}
