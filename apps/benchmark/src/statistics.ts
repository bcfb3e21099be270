/** Sums of measurements. */

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Median (the mean of the middle two of an even number), smallest and largest. */
export function spreadOf(samples: readonly number[]): Spread {
  const sorted = [...samples].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  return { median, min: sorted[0]!, max: sorted.at(-1)! };
}

export interface PowerLaw {
  /** time ≈ factor · work^exponent */
  readonly exponent: number;
  readonly factor: number;
}

/** Least squares on logarithms. */
export function fitPowerLaw(points: readonly { readonly work: number; readonly time: number }[]): PowerLaw {
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  const x = points.map(({ work }) => Math.log(work));
  const y = points.map(({ time }) => Math.log(time));
  const [mx, my] = [mean(x), mean(y)];
  const covariance = mean(x.map((value, i) => (value - mx) * (y[i]! - my)));
  const exponent = covariance / mean(x.map((value) => (value - mx) ** 2));
  return { exponent, factor: Math.exp(my - exponent * mx) };
}

/** Numbers of a library next to those of the reference, one list of losses or one a result. */
type Groups = readonly (readonly number[])[];

/**
 * The largest difference from the reference, relative to the reference's own number or, where that is small, to the mean
 * magnitude of its list. Infinite where the numbers do not even correspond.
 */
export function difference(groups: Groups, reference: Groups): number {
  if (groups.length !== reference.length) return Number.POSITIVE_INFINITY;
  const each = reference.map((expected, i) => {
    const received = groups[i]!;
    if (received.length !== expected.length) return Number.POSITIVE_INFINITY;
    const scale = expected.reduce((sum, value) => sum + Math.abs(value), 0) / expected.length;
    // JSON has no NaN: it arrives as null
    const errors = expected.map(
      (value, k) => Math.abs((received[k] ?? Number.NaN) - value) / (Math.max(Math.abs(value), scale) || 1),
    );
    // NaN agrees with nothing
    return errors.some(Number.isNaN) ? Number.POSITIVE_INFINITY : Math.max(...errors);
  });
  return Math.max(0, ...each);
}
