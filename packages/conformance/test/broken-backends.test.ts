// A suite is worth what it catches: backends broken in one place each must fail, and by the checks that name the place.
import { CpuJsBackend } from "@neurite/backend-cpu-js";
import { CASES, runBackend } from "@neurite/conformance";
import { type Backend, type Device, hostArray, type TypedArray, type View } from "@neurite/core";
import { describe, expect, it } from "vitest";
import { broken, elementsOf } from "./broken.js";

interface Break {
  readonly name: string;
  /** The cases that must notice. */
  readonly ops: readonly string[];
  /** Part of the name of a check that must fail. */
  readonly claim: RegExp;
  readonly device: () => Device;
}

const contiguous = (shape: readonly number[]): number[] => {
  const strides = new Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1] * shape[axis + 1];
  return strides;
};
/** Storages next to each other in one buffer, as in the memory of WebAssembly. */
function inOneBuffer(bytes: number): Pick<Backend, "alloc" | "free"> {
  const buffer = new ArrayBuffer(bytes);
  let top = 0;
  return {
    alloc(dtype, length) {
      const kind = hostArray(dtype, 0).constructor as new (from: ArrayBuffer, at: number, n: number) => TypedArray;
      const array = new kind(buffer, top, length);
      top += 8 * Math.ceil(array.byteLength / 8);
      return array;
    },
    free() {},
  };
}
const withStrides = (view: View, strides: readonly number[]): View => ({ ...view, strides });

