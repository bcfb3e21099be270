import { cpuJs } from "@neurite/backend-cpu-js";
import { Buffer, isNeuriteError, ones, Parameter, setDefaultDevice, type Tensor, zeros } from "@neurite/core";
import { beforeAll, describe, expect, it } from "vitest";
import { Dropout, Linear, Module } from "../src/index.js";

beforeAll(() => setDefaultDevice(cpuJs()));

class Block extends Module {
  readonly layers: Linear[];
  readonly dropout = new Dropout(0.5);
  readonly byName = { head: new Linear(2, 2) };
  readonly mean = new Buffer(zeros([2]));
  readonly width = 2;

  constructor(readonly shared: Linear) {
    super();
    this.layers = [shared, new Linear(2, 2, { bias: false })];
  }

  forward(x: Tensor): Tensor {
    return this.layers[1]!.forward(this.byName.head.forward(x));
  }
}

describe("Module", () => {
  it("gives back its memory when it is disposed, or at the end of a `using` block", () => {
    const device = cpuJs();
    const on = (block: (module: Block) => void) => {
      setDefaultDevice(device);
      block(new Block(new Linear(2, 2)));
      return device.memory().storages;
    };
    try {
      expect(on((module) => expect(Object.keys(module.stateDict())).toHaveLength(6))).toBe(6);
      expect(on((module) => module.dispose())).toBe(6);
      expect(on((module) => module[Symbol.dispose]())).toBe(6);
      const module = new Block(new Linear(2, 2));
      module.dispose();
      expect(() => module.forward(ones([1, 2]))).toThrow(/was: its module was disposed/);
    } finally {
      setDefaultDevice(cpuJs());
    }
  });

  it("finds parameters in fields, arrays and plain objects, shared ones once", () => {
    const names = Object.keys(new Block(new Linear(2, 2)).parameters());
    const expected = ["byName.head.bias", "byName.head.weight", "layers.1.weight", "shared.bias", "shared.weight"];
    expect(names.toSorted()).toEqual(expected);
  });

  it("keeps buffers out of the parameters and in the state dict", () => {
    const block = new Block(new Linear(2, 2));
    expect(Object.keys(block.buffers())).toEqual(["mean"]);
    expect(Object.keys(block.parameters())).not.toContain("mean");
    expect(Object.keys(block.stateDict())).toContain("mean");
  });

  it("switches training for itself and everything below", () => {
    const block = new Block(new Linear(2, 2));
    block.eval();
    expect([block.training, block.dropout.training, block.byName.head.training]).toEqual([false, false, false]);
    block.train();
    expect(block.dropout.training).toBe(true);
  });

  it("loads a state dict of another module of the same shape", () => {
    const [a, b] = [new Block(new Linear(2, 2)), new Block(new Linear(2, 2))];
    b.loadStateDict(a.stateDict());
    for (const [name, value] of Object.entries(a.stateDict())) {
      expect(b.stateDict()[name]!.dataSync()).toEqual(value.dataSync());
    }
  });

  it("names missing and unknown entries, and loads nothing then", () => {
    const layer = new Linear(2, 2);
    const before = layer.weight.dataSync();
    const load = () => layer.loadStateDict({ weight: ones([2, 2]), other: ones([1]) });
    expect(load).toThrow(/missing: bias; unknown: other/);
    expect(layer.weight.dataSync()).toEqual(before);
    layer.loadStateDict({ weight: ones([2, 2]) }, { strict: false });
    expect([...layer.weight.dataSync()]).toEqual([1, 1, 1, 1]);
  });

  it("loads nothing when one value does not fit", () => {
    const layer = new Linear(2, 2);
    const before = layer.weight.dataSync();
    expect(() => layer.loadStateDict({ weight: ones([2, 2]), bias: ones([3]) })).toThrow(
      /bias expects shape \[2\].*\[3\]/,
    );
    expect(layer.weight.dataSync()).toEqual(before);
    expect(() => layer.loadStateDict({ weight: ones([2, 2]), bias: ones([2], { dtype: "int32" }) })).toThrow(
      /bias expects float32/,
    );
  });

  it("puts the path of the failing module into the error", () => {
    const block = new Block(new Linear(2, 2));
    try {
      block.forward(zeros([1, 3]));
      expect.unreachable();
    } catch (error) {
      expect(isNeuriteError(error) && error.modulePath).toEqual(["byName.head"]);
      expect(String(error)).toMatch(/linear: weight expects .*\(in module byName\.head\)/);
    }
    class Outer extends Module {
      readonly inner = block;
      forward(x: Tensor): Tensor {
        return this.inner.forward(x);
      }
    }
    expect(() => new Outer().forward(zeros([1, 3]))).toThrow(/in module inner\.byName\.head/);
  });

  it("refuses sizes that are no positive integers", () => {
    expect(() => new Linear(0, 2)).toThrow(/Linear: inputs expects a positive integer, but received 0/);
    expect(() => new Dropout(1)).toThrow(/Dropout: p/);
  });

  it("takes parameters over from the tensors they are made of", () => {
    const value = ones([2]);
    const parameter = new Parameter(value);
    expect(value.disposed).toBe(true);
    expect([...parameter.dataSync()]).toEqual([1, 1]);
  });
});
