/**
 * The contract of every layer: one row of a table says how to make it and what to feed it, and the same checks run for
 * each. Read next: `contract.test.ts`, the table.
 */
import { checkGradients, valueAndGrad } from "@neurite/autograd";
import {
  add,
  cast,
  copy,
  type Device,
  Generator,
  isFloat,
  isTensor,
  mean,
  normal,
  scope,
  slice,
  square,
  sub,
  type Tensor,
  zerosLike,
} from "@neurite/core";
import { loadWeights, MemoryStore, saveWeights } from "@neurite/io";
import { Adam } from "@neurite/optimizers";
import { describe, expect, it } from "vitest";
import type { InitOptions, Module } from "../src/index.js";

// biome-ignore lint/suspicious/noExplicitAny: constructors of every signature
type ModuleClass = abstract new (...args: any[]) => Module;

export interface LayerRow {
  /** The exported class that the row stands for. */
  readonly layer: ModuleClass;
  /** What is special about this row. */
  readonly variant?: string;
  readonly make: (init: InitOptions) => Module;
  /** Shapes of normal inputs, or tensors in float64 (int32, bool). */
  readonly inputs: readonly (readonly number[] | (() => Tensor))[];
  /** Shape of the output. */
  readonly output: readonly number[];
  /** The tensor that is checked; default what `forward` returns for the inputs. */
  // biome-ignore lint/suspicious/noExplicitAny: layers of every signature
  readonly call?: (layer: any, inputs: readonly Tensor[]) => Tensor;
  /** What must be refused, and what the message says. */
  // biome-ignore lint/suspicious/noExplicitAny: layers of every signature
  readonly refuses: readonly [RegExp, (layer: any) => unknown] | null;
  /** Training gives other results than evaluation: random ones, or statistics of the batch. */
  readonly training?: "random" | "batch";
  /** Rows of the batch do not stand along axis 0. */
  readonly unbatched?: true;
  /** Largest error of gradients; default 1e-7. */
  readonly tolerance?: number;
}

export const float64 = (seed = 7) => ({ dtype: "float64", generator: new Generator(seed) }) as const;
export const random = (shape: readonly number[], seed = 1) => normal(shape, 0, 1, float64(seed));
export const values = (x: Tensor) => Array.from(x.dataSync());

/** The largest |a − b| of two lists of one length. */
export function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  let worst = 0;
  for (let i = 0; i < a.length; i++) worst = Math.max(worst, Math.abs(a[i]! - b[i]!));
  return worst;
}

/** Calls `fn` while a module's parameters show other values, which gradients then flow to. */
export function substituting<R>(layer: Module, others: readonly Tensor[], fn: () => R): R {
  const parameters = Object.values(layer.parameters());
  const old = parameters.map(({ storage, strides, offset, key }) => ({ storage, strides, offset, key }));
  parameters.forEach((parameter, i) => void parameter.rebind(others[i]!));
  try {
    return fn();
  } finally {
    parameters.forEach((parameter, i) => void parameter.rebind(old[i]!));
  }
}

/** Largest error of the gradients by all float inputs and all parameters, against central differences in float64. */
export function gradientError(layer: Module, call: (inputs: readonly Tensor[]) => Tensor, inputs: readonly Tensor[]) {
  const varied = inputs.filter((input) => isFloat(input.dtype));
  const report = checkGradients(
    (...all) => {
      const moving = all.slice(0, varied.length);
      return substituting(layer, all.slice(varied.length), () =>
        call(inputs.map((input) => (isFloat(input.dtype) ? moving.shift()! : input))),
      );
    },
    [...varied, ...Object.values(layer.parameters())],
  );
  return { error: report.maxError, worst: report.worst };
}

