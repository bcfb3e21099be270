/**
 * Threefry-2x32 with 20 rounds for references, in BigInt and straight from the paper (Salmon et al., SC 2011): no 32-bit
 * tricks, so that core's cannot hide in it.
 */
const MASK = 0xffffffffn;
const ROTATIONS = [13n, 15n, 26n, 6n, 17n, 29n, 16n, 24n];

/** Two 32-bit words from a key and a counter of two words each. */
function threefryReference(key: readonly [bigint, bigint], counter: readonly [bigint, bigint]): [number, number] {
  const keys = [key[0], key[1], 0x1bd11bdan ^ key[0] ^ key[1]];
  let [x, y] = [(counter[0] + keys[0]) & MASK, (counter[1] + keys[1]) & MASK];
  for (let round = 0; round < 20; round++) {
    const r = ROTATIONS[round % 8];
    x = (x + y) & MASK;
    y = (((y << r) | (y >> (32n - r))) & MASK) ^ x;
    if (round % 4 === 3) {
      const injection = (round + 1) / 4;
      x = (x + keys[injection % 3]) & MASK;
      y = (y + keys[(injection + 1) % 3] + BigInt(injection)) & MASK;
    }
  }
  return [Number(x), Number(y)];
}

/** The first `n` words of the stream of a seed. */
export function wordsOf(seed: number, n: number): number[] {
  const key = [BigInt(seed) & MASK, BigInt(seed) >> 32n] as const;
  const words: number[] = [];
  for (let block = 0n; words.length < n; block++) words.push(...threefryReference(key, [block & MASK, block >> 32n]));
  return words.slice(0, n);
}

/** Uniform numbers in [0, 1): the upper 24 bits of each word. */
export function uniformsOf(seed: number, n: number): number[] {
  return wordsOf(seed, n).map((word) => Math.floor(word / 256) / 2 ** 24);
}
