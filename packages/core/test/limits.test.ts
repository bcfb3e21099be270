/** Sizes that no machine has room for are refused before the host makes anything of that size. */
import { grad } from "@neurite/autograd";
import { cpuJs } from "@neurite/backend-cpu-js";
import * as core from "@neurite/core";
import { adaptiveAvgPool1d, arange, Generator, isNeuriteError, ones, split, tensor } from "@neurite/core";
import { describe, expect, it } from "vitest";
import { freshDevice, thrown } from "./device.js";

const device = freshDevice();
const huge = 2 ** 31;

function nested(depth: number): unknown {
  let data: unknown = 1;
  for (let i = 0; i < depth; i++) data = [data];
  return data;
}

function cyclic(): never {
  const data: unknown[] = [];
  data.push(data);
  return data as never;
}

/** An array that contains itself behind rows that do not. */
function cyclicLater(): never {
  const data: unknown[] = [[1]];
  data.push(data);
  return data as never;
}

const calls: Readonly<Record<string, () => unknown>> = {
  "zeros of 2^31": () => core.zeros([huge]),
  "full of 2^31 in two axes": () => core.full([2 ** 16, 2 ** 15], 1),
  "normal numbers": () => core.normal([huge]),
  "uniform numbers": () => core.uniform([huge]),
  "random integers": () => core.randomIntegers([huge], 0, 2),
  "a range of 10^12": () => arange(0, 1e12),
  "a range of 2^31 backwards": () => arange(huge, 0, -1),
  "a range with tiny steps": () => arange(0, 1, 1e-12, { dtype: "float32" }),
  "data in a shape of 2^31": () => tensor([1], { shape: [huge] }),
  "10^9 adaptive parts": () => adaptiveAvgPool1d(ones([1, 4, 1]), 1e9),
  "10^9 adaptive parts of an image": () => core.adaptiveAvgPool2d(ones([1, 3, 3, 1]), [1e9, 2]),
  "10^9 adaptive parts of nothing": () => adaptiveAvgPool1d(ones([1, 0, 1]), 1e9),
  "a split of nothing in 10^8": () => split(ones([0, 2]), 1e8),
  "an axis of 10^8 taken apart": () => core.unstack(core.expand(ones([1]), [1e8])),
  "padding by 2^31": () => core.pad(ones([2]), [{ before: huge }]),
  "padding by 2^31 between": () => core.pad(ones([2]), [{ interior: huge }]),
  "a convolution padded by 2^31": () => core.conv1d(ones([1, 3, 1]), ones([1, 1, 1]), { padding: huge }),
  "a transposed convolution of stride 2^31": () =>
    core.convTranspose1d(ones([1, 3, 1]), ones([1, 1, 1]), { stride: huge }),
  "a pool over 2^31 with as much padding": () => core.maxPool1d(ones([1, 3, 1]), huge, { padding: huge }),
  "a mean over 10^9 with as much padding": () => core.avgPool1d(ones([1, 3, 1]), 1e9, { padding: 1e9 }),
  "a pool dilated by 2^40": () => core.maxPool1d(ones([1, 3, 1]), 2, { dilation: 2 ** 40 }),
  "a gradient by each of 10^6 places": () =>
    grad((x: core.Tensor) => core.sum(core.maxPool1d(x, 1e6)))(core.expand(ones([1, 1, 1]), [1, 1e6, 1])),
  "zeros that updates are added to": () => core.scatterAdd(ones([1]), tensor(new Int32Array([0])), [huge]),
  "a shape with a product beyond 2^53": () => core.expand(ones([1, 1]), [2 ** 40, 2 ** 40]),
  "a copy of a stretched view": () => core.copy(core.expand(ones([1]), [2 ** 40])),
  "rows of a one-hot product": () => core.mul(ones([1, 2 ** 16]), ones([2 ** 16, 1])),
  "an order of 2^40": () => new Generator(0).permutation(2 ** 40),
  "an array in itself": () => tensor(cyclic()),
  "an array in itself, later": () => tensor(cyclicLater()),
  "an array in 10^5 others": () => tensor(nested(1e5) as never),
  "a shape of 10^5 axes": () => ones(new Array<number>(1e5).fill(1)),
  "holes of 10^9": () => tensor(new Array<number>(1e9)),
};

describe("too large a size is an error", () => {
  it.each(Object.entries(calls))("for %s", (_, call) => {
    const error = thrown(call);
    expect(isNeuriteError(error), String(error)).toBe(true);
    expect(["ERR_UNSUPPORTED", "ERR_SHAPE", "ERR_VALUE"]).toContain(error.code);
  });

  it("that names the limit", () => {
    expect(thrown(() => core.normal([huge])).message).toMatch(/at most 2147483647 elements on backend "cpu-js"/);
    expect(thrown(() => split(ones([0, 2]), 1e8)).message).toMatch(/split: parts expects at most 1048576/);
  });

  it("that comes before the random stream moves", () => {
    const generator = new Generator(3);
    thrown(() => core.normal([huge], 0, 1, { generator }));
    expect(generator.counter).toBe(0);
  });

  it("when the engine has no memory for it", () => {
    const full = cpuJs();
    Object.assign(full.backend, {
      alloc: () => {
        throw new RangeError("Array buffer allocation failed");
      },
    });
    expect(thrown(() => ones([2], { device: full })).code).toBe("ERR_UNSUPPORTED");
    expect(device().memory().storages).toBe(0);
  });
});

describe("sizes near the limits still work", () => {
  it("an array nested 64 deep", () => {
    expect(tensor(nested(64) as never).rank).toBe(64);
  });

  it("more parts than elements", () => {
    expect(Array.from(adaptiveAvgPool1d(tensor([[[1], [2], [3]]]), 5).dataSync())).toEqual([1, 1.5, 2, 2.5, 3]);
  });

  it("a pool whose windows reach into the padding at both ends", () => {
    const x = tensor([[[1], [2], [3]]]);
    expect(Array.from(core.maxPool1d(x, 3, { stride: 1, padding: 2 }).dataSync())).toEqual([1, 2, 3, 3, 3]);
    for (const padding of [3, [[3, 0]], [[0, 3]]] as const) {
      expect(thrown(() => core.maxPool1d(x, 3, { stride: 1, padding })).message).toMatch(/leaves none to window/);
    }
  });
});