export function describeLayer(device: Device, row: LayerRow): void {
  const { tolerance = 1e-7 } = row;
  const make = (seed = 7, init: InitOptions = float64(seed)) => row.make(init);
  const inputs = () =>
    row.inputs.map((input, i) => (typeof input === "function" ? input() : random(input, i + 1))) as readonly Tensor[];
  const call = (layer: Module, xs: readonly Tensor[]): Tensor =>
    row.call ? row.call(layer, xs) : (layer as unknown as { forward(...ys: Tensor[]): Tensor }).forward(...xs);
  /** A mode in which the result depends on input and parameters alone. */
  const steady = (layer: Module) => (row.training === "random" ? layer.eval() : layer);
  const learns = Object.keys(scope(() => make().parameters())).length > 0;

  describe(`${row.layer.name}${row.variant ? `, ${row.variant}` : ""}`, () => {
    it("gives a result of the stated shape, in float64 and in float32 alike", () => {
      const y = call(steady(make()), inputs());
      expect(y.shape).toEqual(row.output);
      expect(y.dtype).toBe("float64");
      expect(values(y).every(Number.isFinite)).toBe(true);
      const single = steady(make(7, { dtype: "float32", generator: new Generator(7) }));
      const rounded = inputs().map((x) => (isFloat(x.dtype) ? cast(x, "float32") : x));
      const z = call(single, rounded);
      expect(z.dtype).toBe("float32");
      expect(distance(values(z), values(y))).toBeLessThan(2e-5 * Math.max(1, ...values(y).map(Math.abs)));
    });

    it("switches between training and evaluation, with all modules below", () => {
      const layer = make().eval();
      const modes = (module: Module): boolean[] => [
        module.training,
        ...Object.values(module.children()).flatMap(modes),
      ];
      expect(modes(layer)).not.toContain(true);
      const xs = inputs();
      const still = values(call(layer, xs));
      expect(values(call(layer, xs))).toEqual(still);
      expect(modes(layer.train())).not.toContain(false);
      const trained = values(call(layer, xs));
      if (row.training) expect(trained).not.toEqual(still);
      else expect(trained).toEqual(still);
      if (row.training === "random") expect(values(call(layer, xs))).not.toEqual(trained);
    });

    if (!row.unbatched) {
      it("treats the rows of a batch alone, and no row as well", () => {
        const layer = make().eval();
        const xs = inputs();
        const y = call(layer, xs);
        const first = call(
          layer,
          xs.map((x) => slice(x, [[0, 1]])),
        );
        expect(distance(values(first), values(slice(y, [[0, 1]])))).toBeLessThan(1e-12);
        const none = call(
          layer,
          xs.map((x) => slice(x, [[0, 0]])),
        );
        expect(none.shape).toEqual([0, ...row.output.slice(1)]);
      });
    }

    it("has the gradients of central differences, by inputs and parameters", () => {
      const layer = steady(make());
      const { error, worst } = gradientError(layer, (xs) => call(layer, xs), inputs());
      expect(error, worst).toBeLessThan(tolerance);
    });

    it("gives back what a state dict and a file hold", async () => {
      const [a, b, c] = [make(1).eval(), make(2).eval(), make(3).eval()];
      // parameters that start constant would agree without being loaded
      for (const parameter of Object.values(a.stateDict())) {
        scope(() => {
          parameter.assign(add(parameter, square(random(parameter.shape, 5))));
        });
      }
      const xs = inputs();
      const expected = values(call(a, xs));
      if (learns) expect(values(call(b, xs))).not.toEqual(expected);
      b.loadStateDict(a.stateDict());
      expect(values(call(b, xs))).toEqual(expected);
      const store = new MemoryStore();
      await saveWeights(store, "layer.safetensors", a);
      for (const parameter of Object.values(a.stateDict())) parameter.assign(zerosLike(parameter));
      await loadWeights(store, "layer.safetensors", c);
      expect(values(call(c, xs))).toEqual(expected);
    });

    it("frees everything but value and gradients in a training step", () => {
      const layer = make();
      const xs = inputs();
      const sources = { ...layer.parameters(), ...Object.fromEntries(floats(xs).map((x, i) => [`input ${i}`, x])) };
      const before = device.memory().storages;
      scope(() => {
        call(layer, xs);
      });
      expect(device.memory().storages).toBe(before);
      scope(() => {
        const { grads } = valueAndGrad(() => mean(square(call(layer, xs))), sources)();
        expect(device.memory().storages - before).toBeLessThanOrEqual(1 + Object.keys(grads).length);
      });
      expect(device.memory().storages).toBe(before);
    });

    if (learns) {
      it("overfits one batch: it learns what another layer of its kind gives", () => {
        const [student, teacher] = [steady(make(1)), steady(make(2))];
        for (const parameter of Object.values(teacher.parameters())) {
          scope(() => {
            parameter.assign(add(parameter, random(parameter.shape, 5).mul(0.3)));
          });
        }
        const xs = inputs();
        const target = copy(call(teacher, xs));
        const step = valueAndGrad(() => mean(square(sub(call(student, xs), target))), student.parameters());
        const optimizer = new Adam(student.parameters(), { learningRate: 0.03 });
        let [first, last] = [0, 0];
        for (let i = 0; i < 200; i++) {
          const { value, grads } = step();
          last = value.itemSync();
          if (i === 0) first = last;
          optimizer.step(grads);
        }
        expect(first).toBeGreaterThan(1e-6);
        expect(last / first).toBeLessThan(0.05);
      });
    }

    if (row.refuses) {
      const [message, wrong] = row.refuses;
      it(`refuses what does not fit: ${message.source}`, () => {
        expect(() => wrong(make())).toThrow(message);
      });
    }
  });
}

const floats = (xs: readonly Tensor[]) => xs.filter((x) => isTensor(x) && isFloat(x.dtype));
