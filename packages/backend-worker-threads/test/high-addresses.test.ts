/**
 * Memory beyond 2³¹ bytes, where an address no longer fits a signed 32-bit integer. One file, so that no two tests hold it at
 * once.
 */
import { freemem } from "node:os";
import { valueAndGrad } from "@neurite/autograd";
import { wasm } from "@neurite/backend-wasm";
import { workerThreads } from "@neurite/backend-worker-threads";
import {
  add,
  argMax,
  attention,
  avgPool2d,
  batchNorm,
  cast,
  concat,
  conv2d,
  convTranspose2d,
  copy,
  crossEntropy,
  type Device,
  dropout,
  Generator,
  gather,
  greater,
  groupNorm,
  gru,
  layerNorm,
  linear,
  lstm,
  lstmCell,
  matmul,
  max,
  maxPool2d,
  mean,
  mul,
  normal,
  Parameter,
  pad,
  prod,
  rmsNorm,
  scatterAdd,
  scope,
  slice,
  softmax,
  square,
  sum,
  type Tensor,
  tanh,
  tensor,
  transpose,
  where,
} from "@neurite/core";
import { Adam } from "@neurite/optimizers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const GIB = 2 ** 30;
/** Bytes of each storage that keeps the low addresses. */
const BALLAST = GIB / 8;
const NEEDED = 8 * GIB;
const enough = freemem() >= NEEDED;
// a test that does not run must not look like one that passed
if (!enough) console.warn(`skipped: memory beyond 2 GiB needs 8 GiB free, and ${(freemem() / GIB).toFixed(1)} are.`);

type Make = (device: Device) => readonly Tensor[];

/** Normal numbers, the same on every device. */
function random(device: Device, shape: readonly number[], seed: number): Tensor {
  return normal(shape, 0, 1, { device, generator: new Generator(seed) });
}

/** Results of `fn` and its gradients by all of its inputs. */
function withGradients(fn: (...inputs: Tensor[]) => Tensor, ...inputs: Tensor[]): readonly Tensor[] {
  const { grads } = valueAndGrad((...given: Tensor[]) => sum(square(fn(...given))), inputs)(...inputs);
  return [fn(...inputs), ...(grads as readonly Tensor[])];
}

