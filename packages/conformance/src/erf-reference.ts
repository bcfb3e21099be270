/**
 * The error function for references: Abramowitz & Stegun 7.1.5, the Maclaurin series, below 2.5; beyond it 7.1.14, the
 * continued fraction of erfc.
 */
export function erfReference(x: number): number {
  if (Number.isNaN(x) || x === 0) return x;
  const y = Math.abs(x);
  if (y >= 2.5) {
    let fraction = y;
    for (let i = 120; i > 0; i--) fraction = y + i / 2 / fraction;
    return Math.sign(x) * (1 - Math.exp(-y * y) / Math.sqrt(Math.PI) / fraction);
  }
  let term = x;
  let sum = x;
  for (let i = 1; i < 80; i++) {
    term *= (-x * x) / i;
    sum += term / (2 * i + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}
