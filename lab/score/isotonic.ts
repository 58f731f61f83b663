/**
 * Reliability of probabilities, by isotonic regression.
 *
 * CORP (Dimitriadis, Gneiting and Jordan 2021): how often what was said turns out is fitted
 * as a function that never falls, by pooling adjacent violators. The Brier score of what
 * was said splits into three parts, without anybody choosing bins:
 *
 *     Brier = reliability − resolution + uncertainty
 *
 * reliability: what putting each confidence right would save (0 is best); resolution: what
 * the ones put right save against saying the same of all; uncertainty: what that costs.
 */

/** What was said of one deployment, and whether it was so. */
export interface Forecast {
  readonly said: number;
  readonly isSo: boolean;
}

/** Forecasts next to each other that came true equally often, as far as one can tell. */
export interface Block {
  /** Lowest, highest and mean of what was said. */
  readonly from: number;
  readonly to: number;
  readonly mean: number;
  /** How often it was so. */
  readonly observed: number;
  readonly n: number;
}

export interface BrierParts {
  readonly reliability: number;
  readonly resolution: number;
  readonly uncertainty: number;
}

interface Pool {
  from: number;
  to: number;
  said: number;
  so: number;
  n: number;
}

/** Pools adjacent violators: blocks in order of what was said, each true oftener than the last. */
export function isotonic(forecasts: readonly Forecast[]): readonly Block[] {
  const blocks: Pool[] = [];
  for (const next of distinct(forecasts)) {
    let last = next;
    for (;;) {
      const before = blocks.at(-1);
      // Equal ones too: the fit is the same, and has fewer blocks.
      if (before === undefined || before.so * last.n < last.so * before.n) break;
      blocks.pop();
      last = joined(before, last);
    }
    blocks.push(last);
  }
  return blocks.map(blockOf);
}

/** At most so many bins of about equal size; what was said alike stays together. */
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

/** The mean squared error of what was said. NaN of none. */
export function brierOf(forecasts: readonly Forecast[]): number {
  const squares = forecasts.reduce((sum, { said, isSo }) => sum + (said - Number(isSo)) ** 2, 0);
  return squares / forecasts.length;
}

/** @param blocks the isotonic fit of these forecasts */
export function brierParts(forecasts: readonly Forecast[], blocks: readonly Block[]): BrierParts {
  const n = forecasts.length;
  const rate = forecasts.filter(({ isSo }) => isSo).length / n;
  const uncertainty = rate * (1 - rate);
  // Within a block what was put right is the share that came true: a binomial's variance.
  const putRight =
    blocks.reduce((sum, block) => sum + block.n * block.observed * (1 - block.observed), 0) / n;
  return {
    reliability: brierOf(forecasts) - putRight,
    resolution: uncertainty - putRight,
    uncertainty,
  };
}

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
