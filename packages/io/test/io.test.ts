import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cpuJs } from "@neurite/backend-cpu-js";
import { CheckpointError, type Device, Parameter, setDefaultDevice, type Tensor, tensor } from "@neurite/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  decodeSafetensors,
  encodeSafetensors,
  type HostTensor,
  loadWeights,
  MemoryStore,
  readCheckpoint,
  saveWeights,
  writeCheckpoint,
} from "../src/index.js";
import { FileStore } from "../src/node.js";

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

  it("reads 16-bit floats and 64-bit integers of other writers", () => {
    const header = {
      h: { dtype: "F16", shape: [3], data_offsets: [0, 6] },
      b: { dtype: "BF16", shape: [1], data_offsets: [6, 8] },
      l: { dtype: "I64", shape: [1], data_offsets: [8, 16] },
    };
    const body = [0x00, 0x3c, 0x00, 0xc0, 0x01, 0x00, 0xc0, 0x3f, 0xfe, 255, 255, 255, 255, 255, 255, 255];
    const { tensors } = decodeSafetensors(handmade(header, body));
    expect([...tensors.h!.data]).toEqual([1, -2, 2 ** -24]);
    expect([...tensors.b!.data]).toEqual([1.5]);
    expect([...tensors.l!.data]).toEqual([-2]);
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
      handmade({ x: { dtype: "F32", shape: [1], data_offsets: [4, 8] } }, [0, 0, 0, 0]),
      /within the file/,
    ],
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

  it("overwrites what a killed process left behind", async () => {
    await writeFile(join(folder, "x.tmp"), "half a fi");
    await new FileStore(folder).write("x", new Uint8Array([7]));
    expect(await readdir(folder)).toEqual(["x"]);
  });

  it.runIf(process.platform === "linux")("keeps the older file when the disk is full", async () => {
    const store = new FileStore(folder);
    await store.write("x", new Uint8Array([1, 2, 3]));
    await symlink("/dev/full", join(folder, "x.tmp"));
    await expect(store.write("x", new Uint8Array(100_000))).rejects.toThrow(/ENOSPC.*Free space on the disk/s);
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
});
