/** What a baseline says, on numbers worked out by hand or in another way. */

import { mad, median } from "simple-statistics";
import { describe, expect, test } from "vitest";
import { baselineStart } from "../../engine/detect/baseline/baselineLength.ts";
import { expectedAt, observe, observeBaseline } from "../../engine/detect/baseline/residual.ts";
import { medianInPlace, medianOfFew } from "../../engine/detect/baseline/orderStatistics.ts";
import {
  DAY_MS,
  forgetSlots,
  prepareSeason,
  recallDay,
  SEASON_DAYS,
  seasonMarginMs,
  seasonAt,
  seasonOf,
  slotMemory,
  startSeason,
  takeDay,
  type SeasonDays,
} from "../../engine/detect/baseline/season.ts";
import { boundsFor } from "../../engine/detect/tolerance.ts";
import { signalOf } from "./policyFile.ts";
import { normals } from "./seeded.ts";

const MINUTE_MS = 60_000;
const SEASON_MARGIN_MS = seasonMarginMs(5 * MINUTE_MS);
const times = (count: number): number[] => Array.from({ length: count }, (_, i) => i * MINUTE_MS);

describe("median", () => {
  test.each([
    [[3], 3],
    [[4, 1], 2.5],
    [[9, 1, 5], 5],
    [[1, 2, 3, 100], 2.5],
  ])("of %j is %j", (values, expected) =>
    expect(medianInPlace(Float64Array.from(values), values.length)).toBe(expected),
  );

  test("of none is NaN, and only the first `count` are asked", () => {
    expect(medianInPlace(new Float64Array(3), 0)).toBeNaN();
    expect(medianInPlace(Float64Array.from([1, 2, 3, 1000, 1000]), 3)).toBe(2);
    expect(medianOfFew(new Float64Array(3), 0)).toBeNaN();
  });

  test("of few, many and all alike is that of a selection", () => {
    for (const kinds of [1, 2, 5, 1000]) {
      for (let count = 1; count <= 200; count++) {
        const noise = normals(17 * count + kinds, count);
        const values = Array.from(noise, (z) => Math.round(z * kinds) / kinds + 0);
        const room = Float64Array.from({ length: 3 * count }, (_, at) => values[at] ?? Number.NaN);
        const expected = medianInPlace(Float64Array.from(values), count);
        expect(medianOfFew(room, count)).toBe(expected);
      }
    }
  });
});

