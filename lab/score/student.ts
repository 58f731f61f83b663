/** The one quantile of Student's t distribution that 95 % intervals need. */

/** The 97.5 % point of the normal distribution. */
export const Z = 1.959963985;

/** The quantile for one degree of freedom, and from how many on Hill's algorithm is used. */
const AT_ONE = 12.7062047;
const FROM_HILL = 1.5;

/**
 * The 97.5 % point of Student's t for any number of degrees of freedom from one on, by Hill's
 * algorithm 396 (Communications of the ACM 13, 1970), which is exact for one and two. Just above
 * one it is wrong (14.5 instead of 12.4 at 1.01), so up to 1.5 the logarithm is interpolated in the
 * reciprocal of the degrees: within 2 %, and never too small. Known values from R:
 * `qt(.975, c(1.2, 3, 10, 30))` = 8.649, 3.182, 2.228, 2.042.
 */
export function studentQuantile(degrees: number): number {
  const n = Math.max(1, degrees);
  const p = 0.05;
  if (n < FROM_HILL) {
    const share = (1 - 1 / n) / (1 - 1 / FROM_HILL);
    return AT_ONE * (studentQuantile(FROM_HILL) / AT_ONE) ** share;
  }
  if (n < 2.5 && Math.abs(n - 2) < 1e-9) return Math.sqrt(2 / (p * (2 - p)) - 2);
  const a = 1 / (n - 0.5);
  const b = (48 / a) * (1 / a);
  let c = ((20700 * a) / b - 98) * a - 16;
  c = c * a + 96.36;
  const d = ((94.5 / (b + c) - 3) / b + 1) * Math.sqrt((a * Math.PI) / 2) * n;
  let y = (d * p) ** (2 / n);
  if (y > 0.05 + a) {
    const x = -Z;
    y = x * x;
    if (n < 5) c += 0.3 * (n - 4.5) * (x + 0.6);
    c = (((0.05 * d * x - 5) * x - 7) * x - 2) * x + b + c;
    y = (((((0.4 * y + 6.3) * y + 36) * y + 94.5) / c - y - 3) / b + 1) * x;
    y = Math.expm1(a * y * y);
  } else {
    y =
      ((1 / (((n + 6) / (n * y) - 0.089 * d - 0.822) * (n + 2) * 3) + 0.5 / (n + 4)) * y - 1) *
        ((n + 1) / (n + 2)) +
      1 / y;
  }
  return Math.sqrt(n * y);
}
