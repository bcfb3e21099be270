/** Medians of interleaved measurements: round after round, each workload once, so that drift of the machine hits all alike. */

export interface Timing {
  readonly medianMs: number;
  readonly minMs: number;
  readonly maxMs: number;
}

export interface Timed {
  /** Calls in a row for one measurement. */
  readonly repeat: number;
  readonly run: () => void;
}

/** Milliseconds of one call of each, over `rounds` rounds after a warm-up. */
export function measureAll(all: readonly Timed[], rounds: number): Timing[] {
  const samples: number[][] = all.map(() => []);
  // two rounds unmeasured: the engine compiles and the pools fill
  for (let round = -2; round < rounds; round++) {
    all.forEach(({ repeat, run }, i) => {
      const started = performance.now();
      for (let k = 0; k < repeat; k++) run();
      if (round >= 0) samples[i]!.push((performance.now() - started) / repeat);
    });
  }
  return samples.map((list) => {
    list.sort((a, b) => a - b);
    return { medianMs: list[list.length >> 1]!, minMs: list[0]!, maxMs: list[list.length - 1]! };
  });
}
