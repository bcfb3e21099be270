// Closed forms in float64 of elementwise functions and their first and second derivatives, in forms that do not overflow.

/** Value, first and second derivative of a function of one number. */
export type Form = (x: number) => readonly [number, number, number];

/** Value, then by a: first and second derivative, then the same by b. */
export type PairForm = (a: number, b: number) => readonly [number, number, number, number, number];

export const sigma = (x: number) => (x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x)));
export const bell = (x: number) => sigma(x) * sigma(-x);
export const softplus = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

/** Φ by its series near 0 and a continued fraction beyond (Abramowitz and Stegun 26.2.10 and 26.2.14). */
function normal(x: number): number {
  const size = Math.abs(x);
  if (size > 38) return x > 0 ? 1 : 0;
  if (size < 3) {
    let [term, sum] = [x, x];
    for (let n = 1; n < 200; n++) {
      term *= (-x * x) / (2 * n);
      sum += term / (2 * n + 1);
    }
    return 0.5 + sum / Math.sqrt(2 * Math.PI);
  }
  let fraction = size;
  for (let n = 200; n > 0; n--) fraction = size + n / fraction;
  const tail = density(x) / fraction;
  return x > 0 ? 1 - tail : tail;
}
const density = (x: number) => Math.exp(-(x * x) / 2) / Math.sqrt(2 * Math.PI);
/** x·y, where y vanishes faster than x grows. */
const vanishing = (x: number, y: number) => (y === 0 ? 0 : x * y);

const SELU_SCALE = 1.0507009873554805;
const SELU_ALPHA = 1.6732632423543772;

const flat =
  (fn: (x: number) => number): Form =>
  (x) => [fn(x), 0, 0];

const geluTanh: Form = (x) => {
  const c = Math.sqrt(2 / Math.PI);
  const t = Math.tanh(c * (x + 0.044715 * x ** 3));
  const u = c * (1 + 3 * 0.044715 * x * x);
  const slope = vanishing(u, 1 - t * t);
  const bend = vanishing(6 * 0.044715 * c * x, 1 - t * t) - 2 * vanishing(t * u, slope);
  return [vanishing(x, (1 + t) / 2), (1 + t) / 2 + vanishing(x / 2, slope), slope + vanishing(x / 2, bend)];
};

const mish: Form = (x) => {
  const t = Math.tanh(softplus(x));
  const rest = 1 / Math.cosh(softplus(x)) ** 2;
  const slope = rest * sigma(x);
  const bend = rest * bell(x) - 2 * t * slope * sigma(x);
  return [vanishing(x, t), t + vanishing(x, slope), 2 * slope + vanishing(x, bend)];
};