/** Large enough to be cut into pieces for threads. */
const WORK: Readonly<Record<string, Make>> = {
  "elementwise functions": (d) => {
    const [x, y] = [random(d, [100_003], 1), random(d, [100_003], 2)];
    return [add(tanh(x), mul(y, 3)), where(greater(x, y), x, y), add(random(d, [300, 101], 3), random(d, [101], 4))];
  },
  products: (d) => [
    ...withGradients(matmul, random(d, [301, 257], 1), random(d, [257, 263], 2)),
    ...withGradients(
      (x, w, b) => linear(x, w, b),
      random(d, [65, 129], 3),
      random(d, [70, 129], 4),
      random(d, [70], 5),
    ),
    matmul(cast(random(d, [90, 80], 6), "int32"), cast(random(d, [80, 70], 7), "int32")),
    matmul(random(d, [200, 9, 8], 8), random(d, [200, 8, 7], 9)),
  ],
  convolutions: (d) => [
    ...withGradients(
      (x, w) => conv2d(x, w, { padding: "same" }),
      random(d, [2, 24, 24, 16], 1),
      random(d, [3, 3, 16, 24], 2),
    ),
    ...withGradients(
      (x, w) => conv2d(x, w, { groups: 16, stride: 2 }),
      random(d, [2, 24, 24, 16], 3),
      random(d, [3, 3, 1, 16], 4),
    ),
    ...withGradients(
      (x, w) => convTranspose2d(x, w, { stride: 2 }),
      random(d, [2, 12, 12, 16], 5),
      random(d, [3, 3, 8, 16], 6),
    ),
  ],
  reductions: (d) => {
    const x = random(d, [600, 301], 1);
    const each = [0, 1].flatMap((axis) => [sum, prod, max, mean].map((reduce) => reduce(x, { axis })));
    return [...each, argMax(x), argMax(x, 0), max(greater(x, 0), { axis: 0 })];
  },
  "gathers and scatters": (d) => {
    const indices = tensor(
      Int32Array.from({ length: 4001 }, (_, i) => (i * 7) % 500),
      { device: d },
    );
    return [
      ...withGradients((x) => gather(x, indices), random(d, [500, 33], 1)),
      scatterAdd(random(d, [4, 4001], 2), indices, [4, 500], 1),
    ];
  },
  "softmax and losses": (d) => {
    const targets = tensor(
      Int32Array.from({ length: 400 }, (_, i) => i % 101),
      { device: d },
    );
    return [
      ...withGradients((x) => softmax(x), random(d, [400, 101], 1)),
      ...withGradients((x) => crossEntropy(x, targets), random(d, [400, 101], 2)),
    ];
  },
  normalisations: (d) => {
    const x = random(d, [4, 30, 30, 32], 1);
    const affine = { weight: random(d, [32], 2), bias: random(d, [32], 3) };
    return [
      ...withGradients((given) => layerNorm(given, affine), x),
      ...withGradients((given) => rmsNorm(given), x),
      ...withGradients((given) => batchNorm(given, affine).y, x),
      ...withGradients((given) => groupNorm(given, 4, affine), x),
    ];
  },
  attention: (d) =>
    withGradients((q, k, v) => attention(q, k, v), ...[1, 2, 3].map((seed) => random(d, [4, 4, 50, 32], seed))),
  recurrences: (d) => {
    const [h, w3] = [random(d, [33, 64], 1), random(d, [192, 64], 4)];
    const [gates, w4] = [random(d, [5, 33, 256], 2), random(d, [256, 64], 3)];
    return [
      ...withGradients((x, w) => lstm(x, w, { h, c: h }).output, gates, w4),
      ...withGradients((x, w) => gru(x, w, h).output, random(d, [5, 33, 192], 6), w3),
      lstmCell(random(d, [600, 256], 7), random(d, [600, 64], 8)).h,
    ];
  },
  pooling: (d) => [
    ...withGradients((x) => maxPool2d(x, 3, { stride: 2 }), random(d, [4, 40, 40, 24], 1)),
    ...withGradients((x) => avgPool2d(x, 2), random(d, [4, 40, 40, 24], 2)),
  ],
  "copies, paddings and joins": (d) => {
    const x = random(d, [300, 211], 1);
    const bytes = cast(mul(x, 20), "uint8");
    return [
      copy(transpose(x)),
      copy(transpose(bytes)),
      cast(x, "int32"),
      pad(
        x,
        [
          { before: 1, after: 2 },
          { before: 3, interior: 1 },
        ],
        7,
      ),
      concat([x, random(d, [40, 211], 2)]),
      copy(
        slice(x, [
          [1, null, 2],
          [0, null, 3],
        ]),
      ),
    ];
  },
  "dropout and an optimizer's step": (d) => {
    const weight = new Parameter(random(d, [300, 211], 1));
    new Adam({ weight }).step({ weight: random(d, [300, 211], 2) });
    const odd = new Generator(6);
    odd.skip(1);
    return [weight, dropout(random(d, [100_003], 3), 0.3, new Generator(4)), dropout(random(d, [999], 5), 0.5, odd)];
  },
};

const results = (device: Device, make: Make) => scope(() => make(device).map((result) => result.dataSync()));

describe.skipIf(!enough).each([
  ["wasm", async () => wasm()],
  ["worker-threads", () => workerThreads({ threads: 2 })],
] as const)("%s", (_, start) => {
  let low: Device;
  beforeAll(async () => {
    low = await start();
  });
  afterAll(() => low.close());

  describe.each([
    ["around 2 GiB", 2 * GIB - 4 * 2 ** 20],
    ["from 2.2 GiB", 2.2 * GIB],
    ["from 3.9 GiB", 3.9 * GIB],
  ] as const)("gives the same on storages %s", (place, bytes) => {
    let high: Device;
    beforeAll(async () => {
      high = await start();
      // its memory is never touched, so that it takes none of the machine's
      for (let left = bytes; left > 0; left -= BALLAST) high.allocate("uint8", Math.floor(Math.min(left, BALLAST)));
    });
    afterAll(() => high.close());

    it.each(Object.keys(WORK))("%s", (name) => {
      const [expected, actual] = [low, high].map((device) => results(device, WORK[name]!));
      actual!.forEach((data, i) => {
        expect(
          data.every((value, k) => Object.is(value, expected![i]![k])),
          `result ${i} of ${name} ${place}`,
        ).toBe(true);
      });
    });
  });
});