const BREAKS: readonly Break[] = [
  {
    name: "reduces all but the last element",
    ops: ["sum"],
    claim: /over the last axis/,
    device: () =>
      broken(({ kernels: { reduce } }) => ({
        kernels: {
          reduce(outs, [x], attrs) {
            const [outer, n, inner] = x.shape;
            if (n < 2 || inner !== 1) return reduce(outs, [x], attrs);
            const strides = x.strides;
            return reduce(outs, [{ ...x, shape: [outer, n - 1, inner], strides }], attrs);
          },
        },
      })),
  },
  {
    name: "takes NaN for nothing in a maximum",
    ops: ["max"],
    claim: /NaN/,
    device: () =>
      broken(({ kernels: { reduce } }) => ({
        kernels: {
          reduce(outs, [x], attrs) {
            const data = elementsOf(x);
            const kept = data.slice();
            if (attrs.kind === "max") for (let i = 0; i < data.length; i++) if (Number.isNaN(data[i])) data[i] = -1e30;
            const status = reduce(outs, [x], attrs);
            data.set(kept);
            return status;
          },
        },
      })),
  },
  {
    name: "lets the last of equals win a search",
    ops: ["argMax"],
    claim: /of ties, where the first wins/,
    device: () =>
      broken(({ kernels: { argReduce } }) => ({
        kernels: {
          argReduce(outs, [x], attrs) {
            const [outer, n, inner] = x.shape;
            if (inner !== 1) return argReduce(outs, [x], attrs);
            const data = elementsOf(x);
            const kept = data.slice();
            for (let o = 0; o < outer; o++) data.subarray(o * n, (o + 1) * n).reverse();
            const status = argReduce(outs, [x], attrs);
            data.set(kept);
            const out = elementsOf(outs[0]);
            for (let o = 0; o < outer; o++) out[o] = n - 1 - out[o];
            return status;
          },
        },
      })),
  },
  {
    name: "multiplies the first matrices of a batch only",
    ops: ["matmul"],
    claim: /of two stacks/,
    device: () =>
      broken(({ kernels: { matmul } }) => ({
        kernels: {
          matmul: (outs, [a, b], attrs) => matmul(outs, [a, withStrides(b, [0, b.strides[1], b.strides[2]])], attrs),
        },
      })),
  },
  {
    name: "takes every matrix for a contiguous one",
    ops: ["matmul"],
    claim: /of two transposed operands|axes reversed/,
    device: () =>
      broken(({ kernels: { matmul } }) => ({
        kernels: {
          matmul(outs, inputs, attrs) {
            const flat = inputs.map((x) => withStrides(x, [x.strides[0], x.shape[2], 1]));
            return matmul(outs, flat, attrs);
          },
        },
      })),
  },
  {
    name: "adds a product to what the storage held before",
    ops: ["matmul"],
    claim: /shows nothing that freed storages held/,
    device: () =>
      broken(({ kernels: { matmul } }) => ({
        kernels: {
          matmul(outs, inputs, attrs) {
            const before = elementsOf(outs[0]).slice();
            matmul(outs, inputs, attrs);
            const out = elementsOf(outs[0]);
            for (let i = 0; i < out.length; i++) out[i] += before[i];
            return undefined;
          },
        },
      })),
  },
  {
    name: "stops a sum of products after 1000 terms",
    ops: ["matmul"],
    claim: /over 1500 elements/,
    device: () =>
      broken(({ kernels: { matmul } }) => ({
        kernels: {
          matmul(outs, [a, b], attrs) {
            const k = Math.min(a.shape[2], 1000);
            const cut = [
              { ...a, shape: [a.shape[0], a.shape[1], k] },
              { ...b, shape: [b.shape[0], k, b.shape[2]] },
            ];
            return matmul(outs, cut, attrs);
          },
        },
      })),
  },
  {
    name: "takes indices without a look",
    ops: ["gather"],
    claim: /found by the kernel/,
    device: () =>
      broken(({ kernels: { gather } }) => ({
        kernels: {
          gather(outs, [x, indices], attrs) {
            const list = elementsOf(indices);
            const kept = list.slice();
            for (let i = 0; i < list.length; i++) list[i] = Math.min(Math.max(list[i], 0), x.shape[1] - 1);
            const status = gather(outs, [x, indices], attrs);
            list.set(kept);
            return status;
          },
        },
      })),
  },
  {
    name: "finds a bad index but frees nothing",
    ops: ["gather"],
    claim: /refuses an index beyond the axis, found by the kernel/,
    device: () => {
      const device: Device = broken(({ kernels: { gather } }) => ({
        kernels: {
          gather(outs, inputs, attrs) {
            const status = gather(outs, inputs, attrs);
            if (typeof status === "number") device.allocate("float32", 8);
            return status;
          },
        },
      }));
      return device;
    },
  },
  {
    name: "drops NaN in elementwise kernels",
    ops: ["add"],
    claim: /NaN, infinities/,
    device: () =>
      broken(({ kernels: { map } }) => ({
        kernels: {
          map(outs, inputs, attrs) {
            map(outs, inputs, attrs);
            const out = elementsOf(outs[0]);
            for (let i = 0; i < out.length; i++) if (Number.isNaN(out[i])) out[i] = 0;
            return undefined;
          },
        },
      })),
  },
  {
    name: "gives zeros the wrong sign in elementwise kernels",
    ops: ["neg"],
    claim: /zeros and large numbers/,
    device: () =>
      broken(({ kernels: { map } }) => ({
        kernels: {
          map(outs, inputs, attrs) {
            map(outs, inputs, attrs);
            const out = elementsOf(outs[0]);
            for (let i = 0; i < out.length; i++) out[i] += 0;
            return undefined;
          },
        },
      })),
  },
  {
    name: "takes stretched axes for contiguous ones in elementwise kernels",
    ops: ["mul"],
    claim: /a matrix and a row|a column and a row/,
    device: () =>
      broken(({ kernels: { map } }) => ({
        kernels: {
          map: (outs, inputs, attrs) =>
            map(
              outs,
              inputs.map((x) => (x.shape.length > 1 ? withStrides(x, contiguous(x.shape)) : x)),
              attrs,
            ),
        },
      })),
  },
  {
    name: "leaves the last element out in elementwise kernels",
    ops: ["exp"],
    claim: /shows nothing that freed storages held/,
    device: () =>
      broken(({ kernels: { map } }) => ({
        kernels: {
          map(outs, inputs, attrs) {
            const out = elementsOf(outs[0]);
            const before = out[out.length - 1];
            map(outs, inputs, attrs);
            out[out.length - 1] = before;
            return undefined;
          },
        },
      })),
  },
  {
    name: "computes in place",
    ops: ["sqrt"],
    claim: /leaves its inputs unchanged/,
    device: () =>
      broken(({ kernels: { map } }) => ({
        kernels: {
          map(outs, inputs, attrs) {
            map(outs, inputs, attrs);
            const [out, x] = [elementsOf(outs[0]), inputs[0]];
            if (x.dtype === outs[0].dtype && x.strides[0] === 1 && x.shape.length === 1) elementsOf(x).set(out);
            return undefined;
          },
        },
      })),
  },
  {
    name: "keeps scalars from its first call",
    ops: ["mul"],
    claim: /a number/,
    device: () => {
      const seen = new Map<number, readonly number[]>();
      return broken(({ kernels: { map } }) => ({
        kernels: {
          map(outs, inputs, { fn, scalars }) {
            if (!seen.has(fn.uid)) seen.set(fn.uid, scalars);
            return map(outs, inputs, { fn, scalars: seen.get(fn.uid)! });
          },
        },
      }));
    },
  },
  {
    name: "copies backward axes forward",
    ops: ["copy"],
    claim: /stored backwards/,
    device: () =>
      broken(({ kernels: { copy } }) => ({
        kernels: {
          copy(outs, [x], attrs) {
            const low = x.strides.reduce((sum, s, axis) => sum + (s < 0 ? s * (x.shape[axis] - 1) : 0), x.offset);
            return copy(outs, [{ ...x, offset: low, strides: x.strides.map(Math.abs) }], attrs);
          },
        },
      })),
  },
  {
    name: "copies from the start of the storage",
    ops: ["copy"],
    claim: /every second element/,
    device: () =>
      broken(({ kernels: { copy } }) => ({
        kernels: { copy: (outs, [x], attrs) => copy(outs, [{ ...x, offset: Math.min(x.offset, 0) }], attrs) },
      })),
  },
  {
    name: "rounds where a cast must truncate",
    ops: ["cast"],
    claim: /toward zero/,
    device: () =>
      broken(({ kernels: { copy } }) => ({
        kernels: {
          copy(outs, [x], attrs) {
            const isFloat = x.dtype === "float32" || x.dtype === "float64";
            if (!isFloat || outs[0].dtype !== "int32") return copy(outs, [x], attrs);
            return copy(outs, [{ ...x, id: (x.id as Float32Array).map(Math.round) }], attrs);
          },
        },
      })),
  },
  {
    name: "writes over where it must add",
    ops: ["scatterAdd"],
    claim: /some to the same place/,
    device: () =>
      broken(({ kernels: { scatterAdd } }) => ({
        kernels: {
          scatterAdd(outs, inputs, attrs) {
            const status = scatterAdd(outs, inputs, attrs);
            if (status !== undefined) return status;
            const [updates, indices] = inputs.map(elementsOf);
            const [outer, n, inner] = outs[0].shape;
            const out = elementsOf(outs[0]);
            for (let o = 0; o < outer; o++) {
              for (let i = 0; i < indices.length; i++) {
                for (let j = 0; j < inner; j++) {
                  out[(o * n + indices[i]) * inner + j] = updates[(o * indices.length + i) * inner + j];
                }
              }
            }
            return undefined;
          },
        },
      })),
  },
  {
    name: "does not begin with zeros when it adds",
    ops: ["scatterAdd"],
    claim: /shows nothing that freed storages held/,
    device: () =>
      broken(({ kernels: { scatterAdd } }) => ({
        kernels: {
          scatterAdd(outs, inputs, attrs) {
            const before = elementsOf(outs[0]).slice();
            const status = scatterAdd(outs, inputs, attrs);
            const out = elementsOf(outs[0]);
            for (let i = 0; i < out.length; i++) out[i] += before[i];
            return status;
          },
        },
      })),
  },
  {
    name: "writes an element behind the end of what it gathers",
    ops: ["gather"],
    claim: /writes to no other storage/,
    device: () =>
      broken((sound) => ({
        ...inOneBuffer(2 ** 26),
        kernels: {
          gather(outs, inputs, attrs) {
            const status = sound.kernels.gather(outs, inputs, attrs);
            const { buffer, byteOffset, byteLength } = elementsOf(outs[0]);
            new Uint8Array(buffer, byteOffset + byteLength, 1)[0] ^= 1;
            return status;
          },
        },
      })),
  },
  {
    name: "pads with zeros whatever the value",
    ops: ["pad"],
    claim: /with sevens/,
    device: () =>
      broken(({ kernels: { pad } }) => ({
        kernels: { pad: (outs, inputs, attrs) => pad(outs, inputs, { ...attrs, value: 0 }) },
      })),
  },
  {
    name: "puts the padding between elements at the end",
    ops: ["pad"],
    claim: /between the elements/,
    device: () =>
      broken(({ kernels: { pad } }) => ({
        kernels: {
          pad: (outs, inputs, attrs) => pad(outs, inputs, { ...attrs, interior: attrs.interior.map(() => 0) }),
        },
      })),
  },
  {
    name: "joins tensors in reverse",
    ops: ["concat"],
    claim: /of vectors/,
    device: () =>
      broken(({ kernels: { concat } }) => ({
        kernels: { concat: (outs, inputs, attrs) => concat(outs, inputs.toReversed(), attrs) },
      })),
  },
  {
    name: "joins at most eight tensors",
    ops: ["concat"],
    claim: /of twelve tensors/,
    device: () =>
      broken(({ kernels: { concat } }) => ({
        kernels: { concat: (outs, inputs, attrs) => concat(outs, inputs.slice(0, 8), attrs) },
      })),
  },
  {
    name: "fills all but the last element",
    ops: ["full"],
    claim: /freed storages|gives the values/,
    device: () =>
      broken(({ kernels: { fill } }) => ({
        kernels: {
          fill(outs, inputs, attrs) {
            const out = elementsOf(outs[0]);
            const before = out[out.length - 1];
            fill(outs, inputs, attrs);
            if (out.length > 1) out[out.length - 1] = before;
            return undefined;
          },
        },
      })),
  },
  {
    name: "multiplies integers as floats",
    ops: ["mul"],
    claim: /at the ends of int32/,
    device: () =>
      broken(({ kernels: { map } }) => ({
        kernels: {
          map(outs, inputs, attrs) {
            const [a, b] = inputs;
            const simple = inputs.length === 2 && inputs.every((x) => x.shape.length === 1 && x.strides[0] === 1);
            if (outs[0].dtype !== "int32" || !simple) return map(outs, inputs, attrs);
            const [p, q, out] = [elementsOf(a), elementsOf(b), elementsOf(outs[0])];
            for (let i = 0; i < out.length; i++) out[i] = p[i] * q[i];
            return undefined;
          },
        },
      })),
  },
  {
    name: "hands out its own memory when it is read",
    ops: ["reading"],
    claim: /gives a copy/,
    device: () =>
      broken(() => ({
        read: async (id, offset, length) => (id as Float32Array).subarray(offset, offset + length),
      })),
  },
  {
    name: "reads late",
    ops: ["reading"],
    claim: /begun before dispose/,
    device: () => {
      // the device holds a storage until its read is done; this backend forgets its own contents at free all the same
      const device = broken((sound) => ({
        read: async (id, offset, length) => {
          await Promise.resolve();
          return sound.read(id, offset, length);
        },
      }));
      device.read = async (storage, offset, length) => device.backend.read(storage.id, offset, length);
      return device;
    },
  },
  {
    name: "keeps the host's array for its own",
    ops: ["backend"],
    claim: /writes a copy/,
    device: () => {
      const arrays = new Map<object, Float32Array>();
      return broken((sound) => ({
        write: (id, data) => {
          sound.write(id, data);
          arrays.set(id as object, data as Float32Array);
        },
        read: async (id, offset, length) =>
          (arrays.get(id as object) ?? (id as Float32Array)).slice(offset, offset + length),
      }));
    },
  },
  {
    name: "gives one storage to two tensors",
    ops: ["backend"],
    claim: /keeps storages apart/,
    device: () => {
      let last: unknown;
      return broken((sound) => ({
        alloc: (dtype, length) => {
          const id = sound.alloc(dtype, length);
          if (last && (last as Float32Array).length >= length && (last as object).constructor === id.constructor) {
            return last as object;
          }
          last = id;
          return id;
        },
      }));
    },
  },
  {
    name: "can hold next to nothing",
    ops: ["backend"],
    claim: /sane limits/,
    device: () => broken(() => ({ limits: { maxElements: 100, maxReduction: 100 } })),
  },
  {
    name: "has a fused softmax that forgets the shift",
    ops: ["softmax"],
    claim: /powers overflow.*values/,
    device: () => broken(() => ({ fused: { softmax: fusedSoftmax(0, 1) } })),
  },
  {
    name: "has a fused softmax that is off by a thousandth",
    ops: ["softmax"],
    claim: /agrees with its composition/,
    device: () => broken(() => ({ fused: { softmax: fusedSoftmax(1, 1.001) } })),
  },
  {
    name: "has a fused softmax that leaks a storage each time",
    ops: ["softmax"],
    claim: /gives back all storage/,
    device: () => {
      const device: Device = broken(() => ({
        fused: {
          softmax(outs: readonly View[], inputs: readonly View[], attrs: { axis: number }) {
            device.allocate("float32", 4);
            return fusedSoftmax(1, 1)(outs, inputs, attrs);
          },
        },
      }));
      return device;
    },
  },
];

