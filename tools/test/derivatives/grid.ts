// Where derivatives are looked at, how they are taken, and how close they must come.
import { grad } from "@neurite/autograd";
import { type Device, mul, scope, sum, type Tensor, tensor } from "@neurite/core";

const sizes = [
  1e-38, 1e-30, 1e-20, 1e-10, 1e-3, 0.3, 0.5, 1, 1.5, 2.5, 3, 4, 6, 9.5, 14, 20, 50, 87, 88, 89, 104, 750, 1e5, 2e10,
  1e13, 2e19, 1e25, 1e37, 3e38,
];
const both = (list: readonly number[]) => [...list.map((x) => -x), ...list].map(Math.fround);

/** From −3e38 to 3e38, with the kinks of the ops, the ends of exponentials, −0 and 0. */
export const GRID: readonly number[] = [...both(sizes), -0, 0];
export const SMALL_GRID: readonly number[] = [...both([1e-38, 1e-20, 1e-5, 0.5, 1, 2.5, 1e5, 1e10, 1e20, 3e38]), 0];
/** The two infinities, and where a form shows its limit: float64 holds the cube, and float32 not even the root. */
export const ENDS: readonly (readonly [number, number])[] = [
  [Number.NEGATIVE_INFINITY, -1e100],
  [Number.POSITIVE_INFINITY, 1e100],
];

const MOST = 3.4028234663852886e38;
const within = (x: number) => Math.min(Math.max(x, -MOST), MOST);

/** Whether a float32 result is the float64 one to 1e-5 of the larger of it and 1; at the end of the range ∞ is as good. */
export function close(is: number, wanted: number): boolean {
  if (Number.isNaN(wanted) || Number.isNaN(is)) return Number.isNaN(wanted) && Number.isNaN(is);
  return Math.abs(within(is) - within(wanted)) <= 1e-5 * Math.max(1, Math.abs(within(wanted)));
}

/** fn's value, and its first and second derivative by its argument `index`, at all places at once. */
export async function threeOf(
  device: Device,
  fn: (...xs: Tensor[]) => Tensor,
  places: readonly (readonly number[])[],
  index: number,
): Promise<[Float32Array, Float32Array, Float32Array]> {
  const xs = places.map((list) => tensor(Float32Array.from(list), { device }));
  const of = (x: Tensor) => fn(...xs.with(index, x));
  const first = grad((x: Tensor) => sum(of(x)));
  const results = scope(() => [of(xs[index]!), first(xs[index]!), grad((x: Tensor) => sum(first(x)))(xs[index]!)]);
  const read = await Promise.all(results.map((y) => y.data()));
  for (const x of [...xs, ...results]) x.dispose();
  return read as [Float32Array, Float32Array, Float32Array];
}

/** fn's derivative where the error that comes back is 0, whatever the function makes of its argument. */
export async function unheard(
  device: Device,
  fn: (...xs: Tensor[]) => Tensor,
  places: readonly (readonly number[])[],
  index: number,
): Promise<Float32Array> {
  const xs = places.map((list) => tensor(Float32Array.from(list), { device }));
  const slope = scope(() => grad((x: Tensor) => sum(mul(fn(...xs.with(index, x)), 0)))(xs[index]!));
  const read = (await slope.data()) as Float32Array;
  for (const x of [...xs, slope]) x.dispose();
  return read;
}