describe("baseline", () => {
  test("level and scale are the median and 1.4826 MAD, as simple-statistics has them", () => {
    const values = Array.from(normals(7, 61), (z) => 0.05 + 0.004 * z);
    const baseline = observeBaseline(times(61), values, "identity", 0.01, null);
    expect(baseline.level).toBeCloseTo(median(values), 12);
    const phi = baseline.autocorrelation;
    const spread = baseline.scale / Math.sqrt((1 + phi) / (1 - phi));
    expect(spread).toBeCloseTo(1.4826 * mad(values), 12);
    expect(baseline.stepMs).toBe(MINUTE_MS);
  });

  test("+15 % is the same residual at any level of a relative signal", () => {
    for (const level of [0.2, 240, 9e6]) {
      const past = new Array<number>(40).fill(level);
      const baseline = observeBaseline(times(40), past, "log", 1, null);
      const [residual] = observe(baseline, [0], [1.15 * level]);
      // ln(1.15) = 0.13976; the offset for zero takes 0.1 % of it away.
      expect(residual).toBeCloseTo(0.13963, 4);
      expect(expectedAt(baseline, 0) / level).toBeCloseTo(1, 9);
    }
  });

  test("a lag-1 autocorrelation of 0.6 is found and inflates the scale twofold", () => {
    const noise = normals(11, 4000);
    const values: number[] = [];
    let before = 0;
    for (const z of noise) values.push((before = 0.6 * before + 0.8 * z));
    const baseline = observeBaseline(times(4000), values, "identity", 0.01, null);
    expect(baseline.autocorrelation).toBeGreaterThan(0.55);
    expect(baseline.autocorrelation).toBeLessThan(0.65);
    // √(1.6 / 0.4) = 2 times the standard deviation of 1.
    expect(baseline.scale).toBeGreaterThan(1.8);
    expect(baseline.scale).toBeLessThan(2.2);
  });

  test("a constant series has the floor as its scale, and no autocorrelation", () => {
    const past = new Array<number>(40).fill(240);
    expect(observeBaseline(times(40), past, "log", 1, null)).toMatchObject({
      scale: 0.02,
      autocorrelation: 0,
    });
    const ratio = observeBaseline(times(40), past, "identity", 0.01, null);
    expect(ratio.scale).toBeCloseTo(0.001, 12);
  });

  test("missing scrapes are skipped, and no sample at all is a problem", () => {
    const past = [1, Number.NaN, 1, 1, Number.NaN, 1];
    const baseline = observeBaseline(times(6), past, "log", 1, null);
    expect(baseline.samples).toBe(4);
    expect(baseline.problem).toBeNull();
    expect(Array.from(observe(baseline, [0], [Number.NaN]))).toEqual([Number.NaN]);
    const empty = observeBaseline(times(2), [Number.NaN, Number.NaN], "log", 1, null);
    expect(empty.problem).toBe("no sample before the deployment");
  });

  test("nothing but zero has no relative change, mostly zero has one", () => {
    const zeros = new Array<number>(30).fill(0);
    expect(observeBaseline(times(30), zeros, "log", 1, null).problem).toContain("zero");
    const mostly = zeros.map((_, index) => (index % 10 === 0 ? 100 : 0));
    const baseline = observeBaseline(times(30), mostly, "log", 1, null);
    expect(baseline.problem).toBeNull();
    // The mean is 10, and a hundredth of it is what zero is taken for.
    expect(baseline.offset).toBeCloseTo(0.1, 12);
  });

  test("a short history borrows a scale and pays for its uncertain level", () => {
    const two = observeBaseline(times(2), [100, 100], "log", 1, null);
    expect(two.spread).toBeCloseTo(0.04 * Math.sqrt(1.5), 12);
    const ratio = observeBaseline(times(1), [99.5], "identity", 1, null);
    expect(ratio.spread).toBeCloseTo(0.15 * Math.SQRT2, 12);
  });

  test("ordinary spikes are part of a relative spread, and not of one in points", () => {
    // Nine in ten samples at 100, every tenth at 200: the MAD alone is zero.
    const spiky = Array.from({ length: 60 }, (_, index) => (index % 10 === 0 ? 200 : 100));
    const relative = observeBaseline(times(60), spiky, "log", 1, null);
    expect(relative.spread).toBeCloseTo((Math.log(200.1) - Math.log(100.1)) / 3.29, 10);
    expect(observeBaseline(times(60), spiky, "identity", 1, null).spread).toBeCloseTo(0.1, 12);
  });

  test("a baseline is a stretch of time, or sixty samples where these reach further", () => {
    const minutes = times(200).map((_, index) => index * 60_000);
    const long = (minutes: number) => ({ baselineMs: minutes * MINUTE_MS });
    const startedAtMs = 200 * MINUTE_MS;
    expect(baselineStart(minutes, startedAtMs, long(100), null)).toBe(100);
    expect(baselineStart(minutes, startedAtMs, long(10), null)).toBe(140);
    expect(baselineStart(minutes.slice(0, 10), 10 * MINUTE_MS, long(1), null)).toBe(0);
  });

  test("which are sixty of an hourly series too, but none from before a gap of a day", () => {
    const hours = times(200).map((ms) => ms * 60);
    const startedAtMs = 200 * 60 * MINUTE_MS;
    expect(baselineStart(hours, startedAtMs, { baselineMs: 3_600_000 }, null)).toBe(140);
    const gap = times(40).map((ms, index) => ms + (index < 20 ? 0 : 2 * DAY_MS));
    const after = gap.at(-1)! + MINUTE_MS;
    expect(baselineStart(gap, after, { baselineMs: 3_600_000 }, null)).toBe(20);
  });

  test("or as many samples as the policy says, however far apart they are", () => {
    const given = { baselineMs: 0, baselineSamples: 30 };
    for (const apart of [1 / 60, 1, 5, 60, 24 * 60 - 1]) {
      const atMs = times(200).map((ms) => ms * apart);
      expect(baselineStart(atMs, 200 * apart * MINUTE_MS, given, null)).toBe(170);
    }
    expect(baselineStart(times(20), 20 * MINUTE_MS, given, null)).toBe(0);
  });

  test("which do not reach beyond its season, where twenty are left", () => {
    const minutes = times(200);
    const from = (startMinute: number, atMinute: number): number => {
      const season = { startMs: startMinute * MINUTE_MS, stepMs: 300_000, values: [], days: 7 };
      const baselineMs = (200 - atMinute) * MINUTE_MS;
      return baselineStart(minutes, 200 * MINUTE_MS, { baselineMs }, season);
    };
    expect(from(130, 190)).toBe(140);
    expect(from(145.5, 190)).toBe(146);
    expect(from(180, 190)).toBe(180);
    expect(from(180.5, 190)).toBe(140);
    // One that begins within the stretch is another's: it says nothing of where it begins.
    expect(from(150, 140)).toBe(140);
  });
});

