/** Random numbers of kernels are those that the host draws, to the bit. */
import { cpuJs } from "@neurite/backend-cpu-js";
import { Generator, normal, type RandomOptions, type Tensor, uniform } from "@neurite/core";
import { expect, it } from "vitest";
import { wasm } from "../src/index.js";

type Draw = (shape: readonly number[], options: RandomOptions) => Tensor;

const DRAWS: readonly (readonly [string, Draw])[] = [
  ["uniform numbers", (shape, options) => uniform(shape, 0, 1, options)],
  ["uniform numbers from −0.3 to 0.7", (shape, options) => uniform(shape, -0.3, 0.7, options)],
  ["uniform numbers from 5 down to 1e-30", (shape, options) => uniform(shape, 5, 1e-30, options)],
  ["normal numbers", (shape, options) => normal(shape, 0, 1, options)],
  ["normal numbers about 3.3", (shape, options) => normal(shape, 3.3, 0.02, options)],
  ["normal numbers about −1e9", (shape, options) => normal(shape, -1e9, 7, options)],
  ["normal numbers of no deviation", (shape, options) => normal(shape, 0.1, 0, options)],
  ["normal numbers beyond float32", (shape, options) => normal(shape, 0, 2e38, options)],
  ["normal numbers that are denormal", (shape, options) => normal(shape, 0, -1e-40, options)],
];

const [kernels, host] = [wasm(), cpuJs()];

/** Position of the first element that differs, and what they are; null where all agree. */
function difference(draw: Draw, shape: readonly number[], seed: number, counter: number) {
  const streams = [kernels, host].map((device) => {
    const generator = Generator.from({ seed, counter });
    const x = draw(shape, { device, generator });
    const data = x.dataSync();
    x.dispose();
    return { data, counter: generator.counter };
  });
  const [actual, expected] = streams as [(typeof streams)[0], (typeof streams)[0]];
  expect(actual.counter).toBe(expected.counter);
  const at = expected.data.findIndex((value, i) => !Object.is(value, actual.data[i]));
  return at < 0 ? null : [at, actual.data[at], expected.data[at]];
}

it.each(DRAWS)("draws %s as the host does", (_, draw) => {
  for (const [shape, seed, counter] of [
    [[200_003], 1, 0],
    [[70_000], 2 ** 40 + 17, 2 ** 33 + 1],
    [[3, 5], 3, 7],
    [[1], 4, 0],
    [[], 5, 1],
  ] as const) {
    expect(difference(draw, shape, seed, counter)).toBeNull();
  }
});

it("draws two million normal numbers as the host does, those of a zero radius and of a quarter turn among them", () => {
  expect(difference(DRAWS[3]![1], [2_000_000], 6, 0)).toBeNull();
});

it("leaves a stream to the host whose counter carries on the way", () => {
  const counter = 2 ** 33 - 20;
  for (const [, draw] of DRAWS.slice(0, 4)) expect(difference(draw, [100], 7, counter)).toBeNull();
});

it("gives the numbers of seed 0 that it always gave", () => {
  const options = { device: kernels, generator: new Generator(0) };
  expect(Array.from(uniform([3], 0, 1, options).dataSync())).toEqual([
    0.4184570908546448, 0.6004990339279175, 0.3146817088127136,
  ]);
  expect(Array.from(normal([3], 0, 1, options).dataSync())).toEqual([
    -1.3102161884307861, -0.5173343420028687, -0.09378300607204437,
  ]);
});
