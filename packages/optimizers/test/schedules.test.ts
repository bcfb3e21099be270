import { cpuJs } from "@neurite/backend-cpu-js";
import { Generator, Parameter, setDefaultDevice, tensor } from "@neurite/core";
import { describe, expect, it } from "vitest";
import {
  constantRate,
  cosineDecay,
  cosineRestarts,
  exponentialDecay,
  inSequence,
  inverseSqrt,
  linearDecay,
  multiStepDecay,
  oneCycle,
  perEpoch,
  ReduceOnPlateau,
  type Schedule,
  SGD,
  stepDecay,
  warmup,
  warmupExponential,
  warmupLinear,
} from "../src/index.js";

/** Rates at the given steps. */
function expectRates(schedule: Schedule, rates: Readonly<Record<number, number>>): void {
  for (const [step, rate] of Object.entries(rates))
    expect(schedule(Number(step)), `step ${step}`).toBeCloseTo(rate, 12);
}

describe("schedules", () => {
  it("stay, or fall in steps and curves", () => {
    expectRates(constantRate(0.3), { 0: 0.3, 999: 0.3 });
    expectRates(stepDecay({ rate: 1, every: 3 }), { 0: 1, 2: 1, 3: 0.1, 5: 0.1, 6: 0.01 });
    expectRates(multiStepDecay({ rate: 1, milestones: [2, 5], factor: 0.5 }), {
      1: 1,
      2: 0.5,
      4: 0.5,
      5: 0.25,
      99: 0.25,
    });
    expectRates(exponentialDecay({ rate: 2, factor: 0.25, every: 4 }), { 0: 2, 2: 1, 4: 0.5, 8: 0.125 });
    expectRates(linearDecay({ rate: 1, total: 4, end: 0.2 }), { 0: 1, 1: 0.8, 2: 0.6, 4: 0.2, 9: 0.2 });
    const half = Math.SQRT1_2;
    expectRates(cosineDecay({ rate: 1, total: 8, end: 0 }), {
      0: 1,
      2: (1 + half) / 2,
      4: 0.5,
      6: (1 - half) / 2,
      8: 0,
      20: 0,
    });
    expectRates(cosineDecay({ rate: 1, total: 8, end: 0.5 }), { 4: 0.75, 8: 0.5 });
  });

  it("restart the cosine, each descent longer if told", () => {
    expectRates(cosineRestarts({ rate: 1, period: 4 }), { 0: 1, 2: 0.5, 4: 1, 6: 0.5, 402: 0.5 });
    // descents of 4, 8 and 16 steps
    expectRates(cosineRestarts({ rate: 1, period: 4, growth: 2, end: 0.2 }), {
      2: 0.6,
      4: 1,
      8: 0.6,
      12: 1,
      20: 0.6,
      28: 1,
    });
  });

  it("rise and fall as in the Transformer paper", () => {
    const noam = inverseSqrt({ width: 512, warmup: 4000 });
    expectRates(noam, {
      0: 512 ** -0.5 * 4000 ** -1.5,
      1999: 512 ** -0.5 * 2000 * 4000 ** -1.5,
      3999: (512 * 4000) ** -0.5,
    });
    expectRates(noam, { 15999: (512 * 16000) ** -0.5 });
    expectRates(inverseSqrt({ width: 1, warmup: 1, scale: 3 }), { 0: 3, 8: 1 });
  });

  it("go through one cycle as PyTorch's OneCycleLR", () => {
    // torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1, total_steps=11): rises to step 2.3, falls to step 10
    const schedule = oneCycle({ peak: 1, total: 11 });
    const between = (a: number, b: number, share: number) => b + ((a - b) * (1 + Math.cos(Math.PI * share))) / 2;
    expectRates(schedule, {
      0: 0.04,
      1: between(0.04, 1, 1 / 2.3),
      2: between(0.04, 1, 2 / 2.3),
      3: between(1, 4e-6, 0.7 / 7.7),
      9: between(1, 4e-6, 6.7 / 7.7),
      10: 4e-6,
      50: 4e-6,
    });
  });

  it("combine", () => {
    const schedule = warmup(4, linearDecay({ rate: 1, total: 10 }));
    expectRates(schedule, { 0: 0.25, 3: 1, 4: 1, 9: 0.5, 14: 0 });
    expectRates(warmup(0, constantRate(2)), { 0: 2 });
    expectRates(
      perEpoch(3, (epoch) => epoch),
      { 0: 0, 2: 0, 3: 1, 8: 2 },
    );
    const parts = inSequence([
      { schedule: constantRate(1), steps: 2 },
      { schedule: (step) => 10 + step, steps: 3 },
      { schedule: (step) => 100 + step, steps: 1 },
    ]);
    expect([0, 1, 2, 4, 5, 7].map(parts)).toEqual([1, 1, 10, 12, 100, 102]);
  });

  it("refuse impossible options", () => {
    expect(() => stepDecay({ rate: 1, every: 0 })).toThrow(
      /stepDecay: every expects a finite number, 1 or above, but received 0/,
    );
    expect(() => stepDecay({ rate: -1, every: 1 })).toThrow(/rate expects/);
    expect(() => multiStepDecay({ rate: 1, milestones: [3, 2] })).toThrow(
      /milestones expects ascending numbers of steps, but received an array \[3, 2\]/,
    );
    expect(() => exponentialDecay({ rate: 1, factor: 0.5, every: 0 })).toThrow(/every expects/);
    expect(() => linearDecay({ rate: 1, total: 0 })).toThrow(/linearDecay: total/);
    expect(() => cosineDecay({ rate: Number.NaN, total: 1 })).toThrow(/cosineDecay: rate/);
    expect(() => cosineRestarts({ rate: 1, period: 2, growth: 0.5 })).toThrow(/growth expects/);
    expect(() => inverseSqrt({ width: 0 })).toThrow(/inverseSqrt: width/);
    expect(() => oneCycle({ peak: 1, total: 10, rising: 1 })).toThrow(/rising expects a share between 0 and 1/);
    expect(() => warmup(-1, constantRate(1))).toThrow(/warmup: steps/);
    expect(() => inSequence([])).toThrow(/at least one schedule/);
    expect(() => inSequence([{ schedule: constantRate(1), steps: -1 }])).toThrow(/inSequence: steps/);
    expect(() => perEpoch(0, constantRate(1))).toThrow(/stepsPerEpoch/);
  });
});

