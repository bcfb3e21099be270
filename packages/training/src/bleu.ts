/** BLEU, the measure of translations. */

function countGrams(tokens: readonly string[], n: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (let i = 0; i + n <= tokens.length; i++) {
    const gram = tokens.slice(i, i + n).join("\u0000");
    counts.set(gram, (counts.get(gram) ?? 0) + 1);
  }
  return counts;
}

/**
 * Corpus BLEU with one reference each, 0 … 100: the geometric mean of clipped n-gram precisions, n = 1 … 4, times
 * e^{1 − r/c} when the outputs' length c is below the references' length r (Papineni et al. 2002). Lengths n that no
 * output reaches are left out; a precision of 0 makes the score 0.
 */
export function bleu(outputs: readonly (readonly string[])[], references: readonly (readonly string[])[]): number {
  let logSum = 0;
  let orders = 0;
  for (let n = 1; n <= 4; n++) {
    let matches = 0;
    let total = 0;
    outputs.forEach((output, i) => {
      const wanted = countGrams(references[i]!, n);
      for (const [gram, count] of countGrams(output, n)) {
        matches += Math.min(count, wanted.get(gram) ?? 0);
        total += count;
      }
    });
    if (total === 0) continue;
    if (matches === 0) return 0;
    logSum += Math.log(matches / total);
    orders++;
  }
  if (orders === 0) return 0;
  const length = (sentences: readonly (readonly string[])[]) => sentences.reduce((n, s) => n + s.length, 0);
  const penalty = Math.min(0, 1 - length(references) / length(outputs));
  return 100 * Math.exp(logSum / orders + penalty);
}
