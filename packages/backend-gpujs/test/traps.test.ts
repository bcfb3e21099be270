/** What gpu.js does silently wrong, each with the guard against it. */
import { Device, type DType, isNeuriteError, MapFunction, type TypedArray, type View } from "@neurite/core";
import { describe, expect, it, vi } from "vitest";
import { gpujs, type Mode } from "../src/index.js";
import { describeModes, run, type Spec } from "./compare.js";

function thrown(action: () => unknown): { code: string; message: string } {
  try {
    action();
  } catch (error) {
    if (isNeuriteError(error)) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error("nothing was thrown");
}

const ones = (shape: number[], length: number): Spec => ({
  dtype: "float32",
  shape,
  data: new Float32Array(length).fill(1),
});

describeModes("gpu.js", (backend) => {
  it("sums past its default limit of 1000 rounds, and past the limit set", () => {
    for (const n of [1500, 20_000, 1_000_000]) {
      expect([...run(backend(), "reduce", "float32", [1, 1], [ones([1, n, 1], n)], { kind: "sum" }).values]).toEqual([
        n,
      ]);
      const inputs = [ones([1, 1, n], n), ones([1, n, 1], n)];
      expect([...run(backend(), "matmul", "float32", [1, 1, 1], inputs, {}).values]).toEqual([n]);
    }
  });

  it("refuses a longer sum than its loops can run", () => {
    const n = 2 ** 24 + 1;
    const x = { ...ones([1, 1, n], 1), strides: [0, 0, 0] };
    const y = { ...ones([1, n, 1], 1), strides: [0, 0, 0] };
    for (const action of [
      () => run(backend(), "matmul", "float32", [1, 1, 1], [x, y], {}),
      () => run(backend(), "reduce", "float32", [1, 1], [y], { kind: "sum" }),
      () => run(backend(), "argReduce", "int32", [1, 1], [y], { kind: "argMax" }),
    ]) {
      const { code, message } = thrown(action);
      expect(code).toBe("ERR_UNSUPPORTED");
      expect(message).toContain("at most 16777216");
      expect(message).toContain("Split the axis");
    }
  });

  it("refuses more elements than float32 can number", () => {
    const device = new Device(backend());
    expect(thrown(() => device.allocate("float32", 2 ** 24 + 1)).code).toBe("ERR_UNSUPPORTED");
  });

  it("addresses the last of 2²⁴ elements", () => {
    const n = 2 ** 24;
    const data = new Uint8Array(n);
    data.set([5, 6, 7], n - 3);
    const x: Spec = { dtype: "uint8", shape: [n], data };
    const { values } = run(backend(), "copy", "uint8", [n], [x], {});
    expect([...values.subarray(n - 4)]).toEqual([0, 5, 6, 7]);
    const rows = run(
      backend(),
      "copy",
      "uint8",
      [3, 2],
      [{ ...x, shape: [3, 2], strides: [1, -4194301], offset: n - 3 }],
      {},
    );
    expect([...rows.values]).toEqual([5, 0, 6, 0, 7, 0]);
  });

  it("refuses integers that float32 rounds", () => {
    const id = backend().alloc("int32", 2);
    backend().write(id, Int32Array.of(2 ** 24, -(2 ** 24)));
    expect([...backend().readSync(id, 0, 2)]).toEqual([16777216, -16777216]);
    const { code, message } = thrown(() => backend().write(id, Int32Array.of(0, 16777217)));
    expect(code).toBe("ERR_UNSUPPORTED");
    expect(message).toContain("16777217 at position 1");
  });

  it("keeps a result when the same kernel runs again", () => {
    const [first, second] = [1, 2].map((value) => {
      const id = backend().alloc("float32", 3);
      const out: View = { id, dtype: "float32", shape: [3], strides: [1], offset: 0 };
      backend().kernels.fill([out], [], { value });
      return id;
    });
    expect([...backend().readSync(first, 0, 3)]).toEqual([1, 1, 1]);
    expect([...backend().readSync(second, 0, 3)]).toEqual([2, 2, 2]);
  });

  it("keeps a copy of what is written", () => {
    const data = Float32Array.of(1, 2);
    const id = backend().alloc("float32", 2);
    backend().write(id, data);
    data[0] = 9;
    const copy = backend().readSync(id, 0, 2);
    copy[1] = 9;
    expect([...backend().readSync(id, 0, 2)]).toEqual([1, 2]);
  });

  it("renders a kernel once for all shapes", () => {
    const fn = MapFunction.of({ kind: "call", fn: "neg", args: [{ kind: "input", index: 0 }] }, 1, 0);
    const program = vi.spyOn(fn, "program");
    for (const n of [1, 2, 3, 50, 1000]) {
      const { values } = run(backend(), "map", "float32", [n], [ones([n], n)], { fn, scalars: [] });
      expect(values).toEqual(new Float32Array(n).fill(-1));
    }
    expect(program).toHaveBeenCalledTimes(1);
  });

  it("does not grow over 2000 operations whose results are freed", () => {
    const length = 65_536;
    const before = process.memoryUsage().arrayBuffers;
    const x = backend().alloc("float32", length);
    backend().write(x, new Float32Array(length).fill(1));
    const view = (id: View["id"]): View => ({ id, dtype: "float32", shape: [length], strides: [1], offset: 0 });
    for (let i = 0; i < 2000; i++) {
      const id = backend().alloc("float32", length);
      backend().kernels.copy([view(id)], [view(x)], {});
      backend().free(id);
    }
    backend().free(x);
    // 2000 results that stay would be 524 MB; the collector is free to let some of them lie.
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(250e6);
  });

  it("takes a storage freed twice, or never written, calmly", () => {
    const id = backend().alloc("float32", 2);
    backend().free(id);
    backend().write(id, Float32Array.of(1, 2));
    backend().free(id);
    backend().free(id);
    expect(() => backend().readSync(id, 0, 2)).toThrow("internal: a storage was read before it was written");
  });

  it("stores every dtype it names", async () => {
    const arrays: [DType, TypedArray][] = [
      ["float32", Float32Array.of(1.5, -2)],
      ["int32", Int32Array.of(3, -4)],
      ["uint8", Uint8Array.of(255, 0)],
      ["bool", Uint8Array.of(1, 0)],
    ];
    for (const [dtype, data] of arrays) {
      const id = backend().alloc(dtype, 2);
      backend().write(id, data);
      expect(await backend().read(id, 0, 2)).toEqual(data);
      expect(backend().readSync(id, 1, 1)).toEqual(data.subarray(1));
    }
    expect(backend().dtypes.float64).toBe("none");
  });
});

describe("gpujs", () => {
  it("tells the mode and defaults to webasm", async () => {
    const device = await gpujs();
    expect(device.name).toBe("gpujs");
    expect(device.backend).toMatchObject({ mode: "webasm" });
    await device.close();
  });

  it("refuses a mode it does not serve", async () => {
    const failure = gpujs({ mode: "webgl9" as Mode });
    await expect(failure).rejects.toMatchObject({ code: "ERR_VALUE" });
    await expect(failure).rejects.toThrow('gpujs: mode expects cpu or webasm, but received "webgl9".');
  });

  it("says so when gpu.js cannot be imported", async () => {
    vi.resetModules();
    vi.doMock("gpu.js", () => ({}));
    const { loadGpu } = await import("../src/gpu.js");
    await expect(loadGpu()).rejects.toThrow("npm install gpu.js");
    vi.doUnmock("gpu.js");
  });
});
