import { chmod, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { cpuJs } from "@neurite/backend-cpu-js";
import {
  CheckpointError,
  type Device,
  Parameter,
  setDefaultDevice,
  type Tensor,
  tensor,
  UnsupportedError,
} from "@neurite/core";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  decodeSafetensors,
  encodeSafetensors,
  type HostTensor,
  loadWeights,
  MemoryStore,
  readCheckpoint,
  saveWeights,
  withTensors,
  writeCheckpoint,
} from "../src/index.js";
import { FileStore } from "../src/node.js";

/** A disk that fills up in the middle of a file. */
const disk = vi.hoisted(() => ({ full: false }));
vi.mock("node:fs/promises", async (original) => {
  const real = await original<typeof import("node:fs/promises")>();
  const open = async (...args: Parameters<typeof real.open>) => {
    const file = await real.open(...args);
    if (!disk.full) return file;
    const writeFile = async (bytes: Uint8Array) => {
      await file.write(bytes.subarray(0, bytes.length / 2));
      throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
    };
    return new Proxy(file, {
      get(target, key) {
        const value: unknown = key === "writeFile" ? writeFile : Reflect.get(target, key);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  };
  return { ...real, open };
});

let device: Device;
let folder: string;
beforeEach(async () => {
  device = cpuJs();
  setDefaultDevice(device);
  folder = await mkdtemp(join(tmpdir(), "neurite-io-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const TENSORS: Record<string, HostTensor> = {
  "b.weight": { dtype: "float32", shape: [2, 3], data: new Float32Array([1, -2, Number.NaN, 4, 5, -0]) },
  a: { dtype: "float64", shape: [], data: new Float64Array([Math.PI]) },
  i: { dtype: "int32", shape: [3], data: new Int32Array([1, -2, 2 ** 31 - 1]) },
  "mask ⊙": { dtype: "bool", shape: [1, 2], data: new Uint8Array([1, 0]) },
  bytes: { dtype: "uint8", shape: [3], data: new Uint8Array([0, 127, 255]) },
  empty: { dtype: "float32", shape: [0, 4], data: new Float32Array(0) },
};

/** A vector of one-byte elements in a header. */
const entry = (dtype: string, from: number, to: number) => ({ dtype, shape: [to - from], data_offsets: [from, to] });

/** A file made by hand, from a header and the bytes behind it. */
function handmade(header: unknown, body: ArrayLike<number>): Uint8Array {
  const json = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const file = new Uint8Array(8 + json.length + body.length);
  new DataView(file.buffer).setBigUint64(0, BigInt(json.length), true);
  file.set(json, 8);
  file.set(body, 8 + json.length);
  return file;
}

describe("safetensors", () => {
  it("brings every dtype back bit by bit, with the metadata", () => {
    const metadata = { format: "x", note: "é" };
    const read = decodeSafetensors(encodeSafetensors({ tensors: TENSORS, metadata }));
    expect(read.metadata).toEqual(metadata);
    expect(Object.keys(read.tensors).sort()).toEqual(Object.keys(TENSORS).sort());
    for (const [name, { dtype, shape, data }] of Object.entries(TENSORS)) {
      const got = read.tensors[name]!;
      expect([got.dtype, got.shape]).toEqual([dtype, shape]);
      expect(new Uint8Array(got.data.buffer)).toEqual(new Uint8Array(data.buffer));
    }
  });

  it("writes the layout of the format: length, JSON header, little-endian elements", () => {
    const file = encodeSafetensors({
      tensors: { x: { dtype: "int32", shape: [1], data: new Int32Array([258]) } },
      metadata: {},
    });
    const length = Number(new DataView(file.buffer).getBigUint64(0, true));
    const header = JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + length)));
    expect(header).toEqual({ x: { dtype: "I32", shape: [1], data_offsets: [0, 4] } });
    expect([...file.subarray(8 + length)]).toEqual([2, 1, 0, 0]);
    expect((8 + length) % 8).toBe(0);
  });

  it("gives equal bytes for equal content, whatever the order", () => {
    const reversed = Object.fromEntries(Object.entries(TENSORS).reverse());
    const one = encodeSafetensors({ tensors: TENSORS, metadata: { a: "1", b: "2" } });
    expect(encodeSafetensors({ tensors: reversed, metadata: { b: "2", a: "1" } })).toEqual(one);
  });

  /** A file of each dtype that other writers have, with what is in it. */
  const foreign: readonly (readonly [dtype: string, body: readonly number[], values: readonly number[]])[] = [
    ["BF16", [0x80, 0x3f, 0x00, 0x40, 0x40, 0x40, 0x80, 0xc0], [1, 2, 3, -4]],
    ["BF16", [0x80, 0x7f, 0x80, 0xff, 0xc0, 0x7f], [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN]],
    ["F16", [0x00, 0x3c, 0x00, 0xc0, 0x00, 0x7c, 0x01, 0x00], [1, -2, Number.POSITIVE_INFINITY, 2 ** -24]],
    ["F8_E5M2", [0x3c, 0xc0, 0x7c, 0x01, 0x7e], [1, -2, Number.POSITIVE_INFINITY, 2 ** -16, Number.NaN]],
    ["F8_E4M3", [0x38, 0xc0, 0x7e, 0x01, 0x7f], [1, -2, 448, 2 ** -9, Number.NaN]],
    ["I64", [1, 0, 0, 0, 0, 0, 0, 0, 254, 255, 255, 255, 255, 255, 255, 255], [1, -2]],
    ["U64", [7, 0, 0, 0, 0, 0, 0, 0], [7]],
    ["U32", [255, 255, 255, 127], [2 ** 31 - 1]],
    ["I8", [255, 1], [-1, 1]],
    ["I16", [254, 255, 1, 0], [-2, 1]],
    ["U16", [254, 255, 1, 0], [65534, 1]],
    ["F32", [0, 0, 128, 63], [1]],
    ["I32", [5, 0, 0, 0], [5]],
    ["U8", [5, 6], [5, 6]],
  ];
  it.each(foreign)("reads %s, also from a part of a larger buffer, and keeps nothing of it", (dtype, body, values) => {
    const header = { x: { dtype, shape: [values.length], data_offsets: [0, body.length] } };
    const file = handmade(header, body);
    const odd = new Uint8Array(file.length + 7).fill(0xaa);
    odd.set(file, 3);
    const views = [file, Buffer.from(file), odd.subarray(3, 3 + file.length), Buffer.from(odd.buffer, 3, file.length)];
    for (const view of views) {
      const { tensors } = decodeSafetensors(view);
      view.fill(0);
      expect([...tensors.x!.data]).toEqual(values);
      view.set(handmade(header, body));
    }
  });

  it.each([
    ["U32", [0, 0, 0, 128]],
    ["I64", [0, 0, 0, 128, 0, 0, 0, 0]],
    ["U64", [255, 255, 255, 255, 255, 255, 255, 255]],
  ])("calls no file damaged whose %s are beyond 32 bits", (dtype, body) => {
    const file = handmade({ x: { dtype, shape: [1], data_offsets: [0, body.length] } }, body);
    expect(() => decodeSafetensors(file)).toThrow(/an integer from −2³¹.*The file is in order/);
    expect(() => decodeSafetensors(file)).toThrow(UnsupportedError);
  });

  it("calls no file damaged that has a dtype of the format which is not read here", () => {
    const file = handmade({ x: entry("C64", 0, 8) }, new Uint8Array(8));
    expect(() => decodeSafetensors(file)).toThrow(/received C64\. The file is in order/);
  });

  it("keeps a tensor called __proto__", () => {
    const tensors = JSON.parse('{"__proto__": null, "constructor": null}') as Record<string, HostTensor>;
    for (const name of Object.keys(tensors)) {
      Object.defineProperty(tensors, name, { value: TENSORS.i, enumerable: true });
    }
    const read = decodeSafetensors(encodeSafetensors({ tensors, metadata: {} })).tensors;
    expect(Object.keys(read).sort()).toEqual(["__proto__", "constructor"]);
    expect(withTensors(read, (made) => Object.entries(made).map(([name, { shape }]) => [name, shape.length]))).toEqual([
      ["__proto__", 1],
      ["constructor", 1],
    ]);
  });

  it("refuses a file cut at any place", () => {
    const file = encodeSafetensors({ tensors: TENSORS, metadata: { a: "1" } });
    for (let length = 0; length < file.length; length++) {
      expect(() => decodeSafetensors(file.subarray(0, length)), `${length} bytes`).toThrow(CheckpointError);
    }
  });

  const damages: [string, Uint8Array, RegExp][] = [
    ["text instead of JSON", handmade("hello", []), /header expects JSON/],
    ["an array as header", handmade([], []), /header expects a JSON object/],
    [
      "an unknown dtype",
      handmade({ x: { dtype: "Q4", shape: [1], data_offsets: [0, 1] } }, [0]),
      /tensor "x" expects a dtype of/,
    ],
    [
      "offsets that do not fit the shape",
      handmade({ x: { dtype: "F32", shape: [2], data_offsets: [0, 4] } }, [0, 0, 0, 0]),
      /expects 8 bytes/,
    ],
    [
      "offsets outside of the file",
      handmade({ x: { dtype: "F32", shape: [2], data_offsets: [0, 8] } }, [0, 0, 0, 0]),
      /file expects 8 bytes of elements/,
    ],
    [
      "a hole before a tensor",
      handmade({ x: { dtype: "U8", shape: [1], data_offsets: [1, 2] } }, [0, 0]),
      /tensor "x" expects to begin at byte 0/,
    ],
    [
      "a hole between tensors",
      handmade({ a: entry("U8", 0, 1), b: entry("U8", 2, 3) }, [0, 0, 0]),
      /tensor "b" expects to begin at byte 1/,
    ],
    [
      "tensors that overlap",
      handmade({ a: entry("U8", 0, 2), b: entry("U8", 1, 3) }, [0, 0, 0]),
      /tensor "b" expects to begin at byte 2/,
    ],
    [
      "tensors in one place",
      handmade({ a: entry("U8", 0, 1), b: entry("U8", 0, 1) }, [0]),
      /tensor "b" expects to begin at byte 1/,
    ],
    [
      "a name twice",
      handmade(`{"a":${JSON.stringify(entry("U8", 0, 1))},"\\u0061" : ${JSON.stringify(entry("U8", 1, 2))}}`, [0, 0]),
      /header expects each name once, but received "a" twice/,
    ],
    ["deep nesting", handmade("[".repeat(200_000), []), /header expects JSON/],
    [
      "deep nesting in an entry",
      handmade(`{"x":${"[".repeat(2000)}${"]".repeat(2000)}}`, []),
      /tensor "x" expects dtype, shape and data_offsets/,
    ],
    ["a dtype called like a method", handmade({ x: entry("toString", 0, 1) }, [0]), /tensor "x" expects a dtype of/],
    [
      "a negative length",
      handmade({ x: { dtype: "F32", shape: [-1], data_offsets: [0, 4] } }, [0, 0, 0, 0]),
      /dtype, shape and data_offsets/,
    ],
    [
      "bytes that belong to nothing",
      handmade({ x: { dtype: "U8", shape: [1], data_offsets: [0, 1] } }, [0, 0]),
      /file expects/,
    ],
    [
      "a huge header length",
      new Uint8Array([255, 255, 255, 255, 255, 255, 255, 255, 0]),
      /header expects at most 1 bytes/,
    ],
  ];
  for (const [name, file, message] of damages) {
    it(`refuses ${name}`, () => {
      expect(() => decodeSafetensors(file)).toThrow(message);
    });
  }
});

describe("a checkpoint", () => {
  it("brings tensors and state back", async () => {
    const store = new MemoryStore();
    const state = { step: 3, list: [1.5, null], name: "é" };
    await writeCheckpoint(store, "c", { tensors: TENSORS, state });
    const read = await readCheckpoint(store, "c");
    expect(read.state).toEqual(state);
    expect(read.tensors.i!.data).toEqual(TENSORS.i!.data);
  });

  it("notices a changed byte anywhere", async () => {
    const store = new MemoryStore();
    await writeCheckpoint(store, "c", { tensors: TENSORS, state: { step: 3, text: "abc" } });
    const bytes = await store.read("c");
    const headerEnd = 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true));
    let tried = 0;
    for (let i = 0; i < bytes.length; i++) {
      // spaces that fill up the header mean nothing
      if (i < headerEnd && bytes[i] === 0x20) continue;
      const changed = bytes.slice();
      changed[i]! ^= 1;
      await store.write("changed", changed);
      await expect(readCheckpoint(store, "changed"), `byte ${i} of ${bytes.length}`).rejects.toThrow(CheckpointError);
      tried++;
    }
    expect(tried).toBeGreaterThan(200);
  });

  it.each([
    ["undefined", undefined, /state expects a value that JSON can hold, but received undefined/],
    ["NaN", { a: [1, Number.NaN] }, /state\.a\[1\] expects .* received NaN/],
    ["an infinity", { a: { b: Number.NEGATIVE_INFINITY } }, /state\.a\.b expects .* received -Infinity/],
    ["a hole in a list", [1, undefined], /state\[1\] expects/],
    ["a bigint", { a: 1n }, /state\.a expects/],
    ["a function", { a: () => 1 }, /state\.a expects/],
    ["a typed array", { a: new Float32Array(2) }, /state\.a expects/],
    ["a map", new Map(), /state expects/],
    ["a date", { a: new Date(0) }, /state\.a expects/],
    ["nesting without end", JSON.parse("[".repeat(5000) + "]".repeat(5000)), /more than 100 levels/],
  ])("refuses a state that would not come back: %s", async (_, state, message) => {
    const store = new MemoryStore();
    await expect(writeCheckpoint(store, "c", { tensors: {}, state })).rejects.toThrow(message);
    expect(await store.exists("c")).toBe(false);
  });

  it("refuses a state that contains itself, and leaves out what is undefined in an object", async () => {
    const store = new MemoryStore();
    const loop: Record<string, unknown> = {};
    loop.self = loop;
    await expect(writeCheckpoint(store, "c", { tensors: {}, state: loop })).rejects.toThrow(/state\.self .*itself/);
    await writeCheckpoint(store, "c", { tensors: {}, state: { a: 1, b: undefined } });
    expect((await readCheckpoint(store, "c")).state).toEqual({ a: 1 });
  });

  it("refuses missing, damaged and foreign files by name", async () => {
    const store = new FileStore(folder);
    await expect(readCheckpoint(store, "none")).rejects.toThrow(/none expects an existing file/);
    await writeFile(join(folder, "damaged"), "not a checkpoint at all");
    await expect(readCheckpoint(store, "damaged")).rejects.toThrow(/readCheckpoint: header of .*damaged expects/);
    await store.write("foreign", encodeSafetensors({ tensors: TENSORS, metadata: {} }));
    await expect(readCheckpoint(store, "foreign")).rejects.toThrow(/a safetensors file from elsewhere.*loadWeights/);
  });
});

describe("FileStore", () => {
  it("replaces a file as a whole and leaves no draft", async () => {
    const store = new FileStore(join(folder, "deep", "er"));
    await store.write("x", new Uint8Array([1]));
    await store.write("x", new Uint8Array([2, 3]));
    expect([...(await store.read("x"))]).toEqual([2, 3]);
    expect(await readdir(store.root)).toEqual(["x"]);
    expect([await store.exists("x"), await store.exists("y")]).toEqual([true, false]);
  });

  it("removes the drafts of killed processes, and leaves those of running ones and other files alone", async () => {
    const host = hostname().replace(/\W/g, "");
    const others = [`x.${host}-${process.ppid}-1a2b3c4d.tmp`, "x.elsewhere-1-1a2b3c4d.tmp", "x.tmp", "y.tmp"];
    // no process has a number so large
    for (const name of [`x.${host}-99999999-1a2b3c4d.tmp`, ...others]) await writeFile(join(folder, name), "half a fi");
    const old = new Date(Date.now() - 48 * 60 * 60 * 1000);
    await writeFile(join(folder, "x.gone-1-1a2b3c4d.tmp"), "half a fi");
    await utimes(join(folder, "x.gone-1-1a2b3c4d.tmp"), old, old);
    await new FileStore(folder).write("x", new Uint8Array([7]));
    expect((await readdir(folder)).sort()).toEqual(["x", ...others].sort());
  });

  it("shows whole files only while many write and read", async () => {
    const store = new FileStore(folder);
    const size = 200_000;
    await store.write("x", new Uint8Array(size).fill(1));
    let writing = true;
    let reads = 0;
    const read = async () => {
      while (writing) {
        const bytes = await store.read("x");
        expect(bytes.length).toBe(size);
        expect(new Set(bytes).size).toBe(1);
        reads++;
      }
    };
    const write = async (value: number) => {
      for (let i = 0; i < 20; i++) await new FileStore(folder).write("x", new Uint8Array(size).fill(value));
    };
    const reading = Promise.all([read(), read()]);
    await Promise.all([write(2), write(3), write(4)]);
    writing = false;
    await reading;
    expect(reads).toBeGreaterThan(10);
    expect(await readdir(folder)).toEqual(["x"]);
  });

  it("replaces a link by a file, and writes through none", async () => {
    await writeFile(join(folder, "other"), "mine");
    await symlink(join(folder, "other"), join(folder, "x"));
    await new FileStore(folder).write("x", new Uint8Array([7]));
    expect(await readFile(join(folder, "other"), "utf8")).toBe("mine");
    expect([...(await readFile(join(folder, "x")))]).toEqual([7]);
  });

  it.each(["../x", "a/../../x", "..", "", "."])("leads to no file out of its folder: %j", async (path) => {
    const store = new FileStore(join(folder, "root"));
    for (const use of [() => store.write(path, new Uint8Array(1)), () => store.read(path), () => store.exists(path)]) {
      await expect((async () => use())()).rejects.toThrow(/FileStore: path expects a file below/);
    }
    expect(await readdir(folder)).toEqual([]);
  });

  it("takes a path with dots that stays inside", async () => {
    const store = new FileStore(folder);
    await store.write("a/../b..c", new Uint8Array([1]));
    expect(await readdir(folder)).toEqual(["b..c"]);
  });

  it.runIf(process.platform === "linux")("is told at once where no folder can be made", async () => {
    const store = new FileStore("/proc/no/such");
    await expect(store.write("x", new Uint8Array(1))).rejects.toThrow(
      /\/proc\/no\/such\/x expects a file that can be written/,
    );
  });

  it.runIf(process.platform === "linux" && process.getuid?.() !== 0)("says that a folder is read-only", async () => {
    await chmod(folder, 0o555);
    const write = new FileStore(join(folder, "sub")).write("x", new Uint8Array(1));
    await expect(write).rejects.toThrow(/EACCES.*permissions/s);
  });

  it("keeps the older file when the disk is full", async () => {
    const store = new FileStore(folder);
    await store.write("x", new Uint8Array([1, 2, 3]));
    disk.full = true;
    await expect(store.write("x", new Uint8Array(100_000))).rejects.toThrow(/ENOSPC.*Free space on the disk/s);
    disk.full = false;
    expect([...(await readFile(join(folder, "x")))]).toEqual([1, 2, 3]);
    expect(await readdir(folder)).toEqual(["x"]);
  });

  it("says why a folder cannot be written", async () => {
    await writeFile(join(folder, "file"), "");
    await expect(new FileStore(join(folder, "file")).write("x", new Uint8Array(1))).rejects.toThrow(CheckpointError);
  });
});

describe("weights", () => {
  class Pair {
    readonly parameters = { a: new Parameter(tensor([1, 2])), b: new Parameter(tensor([[3]])) };
    stateDict() {
      return this.parameters;
    }
    loadStateDict(values: Readonly<Record<string, Tensor>>) {
      this.parameters.a.assign(values.a!);
      this.parameters.b.assign(values.b!);
    }
  }

  it("travel from one module to another through a file, and leak nothing", async () => {
    const [from, to] = [new Pair(), new Pair()];
    from.parameters.a.assign(tensor([5, 6]));
    const before = device.memory().storages;
    const store = new FileStore(folder);
    await saveWeights(store, "w", from);
    await loadWeights(store, "w", to);
    expect([...to.parameters.a.dataSync()]).toEqual([5, 6]);
    expect(device.memory().storages).toBe(before);
  });

  it("load under other names, and only those that fit when not strict", async () => {
    const store = new MemoryStore();
    const file = (names: readonly string[]) => {
      const host: HostTensor = { dtype: "float32", shape: [2], data: new Float32Array([8, 9]) };
      return encodeSafetensors({ tensors: Object.fromEntries(names.map((name) => [name, host])), metadata: {} });
    };
    await store.write("w", file(["old.a", "more"]));
    const target = new Partial();
    await expect(loadWeights(store, "w", target)).rejects.toThrow(/unknown: more, old\.a/);
    await loadWeights(store, "w", target, { strict: false, rename: { "old.a": "a" } });
    expect([...target.a.dataSync()]).toEqual([8, 9]);
    await store.write("v", file(["net.a"]));
    await loadWeights(store, "v", target, { rename: (name) => name.replace("net.", "") });
    const both = loadWeights(store, "w", target, { rename: () => "a" });
    await expect(both).rejects.toThrow(
      /rename expects another name for each tensor, but received "a" for "more" and "old\.a"/,
    );
    await expect(loadWeights(store, "w", target, { rename: 3 as never })).rejects.toThrow(/rename expects/);
    await expect(loadWeights(store, "w", target, { rename: () => 3 as never })).rejects.toThrow(
      /rename\("more"\) expects/,
    );
  });
});

/** One parameter, and a strict option, as modules have. */
class Partial {
  readonly a = new Parameter(tensor([1, 2]));
  stateDict() {
    return { a: this.a };
  }
  loadStateDict(values: Readonly<Record<string, Tensor>>, { strict = true } = {}) {
    const unknown = Object.keys(values).filter((name) => name !== "a");
    if (strict && unknown.length > 0)
      throw new CheckpointError({ op: "x", received: `unknown: ${unknown.sort().join(", ")}` });
    this.a.assign(values.a!);
  }
}