describe("bounds", () => {
  test("a relative tolerance is a distance of logarithms, by direction", () => {
    const series = { service: "s", metric: "m", version: null, percentagePoint: 1 };
    const infinity = Number.POSITIVE_INFINITY;
    const up = boundsFor(signalOf({ tolerance: "10%", worse: "up" }), series, 0.265, null);
    expect(up).toEqual({ up: Math.log1p(0.265), down: infinity });
    const down = boundsFor(signalOf({ tolerance: "10%", worse: "down" }), series, 0.1, null);
    expect(down.up).toBe(infinity);
    expect(down.down).toBeCloseTo(-Math.log(0.9), 12);
    const all = boundsFor(signalOf({ tolerance: "10%", worse: "both" }), series, 1, null);
    expect(all).toEqual({ up: Math.log1p(1), down: infinity });
  });

  test.each([
    [0.01, 0.015],
    [1, 1.5],
  ])("1.5 pp of a series whose point is %j is %j", (percentagePoint, expected) => {
    const series = { service: "s", metric: "m", version: null, percentagePoint };
    const { up } = boundsFor(signalOf({ tolerance: "1.5pp" }), series, 0.015, null);
    expect(up).toBeCloseTo(expected, 12);
  });
});

describe("season", () => {
  /** Days of five-minute samples that follow the hour; `odd` days are a hundred times higher. */
  const past = (days: number, odd: number) => {
    const atMs: number[] = [];
    const values: number[] = [];
    for (let at = -days * DAY_MS; at < 0; at += 5 * MINUTE_MS) {
      const day = Math.floor(at / DAY_MS) + days;
      atMs.push(at);
      values.push(
        (day < odd ? 100 : 1) * (100 + Math.floor((((at % DAY_MS) + DAY_MS) % DAY_MS) / 3_600_000)),
      );
    }
    return { atMs, values };
  };

  test("is the median of the same time on earlier days, whatever one odd day did", () => {
    const season = prepareSeason(past(SEASON_DAYS, 1), 9 * 3_600_000, 11 * 3_600_000)!;
    expect(season.days).toBe(SEASON_DAYS);
    expect(seasonAt(season, 9.5 * 3_600_000)).toBe(109);
    expect(seasonAt(season, 10.5 * 3_600_000)).toBe(110);
    expect(seasonAt(season, 8 * 3_600_000)).toBeNaN();
  });

  test.each([0, 1, 299_999])("begins five minutes or more before its stretch, %i ms on", (onMs) => {
    const fromMs = 9 * 3_600_000 + onMs;
    const season = prepareSeason(past(SEASON_DAYS, 0), fromMs, fromMs + 7_200_000)!;
    expect(season.startMs % SLOT_MS).toBe(0);
    expect(seasonAt(season, fromMs - 300_000)).toBeGreaterThan(100);
    expect(seasonAt(season, fromMs + 7_200_000)).toBeGreaterThan(100);
  });

  const SLOT_MS = 5 * MINUTE_MS;
  /** Every slot by itself: about a whole multiple of five minutes, the first one before all. */
  const naively = (
    { atMs, values }: ReturnType<typeof past>,
    fromMs: number,
    toMs: number,
  ): number[] => {
    let middleMs = fromMs - (fromMs % SLOT_MS) - SLOT_MS;
    const found: number[] = [];
    for (; found.length === 0 || middleMs - SLOT_MS < toMs; middleMs += SLOT_MS) {
      const days = Array.from({ length: SEASON_DAYS }, (_, before) => {
        const sinceMs = middleMs - (before + 1) * DAY_MS - SLOT_MS / 2;
        const inside = [...atMs.keys()].filter(
          (at) => atMs[at]! >= sinceMs && atMs[at]! < sinceMs + SLOT_MS,
        );
        return medianOf(inside.map((at) => values[at]!).filter(Number.isFinite));
      });
      // The oldest day is the same weekday.
      found.push(medianOf([...days, days.at(-1)!].filter(Number.isFinite)));
    }
    return found;
  };
  const medianOf = (values: readonly number[]): number => {
    const sorted = [...values].sort((a, b) => a - b);
    const { length } = sorted;
    if (length === 0) return Number.NaN;
    return (sorted[length >> 1]! + sorted[(length - 1) >> 1]!) / 2;
  };

  test.each([
    ["a minute", MINUTE_MS, 2],
    ["half a minute and a bit", 30_000.5, 2],
    ["four minutes", 240_000, 2],
    ["two minutes, and a watch longer than a day", 2 * MINUTE_MS, 26],
  ])("is the same day by day and all at once, a sample every %s", (_, stepMs, hours) => {
    const fromMs = 9.1 * 3_600_000;
    const toMs = fromMs + hours * 3_600_000;
    const startMs = -SEASON_DAYS * DAY_MS;
    const count = Math.ceil((toMs + SEASON_MARGIN_MS - DAY_MS - startMs) / stepMs);
    const values = Float64Array.from({ length: count }, (_, at) =>
      at % 97 === 0 ? Number.NaN : 100 + ((at * 7919) % 1000) / 100,
    );
    const atMs = Float64Array.from(values, (_, at) => startMs + at * stepMs);
    const days = startSeason(fromMs, toMs);
    for (let day = 1; day <= SEASON_DAYS; day++) {
      const from = atMs.findIndex((at) => at >= fromMs - day * DAY_MS - SEASON_MARGIN_MS);
      const to = atMs.findLastIndex((at) => at < toMs - day * DAY_MS + SEASON_MARGIN_MS) + 1;
      const even = { startMs: atMs[from]!, stepMs, values: values.subarray(from, to) };
      takeDay(days, day, even);
    }
    const column = { atMs: [...atMs], values: [...values] };
    expect(seasonOf(days)).toEqual(prepareSeason(column, fromMs, toMs));
    expect(seasonOf(days)!.values).toEqual(naively(column, fromMs, toMs));
  });

  test.each([
    ["a minute", 60_000, 0],
    ["ten seconds, unevenly", 10_000, 7_000],
  ])("is the same where slots are remembered, a sample every %s", (_, stepMs, jitterMs) => {
    const noise = normals(11, 200_000);
    const endMs = 9 * DAY_MS;
    const count = endMs / stepMs;
    const atMs = Float64Array.from({ length: count }, (_, at) => {
      return at * stepMs + ((at * 7919) % 13) * (jitterMs / 13);
    });
    const values = Float64Array.from(atMs, (_, at) =>
      at % 41 === 0 ? Number.NaN : 100 + noise[at % noise.length]!,
    );
    const memory = slotMemory();
    let remembered = 0;
    const seasonWith = (startedAtMs: number, spent?: SeasonDays): SeasonDays => {
      const days = startSeason(startedAtMs - 3_600_000, startedAtMs + 3_600_000, spent);
      for (let day = SEASON_DAYS; day >= 1; day--) {
        if (recallDay(days, day, memory)) {
          remembered++;
          continue;
        }
        const fromMs = startedAtMs - day * DAY_MS - 3_600_000 - SEASON_MARGIN_MS;
        const from = atMs.findIndex((at) => at >= fromMs);
        const to = atMs.findIndex((at) => at >= fromMs + 7_200_000 + 2 * SEASON_MARGIN_MS);
        const some = values.subarray(from, to);
        const even = { startMs: atMs[from]!, stepMs, values: some };
        const uneven = { atMs: atMs.subarray(from, to), values: some };
        takeDay(days, day, jitterMs === 0 ? even : uneven, memory);
      }
      return days;
    };
    let spent: SeasonDays | undefined;
    // The same time a day later, and others that share some of their slots, or none.
    for (const hours of [178, 178.5, 179.01, 190, 202, 202.99, 203, 214]) {
      const startedAtMs = hours * 3_600_000;
      const days: SeasonDays = seasonWith(startedAtMs, spent);
      const all = { atMs, values };
      const alone = prepareSeason(all, startedAtMs - 3_600_000, startedAtMs + 3_600_000);
      expect(seasonOf(days)).toEqual(alone);
      spent = days;
    }
    expect(remembered).toBeGreaterThanOrEqual(6);
    expect(remembered).toBeLessThan(8 * SEASON_DAYS);
    forgetSlots(memory);
    expect(recallDay(startSeason(0, 7_200_000), 1, memory)).toBe(false);
  });

  test("needs three days", () => {
    expect(prepareSeason(past(2, 0), 9 * 3_600_000, 11 * 3_600_000)).toBeNull();
  });

  test("is subtracted only where it explains the baseline", () => {
    const at = times(60).map((ms) => ms + 9 * 3_600_000);
    const rising = at.map((ms) => 100 + ms / 3_600_000);
    const shape = { startMs: at[0]!, stepMs: MINUTE_MS, values: [...rising, 200], days: 7 };
    const flat = at.map((_, index) => 100 + (index % 2));
    expect(observeBaseline(at, rising, "log", 1, shape).season).toBe(shape);
    expect(observeBaseline(at, flat, "log", 1, { ...shape, values: [...at, 0] }).season).toBeNull();
  });
});
