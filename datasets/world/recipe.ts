/** Builds the effects of one cause without repeating times and names. */

import type { Effect, Exposure, Metric } from "./effects.ts";

/** What differs from a step of the recipe's own length. */
export type More = Partial<Omit<Effect, "metric" | "size">>;

export class Recipe {
  readonly effects: Effect[] = [];
  constructor(
    private readonly service: string,
    private readonly onsetMs: number,
    private readonly endsMs: number,
    private readonly byDeployment: boolean,
    private readonly exposure: readonly Exposure[] | null = null,
  ) {}

  add(metric: Metric, size: number, more: More = {}): this {
    this.effects.push({
      service: this.service,
      metric,
      shape: "step",
      change: "relative",
      size,
      onsetMs: Math.round(this.onsetMs),
      endsMs: Math.round(this.endsMs),
      scaleMs: 0,
      byDeployment: this.byDeployment,
      ...(this.exposure === null ? {} : { exposure: this.exposure }),
      ...more,
    });
    return this;
  }

  /** The three latency quantiles, the body moving `body` times as much as p95. */
  latency(size: number, body = 0.9, tail = 1.1, more: More = {}): this {
    return this.add("latency_p50_ms", size * body, more)
      .add("latency_p95_ms", size, more)
      .add("latency_p99_ms", size * tail, more);
  }

  errors(size: number, more: More = {}): this {
    return this.add("error_rate", size, { change: "additive", ...more });
  }
}
