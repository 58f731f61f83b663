/** Numbers as people read them, in texts alone, on every screen: JSON keeps plain numbers. */

/** `36,483,181`. */
export function countText(count: number): string {
  return count.toLocaleString("en-US");
}

/** `1,036.3`: with so many digits behind the point. */
export function decimalText(value: number, digits: number): string {
  return formatOf(digits, digits).format(value);
}

/** `1 deployment`, `2,596 deployments`: a number with its noun. */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${countText(count)} ${count === 1 ? noun : plural}`;
}

/** A number below `least` with the fewest digits that show it to be below: `4.96`, not `5.0`. */
export function belowText(value: number, least: number): string {
  for (let digits = 1; ; digits++) {
    const rounded = Number(value.toFixed(digits));
    if (rounded < least || digits === DIGITS_AT_MOST) {
      return formatOf(0, digits).format(rounded);
    }
  }
}

/** Numbers are kept with nine significant digits, so more show nothing. */
const DIGITS_AT_MOST = 9;

const formats = new Map<string, Intl.NumberFormat>();

/** Kept: making a format takes twenty times as long as using it. */
function formatOf(minimumFractionDigits: number, maximumFractionDigits: number): Intl.NumberFormat {
  const key = `${minimumFractionDigits} ${maximumFractionDigits}`;
  let format = formats.get(key);
  if (format === undefined) {
    format = new Intl.NumberFormat("en-US", { minimumFractionDigits, maximumFractionDigits });
    formats.set(key, format);
  }
  return format;
}

/** Four significant digits, more where it has more before the point, with the metric's unit. */
export function measureText(value: number | null, unit: string, digits = 4): string {
  if (value === null || Number.isNaN(value)) return "–";
  if (unit === "share" || unit === "ratio") return `${significant(value * 100, digits)} %`;
  return `${significant(value, digits)}${unit === "" ? "" : ` ${unit}`}`;
}

function significant(value: number, digits: number): string {
  const size = Math.abs(value);
  if (size >= 1000) return countText(Math.round(value));
  // Below that there is nothing to group, and what is very small keeps its exponent.
  const whole = size < 1 ? 1 : Math.floor(Math.log10(size)) + 1;
  return String(Number(value.toPrecision(Math.max(digits, whole))));
}
