/**
 * The contract of every model: one row of a table says how to make a narrow one and what to feed it, and the same checks run
 * for each. Read next: `contract.test.ts`, the table.
 */
import { valueAndGrad } from "@neurite/autograd";
import {
  add,
  cast,
  type Device,
  Generator,
  isFloat,
  mean,
  mul,
  normal,
  scope,
  slice,
  square,
  sub,
  sum,
  type Tensor,
  zerosLike,
} from "@neurite/core";
import { loadWeights, MemoryStore, saveWeights } from "@neurite/io";
import type { InitOptions, Module } from "@neurite/layers";
import { Adam } from "@neurite/optimizers";
import { describe, expect, it } from "vitest";

export interface ModelRow {
  /** The exported class that the row stands for. */
  readonly model: abstract new (
    ...args: never[]
  ) => Module;
  readonly variant?: string;
  /** A narrow configuration; without dropout unless the row says `training: "random"`. */
  readonly make: (init: InitOptions) => Module;
  /** Shapes of normal inputs in float64, or tensors. */
  readonly inputs: readonly (readonly number[] | (() => Tensor))[];
  readonly output: readonly number[];
  /** The tensor that is checked; default what `forward` returns for the inputs. */
  // biome-ignore lint/suspicious/noExplicitAny: models of every signature
  readonly call?: (model: any, inputs: readonly Tensor[]) => Tensor;
  /** Training gives other results than evaluation: random ones, or statistics of the batch. */
  readonly training?: "random" | "batch";
  /** What must be refused, and what the message says. */
  // biome-ignore lint/suspicious/noExplicitAny: models of every signature
  readonly refuses: readonly (readonly [RegExp, (model: any) => unknown])[];
  /** Adam's learning rate for the batch that is overfitted; default 0.01. */
  readonly learningRate?: number;
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

export function describeModel(device: Device, row: ModelRow): void {
  const make = (seed = 7, init: InitOptions = float64(seed)) => row.make(init);
  const inputs = () =>
    row.inputs.map((input, i) => (typeof input === "function" ? input() : random(input, i + 1))) as readonly Tensor[];
  const call = (model: Module, xs: readonly Tensor[]): Tensor =>
    row.call ? row.call(model, xs) : (model as unknown as { forward(...ys: Tensor[]): Tensor }).forward(...xs);
  /** A mode in which the result depends on input and parameters alone. */
  const steady = (model: Module) => (row.training === "random" ? model.eval() : model);

  describe(`${row.model.name}${row.variant ? `, ${row.variant}` : ""}`, () => {
    it("gives a finite result of the stated shape, in float64 and in float32 alike", () => {
      const xs = inputs();
      const y = call(make().eval(), xs);
      expect(y.shape).toEqual(row.output);
      expect(y.dtype).toBe("float64");
      expect(values(y).every(Number.isFinite)).toBe(true);
      const single = make(7, { dtype: "float32", generator: new Generator(7) }).eval();
      const z = call(
        single,
        xs.map((x) => (isFloat(x.dtype) ? cast(x, "float32") : x)),
      );
      expect(z.dtype).toBe("float32");
      expect(distance(values(z), values(y))).toBeLessThan(2e-5 * Math.max(1, ...values(y).map(Math.abs)));
    });

    it("switches between training and evaluation, and treats the rows of a batch alone in evaluation", () => {
      const model = make().eval();
      const modes = (module: Module): boolean[] => [
        module.training,
        ...Object.values(module.children()).flatMap(modes),
      ];
      expect(modes(model)).not.toContain(true);
      const xs = inputs();
      const still = values(call(model, xs));
      expect(values(call(model, xs))).toEqual(still);
      const first = call(
        model,
        xs.map((x) => slice(x, [[0, 1]])),
      );
      expect(distance(values(first), still.slice(0, first.size))).toBeLessThan(1e-12);
      expect(modes(model.train())).not.toContain(false);
      const trained = values(call(model, xs));
      if (row.training) expect(trained).not.toEqual(still);
      else expect(trained).toEqual(still);
      if (row.training === "random") expect(values(call(model, xs))).not.toEqual(trained);
    });

    it("has the derivatives of central differences, along a random direction of each parameter", () => {
      const model = steady(make());
      const xs = inputs();
      const weights = random(row.output, 9);
      const loss = () => sum(mul(call(model, xs), weights));
      const parameters = model.parameters();
      const { grads } = valueAndGrad(loss, parameters)();
      for (const [name, parameter] of Object.entries(parameters)) {
        const direction = random(parameter.shape, 11);
        const original = mul(parameter, 1);
        const at = (step: number) =>
          scope(() => {
            parameter.assign(add(original, mul(direction, step)));
            return loss().itemSync() as never;
          }) as number;
        const analytic = sum(mul(grads[name]!, direction)).itemSync();
        // where a step crosses a kink of ReLU or of max-pooling, or bends too far, a smaller one does not
        const errors = [1e-6, 1e-7, 1e-8].map((step) => {
          const numeric = (at(step) - at(-step)) / (2 * step);
          return Math.abs(analytic - numeric) / Math.max(1, Math.abs(numeric));
        });
        parameter.assign(original);
        expect(Math.min(...errors), `${name}: ${analytic}; ${errors}`).toBeLessThan(2e-6);
        expect(
          values(grads[name]!).some((value) => value !== 0),
          `${name} gets a gradient`,
        ).toBe(true);
      }
    });

    it("gives back what a state dict and a file hold", async () => {
      const [a, b, c] = [make(1).eval(), make(2).eval(), make(3).eval()];
      for (const parameter of Object.values(a.stateDict())) {
        scope(() => {
          parameter.assign(add(parameter, square(random(parameter.shape, 5)).mul(0.1)));
        });
      }
      const xs = inputs();
      const expected = values(call(a, xs));
      expect(values(call(b, xs))).not.toEqual(expected);
      b.loadStateDict(a.stateDict());
      expect(values(call(b, xs))).toEqual(expected);
      const store = new MemoryStore();
      await saveWeights(store, "model.safetensors", a);
      for (const parameter of Object.values(a.stateDict())) parameter.assign(zerosLike(parameter));
      await loadWeights(store, "model.safetensors", c);
      expect(values(call(c, xs))).toEqual(expected);
    });

    it("frees everything but value and gradients in a training step", () => {
      const model = make();
      const xs = inputs();
      const before = device.memory().storages;
      scope(() => {
        call(model, xs);
      });
      expect(device.memory().storages).toBe(before);
      scope(() => {
        const { grads } = valueAndGrad(() => mean(square(call(model, xs))), model.parameters())();
        expect(device.memory().storages - before).toBeLessThanOrEqual(1 + Object.keys(grads).length);
      });
      expect(device.memory().storages).toBe(before);
    });

    it("overfits one batch", () => {
      const model = steady(make(1));
      const xs = inputs();
      const target = random(row.output, 4);
      const step = valueAndGrad(() => mean(square(sub(call(model, xs), target))), model.parameters());
      const optimizer = new Adam(model.parameters(), { learningRate: row.learningRate ?? 0.01 });
      let [first, best] = [0, Number.POSITIVE_INFINITY];
      const counts = new Set<number>();
      for (let i = 0; i < 300 && !(best < 0.05 * first); i++) {
        const { value, grads } = step();
        const loss = value.itemSync();
        if (i === 0) first = loss;
        best = Math.min(best, loss);
        optimizer.step(grads);
        counts.add(device.memory().storages);
      }
      expect(best / first).toBeLessThan(0.05);
      expect(counts.size).toBe(1);
    });

    for (const [message, wrong] of row.refuses) {
      it(`refuses what does not fit: ${message.source}`, () => {
        expect(() => wrong(make())).toThrow(message);
      });
    }
  });
}