/** Softmax along the last axis; declines others. */
function fusedSoftmax(shift: number, factor: number) {
  return ([out]: readonly View[], [x]: readonly View[], { axis }: { readonly axis: number }): undefined | false => {
    if (axis !== x.shape.length - 1) return false;
    const [to, from] = [elementsOf(out), elementsOf(x)];
    const n = x.shape[axis];
    for (let start = 0; start < from.length; start += n) {
      const line = Array.from(from.subarray(start, start + n));
      const top = shift * Math.max(...line);
      const powers = line.map((value) => Math.exp(value - top));
      const total = powers.reduce((a, b) => a + b, 0);
      powers.forEach((power, i) => {
        to[start + i] = (power / total) * factor;
      });
    }
    return undefined;
  };
}

describe("the suite catches a backend that", () => {
  for (const { name, ops, claim, device } of BREAKS) {
    it(name, async () => {
      const cases = CASES.filter((subject) => ops.includes(subject.op));
      expect(cases).toHaveLength(ops.length);
      const report = await runBackend(device(), { cases, dtypes: ["float32", "int32"] });
      const caught = report.cases.filter(({ status, name: check }) => status === "failed" && claim.test(check));
      expect(caught.length, `failed: ${report.failed}`).toBeGreaterThan(0);
    });
  }
});