it("cosineRestarts counts a hundred million short periods that hardly grow, and agrees with counting one by one", () => {
  const byHand = (step: number, period: number, growth: number): number => {
    let [since, length] = [step, period];
    while (since >= length) {
      since -= length;
      length *= growth;
    }
    return (1 + Math.cos((Math.PI * since) / length)) / 2;
  };
  for (const growth of [1.001, 1.01, 1.5]) {
    const schedule = cosineRestarts({ rate: 1, period: 3, growth });
    for (const step of [0, 5, 1000, 4001, 20_002]) expect(schedule(step)).toBeCloseTo(byHand(step, 3, growth), 6);
  }
  const many = cosineRestarts({ rate: 1, period: 1, growth: 1 + 1e-9 });
  for (let step = 1e8; step < 1e8 + 100; step++) expect(many(step)).toBeGreaterThanOrEqual(0);
});

describe("ReduceOnPlateau", () => {
  /** torch.optim.lr_scheduler.ReduceLROnPlateau, threshold_mode "rel", written down from its documentation. */
  function torchRates(mode: "min" | "max", patience: number, threshold: number, values: readonly number[]): number[] {
    let best = mode === "min" ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
    let [bad, rate] = [0, 1];
    return values.map((value) => {
      const better = mode === "min" ? value < best * (1 - threshold) : value > best * (threshold + 1);
      if (better) best = value;
      bad = better ? 0 : bad + 1;
      if (bad > patience) {
        rate *= 0.5;
        bad = 0;
      }
      return rate;
    });
  }

  it.each(["min", "max"] as const)("goes by a share of the best value with its sign, as PyTorch does (%s)", (mode) => {
    const generator = new Generator(4);
    const sequences = [
      // by hand: with max, −1.05 is above −1·1.1, so better; with min, −0.95 is below −1·0.9
      [-1, -1.05, -0.95, -1.2],
      [0, 0, 0, 0],
      [Number.NaN, 1, Number.NaN, 0.5],
      [Number.POSITIVE_INFINITY, 5, Number.NEGATIVE_INFINITY, 5],
      ...Array.from({ length: 20 }, () => Array.from({ length: 30 }, () => generator.normal() - 1)),
    ];
    for (const values of sequences) {
      for (const patience of [0, 2]) {
        const plateau = new ReduceOnPlateau({ rate: 1, mode, factor: 0.5, patience, threshold: 0.1 });
        const rates = values.map((value) => {
          plateau.report(value);
          return plateau.schedule(0);
        });
        expect(rates, values.join()).toEqual(torchRates(mode, patience, 0.1, values));
      }
    }
  });

  const rates = (plateau: ReduceOnPlateau, values: readonly number[]) =>
    values.map((value) => {
      plateau.report(value);
      return plateau.schedule(0);
    });

  it("falls after more than `patience` reports without improvement", () => {
    const plateau = new ReduceOnPlateau({ rate: 1, factor: 0.5, patience: 1 });
    expect(rates(plateau, [3, 2, 2, 2, 2, 2, 1, 2, 1])).toEqual([1, 1, 1, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125]);
  });

  it("takes larger as better, ignores small gains and NaN, cools down, and has a floor", () => {
    const rising = new ReduceOnPlateau({ rate: 1, mode: "max", factor: 0.5, patience: 0, threshold: 0.1 });
    expect(rates(rising, [10, 10.5, 12, Number.NaN])).toEqual([1, 0.5, 0.5, 0.25]);
    const cooling = new ReduceOnPlateau({ rate: 1, factor: 0.5, patience: 0, cooldown: 2, minimum: 0.3 });
    expect(rates(cooling, [1, 1, 1, 1, 1])).toEqual([1, 0.5, 0.5, 0.5, 0.3]);
  });

  it("scales a schedule in an optimizer, and continues from its state", () => {
    setDefaultDevice(cpuJs());
    const options = { rate: (step: number) => step + 1, factor: 0.5, patience: 1 };
    const plateau = new ReduceOnPlateau(options);
    const w = new Parameter(tensor([0]));
    const optimizer = new SGD({ w }, { learningRate: plateau.schedule });
    optimizer.step({ w: tensor([1]) });
    expect([1, 1, 1].map((value) => plateau.report(value))).toEqual([false, false, true]);
    optimizer.step({ w: tensor([1]) });
    expect(w.itemSync()).toBe(-2);
    plateau.report(1);
    const again = new ReduceOnPlateau(options);
    again.restore(JSON.parse(JSON.stringify(plateau.state())));
    expect([plateau, again].map((one) => one.report(1))).toEqual([true, true]);
    expect(again.schedule(3)).toBe(1);
  });

  it("refuses impossible options", () => {
    expect(() => new ReduceOnPlateau({ rate: 1, factor: 1 })).toThrow(/factor expects a number between 0 and 1/);
    expect(() => new ReduceOnPlateau({ rate: 1, patience: -1 })).toThrow(/patience expects/);
    expect(() => new ReduceOnPlateau({ rate: -1 })).toThrow(/rate expects/);
  });
});

describe("warmupLinear", () => {
  it("rises to the peak and falls to the end", () => {
    const schedule = warmupLinear({ peak: 1, warmup: 4, total: 12, end: 0.2 });
    expect([0, 1, 3].map(schedule)).toEqual([0.25, 0.5, 1]);
    expect(schedule(8)).toBeCloseTo(0.6, 12);
    expect([12, 100].map(schedule)).toEqual([0.2, 0.2]);
    expect(() => warmupLinear({ peak: 1, warmup: 5, total: 4 })).toThrow(/warmup expects a number from 0 to 4/);
  });
});

describe("warmupExponential", () => {
  it("rises to the peak, then halves again and again", () => {
    const schedule = warmupExponential({ peak: 1, warmup: 4, halfLife: 10 });
    expect([0, 1, 3, 4].map(schedule)).toEqual([0.25, 0.5, 1, 1]);
    expect(schedule(14)).toBeCloseTo(0.5, 12);
    expect(schedule(34)).toBeCloseTo(0.125, 12);
    expect(() => warmupExponential({ peak: 1, warmup: 4, halfLife: 0 })).toThrow(
      /halfLife expects a finite number above 0/,
    );
  });
});
