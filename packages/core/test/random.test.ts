import {
  defaultGenerator,
  dropout,
  Generator,
  manualSeed,
  normal,
  ones,
  randomIntegers,
  restoreGenerator,
  threefry,
  uniform,
} from "@neurite/core";
import { describe, expect, it } from "vitest";
import { freshDevice, thrown } from "./device.js";

freshDevice();

function encrypted(...words: [number, number, number, number]): string {
  const out = new Uint32Array(2);
  threefry(...words, out);
  return [...out].map((word) => word.toString(16).padStart(8, "0")).join(" ");
}

describe("threefry", () => {
  // kat_vectors of Random123, threefry2x32 with 20 rounds
  it("gives the published vectors", () => {
    expect(encrypted(0, 0, 0, 0)).toBe("6b200159 99ba4efe");
    expect(encrypted(0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff)).toBe("1cb996fc bb002be7");
    expect(encrypted(0x13198a2e, 0x03707344, 0x243f6a88, 0x85a308d3)).toBe("c4923a9c 483df7a0");
  });
});

describe("a generator", () => {
  it("gives the cipher's words in turn, from counter 0", () => {
    const generator = new Generator(0);
    expect([generator.bits(), generator.bits()]).toEqual([0x6b200159, 0x99ba4efe]);
    expect(generator.counter).toBe(2);
  });

  it("uses all 53 bits of its seed", () => {
    const first = (seed: number) => new Generator(seed).bits();
    expect(new Set([0, 1, 2 ** 32, 2 ** 32 + 1, 2 ** 52].map(first)).size).toBe(5);
    const out = new Uint32Array(2);
    threefry(5, 3, 0, 0, out);
    expect(first(5 + 3 * 2 ** 32)).toBe(out[0]);
  });

  it("goes on beyond 2³² blocks without repeating itself", () => {
    const at = (counter: number) => Generator.from({ seed: 1, counter }).bits();
    expect(at(2 ** 33)).not.toBe(at(0));
    const out = new Uint32Array(2);
    threefry(1, 0, 0, 1, out);
    expect(at(2 ** 33)).toBe(out[0]);
  });

  it("gives the same numbers wherever its counter is set", () => {
    const all = Array.from(
      { length: 9 },
      (
        (g) => () =>
          g.bits()
      )(new Generator(4)),
    );
    for (let start = 0; start < 8; start++) {
      const resumed = Generator.from({ seed: 4, counter: start });
      expect([resumed.bits(), resumed.bits()]).toEqual([all[start], all[start + 1] ?? expect.anything()]);
    }
    const moved = new Generator(4);
    moved.bits();
    moved.counter = 5;
    expect(moved.bits()).toBe(all[5]);
    moved.counter = 0;
    expect(moved.bits()).toBe(all[0]);
  });

  it("is resumed from its state", () => {
    const generator = new Generator(9);
    for (let i = 0; i < 5; i++) generator.normal();
    const saved = generator.state();
    expect(saved).toEqual({ seed: 9, counter: 10 });
    const expected = [generator.uniform(), generator.normal()];
    const resumed = Generator.from(JSON.parse(JSON.stringify(saved)));
    expect([resumed.uniform(), resumed.normal()]).toEqual(expected);
  });

  it("forks into streams that are the same each time, and different for each label", () => {
    const root = new Generator(3);
    const first = (label: number) => root.fork(label).bits();
    expect(first(0)).toBe(new Generator(3).fork(0).bits());
    expect(new Set([0, 1, 2, 3, 100, 2 ** 32, 2 ** 40].map(first)).size).toBe(7);
    expect(first(0)).not.toBe(new Generator(4).fork(0).bits());
    root.bits();
    expect(first(1)).toBe(new Generator(3).fork(1).bits());
    expect(root.counter).toBe(1);
  });

  it("gives uniform numbers in [0, 1) that float32 holds exactly", () => {
    const generator = new Generator(0);
    expect(generator.uniform()).toBe(0x6b2001 / 2 ** 24);
    for (let i = 0; i < 1000; i++) {
      const u = generator.uniform();
      expect(u >= 0 && u < 1 && Math.fround(u) === u).toBe(true);
    }
  });

  it("gives a permutation of 0 … n − 1", () => {
    const order = new Generator(1).permutation(50);
    expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i));
    expect([...order]).not.toEqual([...order].sort((a, b) => a - b));
    expect([...new Generator(1).permutation(50)]).toEqual([...order]);
    expect([...new Generator(2).permutation(50)]).not.toEqual([...order]);
  });

  it("permutes three things in each order equally often", () => {
    const generator = new Generator(6);
    const counts = new Map<string, number>();
    for (let i = 0; i < 6000; i++) {
      const order = generator.permutation(3).join();
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(6);
    // 1000 each with deviation 29
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(120);
  });

  it.each([-1, 0.5, Number.NaN, 2 ** 53])("refuses the seed %s", (seed) => {
    expect(thrown(() => new Generator(seed)).message).toContain(`an integer, 0 or above, but received ${seed}`);
  });

  it.each([0, -1, 1.5, Number.NaN, 2 ** 32 + 1])("refuses integers below %s", (n) => {
    expect(thrown(() => new Generator(0).integer(n)).code).toBe("ERR_VALUE");
  });
});

describe("the default generator", () => {
  it("starts with seed 0, and anew with another", () => {
    manualSeed(5);
    const first = uniform([4]).dataSync();
    expect(normal([4]).dataSync()).not.toEqual(first);
    manualSeed(5);
    expect(uniform([4]).dataSync()).toEqual(first);
    expect(defaultGenerator().state()).toEqual({ seed: 5, counter: 4 });
  });

  it("is continued from a saved state", () => {
    manualSeed(1);
    uniform([3]);
    const saved = defaultGenerator().state();
    const next = randomIntegers([5], 0, 100).dataSync();
    restoreGenerator(saved);
    expect(randomIntegers([5], 0, 100).dataSync()).toEqual(next);
  });

  it("serves dropout", () => {
    const x = ones([100]);
    manualSeed(1);
    const first = dropout(x, 0.5).dataSync();
    expect(dropout(x, 0.5).dataSync()).not.toEqual(first);
    manualSeed(1);
    expect(dropout(x, 0.5).dataSync()).toEqual(first);
    expect(new Set(first)).toEqual(new Set([0, 2]));
  });
});
