/** BLEU, the measure of translations. */
import { ValueError } from "@neurite/core";
import { expectList, expectText } from "@neurite/core/expect";

type Sentences = readonly (readonly string[])[];

const ORDERS = [1, 2, 3, 4] as const;

function countGrams(tokens: readonly string[], n: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (let i = 0; i + n <= tokens.length; i++) {
    const gram = tokens.slice(i, i + n).join("\u0000");
    counts.set(gram, (counts.get(gram) ?? 0) + 1);
  }
  return counts;
}

/** {@link bleu} over mini-batches: it is the score of the corpus, not the mean of scores. */
export class Bleu {
  #matches = ORDERS.map(() => 0);
  #totals = ORDERS.map(() => 0);
  #outputs = 0;
  #references = 0;

  /** @throws ValueError when the numbers of sentences differ */
  add(outputs: Sentences, references: Sentences): void {
    expectList("bleu", "outputs", outputs, "sentences");
    expectList("bleu", "references", references, "sentences");
    if (outputs.length !== references.length) {
      throw new ValueError({
        op: "bleu",
        argument: "references",
        expected: `${outputs.length} sentences, one for each output`,
        received: String(references.length),
      });
    }
    outputs.forEach((output, i) => {
      const reference = references[i]!;
      if (typeof output === "string" || typeof reference === "string") {
        throw new ValueError({
          op: "bleu",
          argument: `sentence ${i}`,
          expected: "a list of tokens",
          received: "text",
          remedy: 'Split it, for example with splitWords or text.split(" ").',
        });
      }
      expectList("bleu", `outputs[${i}]`, output, "tokens");
      expectList("bleu", `references[${i}]`, reference, "tokens");
      for (const token of [...output, ...reference]) expectText("bleu", `a token of sentence ${i}`, token);
      this.#outputs += output.length;
      this.#references += reference.length;
      for (const [order, n] of ORDERS.entries()) {
        const wanted = countGrams(reference, n);
        for (const [gram, count] of countGrams(output, n)) {
          this.#matches[order]! += Math.min(count, wanted.get(gram) ?? 0);
          this.#totals[order]! += count;
        }
      }
    });
  }

  /** 0 … 100. */
  get value(): number {
    const orders = [...ORDERS.keys()].filter((order) => this.#totals[order]! > 0);
    if (orders.length === 0) return 0;
    const logSum = orders.reduce((sum, order) => sum + Math.log(this.#matches[order]! / this.#totals[order]!), 0);
    const penalty = Math.min(0, 1 - this.#references / this.#outputs);
    return 100 * Math.exp(logSum / orders.length + penalty);
  }

  reset(): void {
    this.#matches.fill(0);
    this.#totals.fill(0);
    this.#outputs = 0;
    this.#references = 0;
  }
}

/**
 * Corpus BLEU with one reference each, 0 … 100: the geometric mean of clipped n-gram precisions, n = 1 … 4, times
 * e^{1 − r/c} when the outputs' length c is below the references' length r (Papineni et al. 2002). Lengths n that no
 * output reaches are left out; a precision of 0 makes the score 0.
 * @throws ValueError when the numbers of sentences differ
 */
export function bleu(outputs: Sentences, references: Sentences): number {
  const score = new Bleu();
  score.add(outputs, references);
  return score.value;
}