export const UNARY: Readonly<Record<string, Form>> = {
  neg: (x) => [-x, -1, 0],
  abs: (x) => [Math.abs(x), Math.sign(x), 0],
  sign: flat(Math.sign),
  square: (x) => [x * x, 2 * x, 2],
  reciprocal: (x) => [1 / x, -1 / x / x, 2 / x / x / x],
  sqrt: (x) => [Math.sqrt(x), 0.5 / Math.sqrt(x), -0.25 / x / Math.sqrt(x)],
  rsqrt: (x) => [1 / Math.sqrt(x), -0.5 / x / Math.sqrt(x), 0.75 / x / x / Math.sqrt(x)],
  exp: (x) => [Math.exp(x), Math.exp(x), Math.exp(x)],
  expm1: (x) => [Math.expm1(x), Math.exp(x), Math.exp(x)],
  log: (x) => (x < 0 ? [Number.NaN, 1 / x, -1 / x / x] : [Math.log(x), 1 / x, -1 / x / x]),
  log1p: (x) => [Math.log1p(x), 1 / (1 + x), -1 / (1 + x) / (1 + x)],
  erf: (x) => {
    const slope = (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x);
    return [2 * normal(x * Math.SQRT2) - 1, slope, vanishing(-2 * x, slope)];
  },
  sin: (x) => [Math.sin(x), Math.cos(x), -Math.sin(x)],
  cos: (x) => [Math.cos(x), -Math.sin(x), -Math.cos(x)],
  tan: (x) => {
    const slope = 1 + Math.tan(x) ** 2;
    return [Math.tan(x), slope, 2 * Math.tan(x) * slope];
  },
  floor: flat(Math.floor),
  ceil: flat(Math.ceil),
  round: flat((x) => (Math.abs(x % 1) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x))),
  tanh: (x) => {
    const slope = Math.abs(x) > 300 ? 0 : 1 / Math.cosh(x) ** 2;
    return [Math.tanh(x), slope, -2 * Math.tanh(x) * slope];
  },
  sigmoid: (x) => [sigma(x), bell(x), bell(x) * (1 - 2 * sigma(x))],
  relu: (x) => [Math.max(x, 0), Number(x > 0), 0],
  selu: (x) => {
    const low = SELU_SCALE * SELU_ALPHA * Math.exp(x);
    return x > 0 ? [SELU_SCALE * x, SELU_SCALE, 0] : [SELU_SCALE * SELU_ALPHA * Math.expm1(x), low, low];
  },
  gelu: (x) => {
    const [share, slope] = [normal(x), density(x)];
    return [vanishing(x, share), share + vanishing(x, slope), vanishing(2 - x * x, slope)];
  },
  geluTanh,
  silu: (x) => {
    const bend = bell(x) * (1 - 2 * sigma(x));
    return [vanishing(x, sigma(x)), sigma(x) + vanishing(x, bell(x)), 2 * bell(x) + vanishing(x, bend)];
  },
  softplus: (x) => [softplus(x), sigma(x), bell(x)],
  mish,
  softsign: (x) => {
    const reach = 1 + Math.abs(x);
    return [x / reach, 1 / reach / reach, (-2 * Math.sign(x)) / reach / reach / reach];
  },
  logSigmoid: (x) => [-softplus(-x), sigma(-x), -bell(x)],
  hardSigmoid: (x) => [Math.min(Math.max(x / 6 + 0.5, 0), 1), Math.abs(x) < 3 ? 1 / 6 : 0, 0],
  hardSwish: (x) => {
    if (x < -3) return [0, 0, 0];
    return x <= 3 ? [(x * (x + 3)) / 6, x / 3 + 0.5, 1 / 3] : [x, 1, 0];
  },
};

export const BINARY: Readonly<Record<string, PairForm>> = {
  add: (a, b) => [a + b, 1, 0, 1, 0],
  sub: (a, b) => [a - b, 1, 0, -1, 0],
  mul: (a, b) => [a * b, b, 0, a, 0],
  div: (a, b) => [a / b, 1 / b, 0, -a / b / b, (2 * a) / b / b / b],
  mod: (a, b) => {
    const rest = a % b;
    const value = rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest;
    return [value, 1, 0, -Math.round((a - value) / b), 0];
  },
  pow: (a, b) => {
    const y = a ** b;
    // without this, b − 1 would be rounded to an integer
    if (Number.isNaN(y)) return [y, y, y, y, y];
    // what is even cannot be told of b − 1 beyond 2⁵³
    const first = b === 0 ? 0 : Math.abs(b) > 2 ** 53 && a !== 0 ? (b * y) / a : b * a ** (b - 1);
    const second = b === 0 || b === 1 ? 0 : b * (b - 1) * a ** (b - 2);
    const byExponent = a === 0 && b === 0 ? 0 : vanishing(Math.log(a), y) + (a < 0 ? Number.NaN : 0);
    return [y, first, second, byExponent, byExponent === 0 ? 0 : byExponent * Math.log(a)];
  },
  maximum: (a, b) => [Math.max(a, b), a > b ? 1 : a < b ? 0 : 0.5, 0, a > b ? 0 : a < b ? 1 : 0.5, 0],
  minimum: (a, b) => [Math.min(a, b), a > b ? 0 : a < b ? 1 : 0.5, 0, a > b ? 1 : a < b ? 0 : 0.5, 0],
  leakyRelu: (x, slope) => (x > 0 ? [x, 1, 0, 0, 0] : [x * slope, slope, 0, x, 0]),
  elu: (x, alpha) => {
    const low = vanishing(alpha, Math.exp(x));
    return x > 0 ? [x, 1, 0, 0, 0] : [alpha * Math.expm1(x), low, low, Math.expm1(x), 0];
  },
};
