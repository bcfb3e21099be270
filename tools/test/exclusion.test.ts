// What a mask, a weight of zero or a probability of zero excludes reaches neither value nor gradient, and nothing else is hidden.
import { valueAndGrad } from "@neurite/autograd";
import { cpuJs } from "@neurite/backend-cpu-js";
import { wasm } from "@neurite/backend-wasm";
import { workerThreads } from "@neurite/backend-worker-threads";
import {
  attention,
  type Device,
  dropout,
  Generator,
  greater,
  maskedSoftmax,
  mul,
  Parameter,
  setDefaultDevice,
  sqrt,
  sum,
  type Tensor,
  tensor,
  where,
} from "@neurite/core";
import { Dropout1d, GRU, HORNN, LSTM, RNN } from "@neurite/layers";
import { bceLoss, bceWithLogitsLoss, crossEntropyLoss, klDivLoss, nllLoss } from "@neurite/losses";
import { beforeAll, describe, expect, it } from "vitest";

const { NaN: nan, POSITIVE_INFINITY: inf } = Number;
const ODD = [nan, inf, -inf, 3e38, -3e38];
const BACKENDS: Readonly<Record<string, () => Device | Promise<Device>>> = {
  "cpu-js": cpuJs,
  wasm,
  "worker-threads": () => workerThreads({ threads: 2 }),
};

type Rows = readonly (readonly number[])[];
const matrix = (rows: Rows) => tensor(Float32Array.from(rows.flat()), { shape: [rows.length, rows[0]!.length] });
const list = (...values: number[]) => tensor(Float32Array.from(values));
const ints = (...values: number[]) => tensor(Int32Array.from(values));

/** What a tensor holds, with one zero. */
const read = async (x: Tensor) => [...(await x.data())].map((value) => value + 0);

/** The sum's value and gradient, weighted so that no two results are alike. */
async function both(fn: (x: Tensor) => Tensor, x: Tensor): Promise<number[][]> {
  const run = valueAndGrad(
    (y: Tensor) => {
      const result = fn(y);
      const weights = tensor(
        Float32Array.from({ length: result.size }, (_, i) => 1 + i / 4),
        { shape: result.shape },
      );
      return sum(mul(result, weights));
    },
    [x],
  );
  const { value, grads } = run(x);
  return [await read(value), await read(grads[0]!)];
}