describe("the suite passes a backend that", () => {
  it("is wrapped but sound", async () => {
    const report = await runBackend(
      broken(() => ({})),
      { cases: CASES.filter(({ op }) => ["sum", "backend"].includes(op)) },
    );
    expect(report.failed).toBe(0);
    expect(report.passed).toBeGreaterThan(100);
  });

  it("has a right fused kernel, which is then compared with the composition", async () => {
    const device = broken(() => ({ fused: { softmax: fusedSoftmax(1, 1) } }));
    const report = await runBackend(device, { cases: CASES.filter(({ op }) => op === "softmax") });
    expect(report.cases.filter(({ status }) => status === "failed")).toEqual([]);
    const compared = report.cases.filter(({ name, status }) => /its composition/.test(name) && status === "passed");
    expect(compared.length).toBeGreaterThan(10);
  });

  it("has float32 alone, and skips the rest with a reason", async () => {
    const sound = new CpuJsBackend();
    const dtypes = {
      float32: "arithmetic",
      float64: "none",
      int32: "arithmetic",
      uint8: "none",
      bool: "arithmetic",
    } as const;
    const report = await runBackend(
      broken(() => ({ dtypes })),
      { cases: CASES.filter(({ op }) => op === "cast") },
    );
    expect(sound.dtypes.float64).toBe("arithmetic");
    expect(report.failed).toBe(0);
    expect(report.skipped).toBeGreaterThan(0);
    expect(report.cases.find(({ status }) => status === "skipped")?.reason).toMatch(/has no (float64|uint8)/);
  });
});
