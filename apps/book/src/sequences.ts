/** What the examples of sequence-to-sequence share. */
import { inference } from "@neurite/autograd";
import { fromHost, reshape, type Tensor } from "@neurite/core";
import { END, PADDING, START, type Vocabulary } from "@neurite/data";
import { withForwardObserver } from "@neurite/layers";
import { greedySearch, type RecurrentEncoderDecoder } from "@neurite/models";

/** Sentences of two languages that mean the same. */
export interface Pair {
  readonly source: readonly string[];
  readonly target: readonly string[];
}

/** Tokens int32 [rows, longest], padded at the end. */
function padded(rows: readonly (readonly number[])[]): Tensor {
  const time = Math.max(...rows.map(({ length }) => length));
  const data = rows.flatMap((row) => [...row, ...new Array<number>(time - row.length).fill(PADDING)]);
  return fromHost(Int32Array.from(data), "int32", [rows.length, time]);
}

/** The vocabularies of both sides. */
export interface Languages {
  readonly source: Vocabulary;
  readonly target: Vocabulary;
}

/** What a model of sequence to sequence is trained on: source, target behind the start mark, target before the end mark. */
export function batchOf(pairs: readonly Pair[], { source, target }: Languages): [Tensor, Tensor, Tensor] {
  const targets = pairs.map((pair) => target.encode(pair.target));
  return [
    sourcesOf(pairs, source),
    padded(targets.map((tokens) => [START, ...tokens])),
    padded(targets.map((tokens) => [...tokens, END])),
  ];
}

export function sourcesOf(pairs: readonly Pair[], vocabulary: Vocabulary): Tensor {
  return padded(pairs.map((pair) => vocabulary.encode(pair.source)));
}

/** Insertions, deletions and substitutions from one sequence to the other (Levenshtein 1966). */
export function editDistance(a: readonly string[], b: readonly string[]): number {
  let row = b.map((_, j) => j + 1);
  a.forEach((item, i) => {
    let corner = i;
    let left = i + 1;
    row = row.map((above, j) => {
      left = Math.min(above + 1, left + 1, corner + (item === b[j] ? 0 : 1));
      corner = above;
      return left;
    });
  });
  return b.length === 0 ? a.length : row.at(-1)!;
}

/** How much of each source token the greedy search takes for each token it writes: [written][source]. */
export async function attentionOf(
  model: RecurrentEncoderDecoder,
  pair: Pair,
  { source, target }: Languages,
): Promise<{ readonly weights: number[][]; readonly written: string[] }> {
  const steps = pair.target.length + 1;
  const found: Tensor[] = [];
  const search = inference((x: Tensor) => {
    const tokens = withForwardObserver(
      (module, forward) => {
        const output = forward();
        if (module === model.attention) found.push((output as { weights: Tensor }).weights);
        return output;
      },
      () => greedySearch(model, model.encode(x), { start: START, steps }),
    );
    return [tokens, ...found.map((weights) => reshape(weights, [pair.source.length]))];
  });
  const x = sourcesOf([pair], source);
  const [tokens, ...weights] = search(x) as [Tensor, ...Tensor[]];
  const written = [...target.decode(await tokens.data()), "end"].slice(0, steps);
  const rows = await Promise.all(weights.slice(0, written.length).map(async (row) => Array.from(await row.data())));
  x.dispose();
  return { weights: rows, written };
}