describe.each(Object.entries(BACKENDS))("on %s", (_, make) => {
  beforeAll(async () => setDefaultDevice(await make()));

  it("the branch that where does not take has no gradient", async () => {
    const [, slope] = await both((x) => where(greater(x, 0), sqrt(x), x), list(-1, 4, 0));
    expect(slope).toEqual([1, 1.25 / 4, 1.5]);
  });

  it.each(ODD)("a masked score of %d counts for nothing, and large ones for what they are", async (odd) => {
    const mask = tensor([
      [true, true, false],
      [true, false, true],
      [false, false, false],
    ]);
    const scores = (low: number) =>
      matrix([
        [low, low, odd],
        [1, odd, 1],
        [odd, odd, odd],
      ]);
    for (const low of [-2e30, -3.4e38, 0, 3e38]) {
      const [value, slope] = await both((x) => maskedSoftmax(x, mask), scores(low));
      expect(value![0]).toBeCloseTo(0.5 * (1 + 1.25) + 0.5 * (1.75 + 2.25), 5);
      const wanted = [-0.0625, 0.0625, 0, -0.125, 0, 0.125, 0, 0, 0];
      slope!.forEach((is, i) => void expect(is).toBeCloseTo(wanted[i]!, 5));
    }
  });

  it.each(ODD)("a masked score may have an error of %d", async (odd) => {
    const mask = tensor([[true, true, false]]);
    const errors = list(1, 2, odd);
    const x = matrix([[0, 0, 0]]);
    const { grads } = valueAndGrad((y: Tensor) => sum(mul(maskedSoftmax(y, mask), errors)), [x])(x);
    expect(await read(grads[0]!)).toEqual([-0.25, 0.25, 0]);
  });

  it("a score of NaN that is not masked shows", async () => {
    const [value] = await both((x) => maskedSoftmax(x, tensor([[true, true, false]])), matrix([[nan, 1, 2]]));
    expect(value).toEqual([nan]);
  });

  it.each(ODD)("logits of %d in a position that does not count reach nothing", async (odd) => {
    const targets = ints(1, -1);
    const wanted = await both(
      (x) => crossEntropyLoss(x, targets, { ignoreIndex: -1 }),
      matrix([
        [1, 2, 3],
        [0, 0, 0],
      ]),
    );
    for (const options of [{}, { labelSmoothing: 0.1 }, { weight: list(1, 2, 3) }]) {
      const run = (second: number[]) =>
        both((x) => crossEntropyLoss(x, targets, { ignoreIndex: -1, ...options }), matrix([[1, 2, 3], second]));
      expect(await run([odd, 1, odd])).toEqual(await run([0, 0, 0]));
    }
    const plain = (x: Tensor) => nllLoss(x, targets, { ignoreIndex: -1 });
    expect(
      (
        await both(
          plain,
          matrix([
            [1, 2, 3],
            [odd, odd, odd],
          ]),
        )
      )[1]!.slice(3),
    ).toEqual([0, 0, 0]);
    expect(wanted[1]!.slice(3)).toEqual([0, 0, 0]);
  });

  it.each(ODD)("logits of %d of a class without weight reach nothing", async (odd) => {
    const run = (second: number[]) =>
      both((x) => crossEntropyLoss(x, ints(1, 0), { weight: list(0, 2, 3) }), matrix([[1, 2, 3], second]));
    expect(await run([odd, 1, odd])).toEqual(await run([0, 0, 0]));
  });

  it("a logit of NaN in a position that counts shows", async () => {
    const [value, slope] = await both(
      (x) => crossEntropyLoss(x, ints(1, 0), { ignoreIndex: -1 }),
      matrix([
        [1, nan, 3],
        [0, 0, 0],
      ]),
    );
    expect(value).toEqual([nan]);
    expect(slope!.slice(0, 3)).toEqual([nan, nan, nan]);
  });

  it("terms of losses with a probability of 0 are 0, though their logarithm is infinite", async () => {
    const none = { reduction: "none" } as const;
    expect(await both((q) => klDivLoss(q, list(0, 0, 1), none), list(-inf, nan, -2))).toEqual([[3], [0, 0, -1.5]]);
    expect((await both((x) => bceWithLogitsLoss(x, list(1, 0), none), list(inf, -inf)))[0]).toEqual([0]);
    expect((await both((p) => bceLoss(p, list(1, 0), none), list(1, 0)))[0]).toEqual([0]);
  });

  it.each([
    ["RNN", () => new RNN(2, 3)],
    ["GRU", () => new GRU(2, 3)],
    ["LSTM", () => new LSTM(2, 3, { bidirectional: true, layers: 2 })],
    ["HORNN", () => new HORNN(2, 3)],
  ] as const)("padding of NaN reaches no parameter of %s", async (_, build) => {
    const layer = build();
    const slopes = async (padding: number) => {
      const x = tensor(Float32Array.from([1, 2, 3, 4, padding, padding, 5, 6, padding, padding, padding, padding]), {
        shape: [2, 3, 2],
      });
      const run = valueAndGrad(() => sum(layer.forward(x, { lengths: [2, 1] }).output), layer.parameters());
      const { value, grads } = run();
      return [
        [...(await value.data())],
        ...(await Promise.all(Object.values(grads).map(async (y) => [...(await y.data())]))),
      ];
    };
    for (const odd of ODD) expect(await slopes(odd)).toEqual(await slopes(0));
  });

  it.each(ODD)("keys and values of %d that no query may attend to reach nothing", async (odd) => {
    const query = matrix([
      [1, 2],
      [3, 1],
      [1, 1],
    ]);
    const run = async (x: number) => {
      const operands = [
        query,
        matrix([
          [1, 0],
          [x, x],
          [0, 1],
        ]),
        matrix([
          [1, 2],
          [x, x],
          [3, 5],
        ]),
      ];
      const masks = [
        tensor([[true, false, true]]),
        tensor([
          [true, false, false],
          [true, false, true],
          [false, false, true],
        ]),
      ];
      const results = masks.map((mask) =>
        valueAndGrad(
          (q: Tensor, k: Tensor, v: Tensor) => sum(attention(q, k, v, { mask })),
          operands,
        )(...(operands as [Tensor, Tensor, Tensor])),
      );
      return Promise.all(results.flatMap(({ value, grads }) => [value, ...grads].map(read)));
    };
    expect(await run(odd)).toEqual(await run(0));
  });

  it("a value of NaN that a query attends to shows", async () => {
    const [q, k] = [
      matrix([[1, 2]]),
      matrix([
        [1, 0],
        [0, 1],
      ]),
    ];
    const y = attention(
      q,
      k,
      matrix([
        [nan, 1],
        [2, 3],
      ]),
      { mask: tensor([[true, false]]) },
    );
    expect(await read(y)).toEqual([nan, 1]);
  });

  it.each(ODD)("a dropped element of %d reaches nothing", async (odd) => {
    const kept = await both((x) => dropout(x, 0.5, new Generator(3)), list(...new Array<number>(16).fill(1)));
    const given = kept[1]!.map((slope) => (slope === 0 ? odd : 1));
    expect(kept[1]).toContain(0);
    expect(await both((x) => dropout(x, 0.5, new Generator(3)), list(...given))).toEqual(kept);
    const layer = new Dropout1d(0.5, { generator: new Generator(5) });
    const x = new Parameter(tensor(Float32Array.from(new Array<number>(16).fill(odd)), { shape: [1, 1, 16] }));
    const seen = await read(layer.forward(x));
    expect(seen.filter((y) => y === 0).length).toBeGreaterThan(0);
  });
});
