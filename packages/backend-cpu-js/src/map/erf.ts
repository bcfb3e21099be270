/**
 * The error function in float64, by rational approximations on three intervals:
 * W. J. Cody, "Rational Chebyshev approximation for the error function", Math. Comp. 23 (1969), 631-637.
 */

/** erf(x) / x in x², |x| ≤ 0.46875. */
const A = [3.1611237438705656, 113.864154151050156, 377.485237685302021, 3209.37758913846947, 0.185777706184603153];
const B = [23.6012909523441209, 244.024637934444173, 1282.61652607737228, 2844.23683343917062];

/** exp(x²) · erfc(x) in x, 0.46875 ≤ x ≤ 4. */
const C = [
  0.564188496988670089, 8.88314979438837594, 66.1191906371416295, 298.635138197400131, 881.95222124176909,
  1712.04761263407058, 2051.07837782607147, 1230.33935479799725, 2.15311535474403846e-8,
];
const D = [
  15.7449261107098347, 117.693950891312499, 537.181101862009858, 1621.38957456669019, 3290.79923573345963,
  4362.61909014324716, 3439.36767414372164, 1230.33935480374942,
];

/** x · exp(x²) · erfc(x) - 1/√π in 1/x², x ≥ 4. */
const P = [
  0.305326634961232344, 0.360344899949804439, 0.125781726111229246, 0.0160837851487422766, 6.58749161529837803e-4,
  0.0163153871373020978,
];
const Q = [
  2.56852019228982242, 1.87295284992346047, 0.527905102951428412, 0.0605183413124413191, 0.00233520497626869185,
];

const INVERSE_ROOT_PI = 0.5641895835477562869;
/** Beyond it, 1 - erf(x) is below half a unit in the last place of 1. */
const SATURATED = 5.93;

/** exp(-y²), y² split so that its rounding error does not get into the exponent. */
function gauss(y: number): number {
  const head = Math.trunc(y * 16) / 16;
  return Math.exp(-head * head) * Math.exp(-(y - head) * (y + head));
}

function erfcTail(y: number): number {
  const z = 1 / (y * y);
  let top = P[5] * z;
  let bottom = z;
  for (let i = 0; i < 4; i++) {
    top = (top + P[i]) * z;
    bottom = (bottom + Q[i]) * z;
  }
  return (gauss(y) * (INVERSE_ROOT_PI - (z * (top + P[4])) / (bottom + Q[4]))) / y;
}

function erfcMiddle(y: number): number {
  let top = C[8] * y;
  let bottom = y;
  for (let i = 0; i < 7; i++) {
    top = (top + C[i]) * y;
    bottom = (bottom + D[i]) * y;
  }
  return (gauss(y) * (top + C[7])) / (bottom + D[7]);
}

/** 2/√π ∫₀ˣ exp(−t²) dt, to about 1e-16. */
export function erf(x: number): number {
  const y = Math.abs(x);
  if (y <= 0.46875) {
    const z = y * y;
    let top = A[4] * z;
    let bottom = z;
    for (let i = 0; i < 3; i++) {
      top = (top + A[i]) * z;
      bottom = (bottom + B[i]) * z;
    }
    return (x * (top + A[3])) / (bottom + B[3]);
  }
  if (x !== x) return x;
  const value = y >= SATURATED ? 1 : 1 - (y <= 4 ? erfcMiddle(y) : erfcTail(y));
  return x < 0 ? -value : value;
}
