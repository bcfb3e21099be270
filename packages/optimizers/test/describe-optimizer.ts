/** The contract of all optimizers. */
import { cpuJs } from "@neurite/backend-cpu-js";
import { wasm } from "@neurite/backend-wasm";
import { type Device, greater, Parameter, setDefaultDevice, type Tensor, tensor } from "@neurite/core";
import { beforeEach, describe, expect, it } from "vitest";
import type { Optimizer, OptimizerOptions, RuleOptions } from "../src/index.js";

type Parameters = Record<string, Parameter>;

export interface OptimizerCase<O extends RuleOptions> {
  readonly make: (parameters: Parameters, options: OptimizerOptions<O>) => Optimizer<O>;
  /** Options with which 300 steps suffice for the quadratic. */
  readonly options: O;
  /** Distance from the minimum that is left. Default 0.02. */
  readonly tolerance?: number;
  /** What the state starts from. Default 0. */
  readonly initial?: number;
  /** Options that are refused, and the error. */
  readonly refused?: readonly (readonly [Readonly<Record<string, unknown>>, RegExp])[];
}

const TARGET = [1, -2, 0.5];
const CURVATURE = [1, 0.5, 3];

/** Gradients that depend on no weight. */
const gradientsAt = (t: number) => ({ a: [Math.sin(t), 1, -0.5 * t], b: [0.25 * t - 1] });
const fresh = (): Parameters => ({ a: new Parameter(tensor([1, -2, 3])), b: new Parameter(tensor([[0.5]])) });
const tensors = ({ a, b }: { a: number[]; b: number[] }) => ({ a: tensor(a), b: tensor([b]) });
const values = (parameters: Readonly<Record<string, Tensor>>) =>
  Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, Array.from(value.dataSync())]));

export function describeOptimizer<O extends RuleOptions>(
  name: string,
  { make, options, tolerance = 0.02, initial = 0, refused = [] }: OptimizerCase<O>,
): void {
  describe.each([
    ["cpu-js", async () => cpuJs()],
    ["wasm", () => wasm()],
  ] as const)(`${name} on %s`, (_, create) => {
    let device: Device;
    beforeEach(async () => {
      device = await create();
      setDefaultDevice(device);
    });
    const plain = (parameters: Parameters, more: object = {}) => make(parameters, { ...options, ...more } as never);

    it("finds the minimum of a quadratic", () => {
      const w = new Parameter(tensor([3, 1, -1]));
      const optimizer = plain({ w });
      for (let t = 0; t < 300; t++) {
        const slopes = Array.from(w.dataSync(), (value, i) => CURVATURE[i]! * (value - TARGET[i]!));
        optimizer.step({ w: tensor(slopes) });
      }
      w.dataSync().forEach((value, i) => void expect(Math.abs(value - TARGET[i]!)).toBeLessThan(tolerance));
    });

    it("continues exactly from a saved state", () => {
      const [first, second] = [fresh(), fresh()];
      const [one, two] = [plain(first), plain(second)];
      for (let t = 0; t < 5; t++) one.step(tensors(gradientsAt(t)));
      const { steps, tensors: state } = one.state();
      const copies = Object.entries(state).map(([slot, value]) => [
        slot,
        tensor(Float32Array.from(value.dataSync()), { shape: value.shape }),
      ]);
      for (const key of ["a", "b"]) second[key]!.assign(first[key]!);
      two.restore({ steps, tensors: Object.fromEntries(copies) });
      expect(two.steps).toBe(5);
      for (let t = 5; t < 10; t++) for (const optimizer of [one, two]) optimizer.step(tensors(gradientsAt(t)));
      expect(values(second)).toEqual(values(first));
      expect(values(two.state().tensors)).toEqual(values(one.state().tensors));
      expect(values(first)).not.toEqual(values(fresh()));
    });

    it("treats groups by their own options, and the rest by its own", () => {
      const [grouped, whole, still] = [fresh(), fresh(), fresh()];
      const isB = (key: string) => key === "b";
      const both = plain(grouped, { groups: [{ where: isB, learningRate: 0 }] });
      const alone = plain(whole);
      for (let t = 0; t < 5; t++) for (const optimizer of [both, alone]) optimizer.step(tensors(gradientsAt(t)));
      expect(values(grouped).a).toEqual(values(whole).a);
      expect(values(grouped).b).toEqual(values(still).b);
      expect(values(both.state().tensors)).toEqual(values(alone.state().tensors));
    });

    it("adds λw to the gradient, or takes a share of the weight besides the step", () => {
      const lambda = 0.25;
      const start = values(fresh()) as { a: number[]; b: number[] };
      const once = (more: object, gradients: { a: number[]; b: number[] }) => {
        const parameters = fresh();
        plain(parameters, { weightDecay: 0, ...more }).step(tensors(gradients));
        return Object.values(values(parameters)).flat();
      };
      const g = gradientsAt(1);
      const shifted = {
        a: g.a.map((x, i) => x + lambda * start.a[i]!),
        b: g.b.map((x, i) => x + lambda * start.b[i]!),
      };
      const near = (actual: number[], expected: number[]) =>
        actual.forEach((value, i) => void expect(value).toBeCloseTo(expected[i]!, 5));
      near(once({ weightDecay: lambda, weightDecayForm: "l2" }, g), once({}, shifted));
      const apart = (share: number) => once({}, g).map((value, i) => value - share * Object.values(start).flat()[i]!);
      const rate = options.learningRate as number;
      near(once({ weightDecay: lambda, weightDecayForm: "decoupled" }, g), apart(rate * lambda));
      near(once({ weightDecay: lambda, weightDecayForm: "book" }, g), apart(lambda));
    });

    it("stays where it is, and finite, when all gradients are zero", () => {
      const parameters = fresh();
      const optimizer = plain(parameters, { weightDecay: 0 });
      for (let t = 0; t < 3; t++) optimizer.step(tensors({ a: [0, 0, 0], b: [0] }));
      expect(values(parameters)).toEqual(values(fresh()));
    });

    it("changes nothing where `when` is false", () => {
      const parameters = fresh();
      const optimizer = plain(parameters);
      optimizer.step(tensors({ a: [Number.NaN, 1, 1], b: [1] }), { when: greater(tensor(0), 1) });
      expect(values(parameters)).toEqual(values(fresh()));
      const state = Object.values(values(optimizer.state().tensors)).flat();
      for (const value of state) expect(value).toBeCloseTo(initial, 6);
      const open = fresh();
      plain(open).step(tensors(gradientsAt(1)));
      const again = plain(parameters);
      again.step(tensors(gradientsAt(1)), { when: greater(tensor(2), 1) });
      expect(values(parameters)).toEqual(values(open));
    });

    it("works for empty, scalar and one-element parameters", () => {
      const parameters = {
        none: new Parameter(tensor(new Float32Array(0), { shape: [0, 3] })),
        scalar: new Parameter(tensor(1)),
        one: new Parameter(tensor([[1]])),
      };
      const optimizer = plain(parameters);
      optimizer.step({
        none: tensor(new Float32Array(0), { shape: [0, 3] }),
        scalar: tensor(1),
        one: tensor([[1]]),
      });
      expect(parameters.scalar.itemSync()).toBeLessThan(1);
      expect(parameters.one.itemSync()).toBe(parameters.scalar.itemSync());
    });

    it("frees the gradients and nothing else", () => {
      const optimizer = plain(fresh(), { clipNorm: 1, clipValue: 0.5, weightDecay: 0.1 });
      const before = device.memory().storages;
      for (let t = 0; t < 3; t++) optimizer.step(tensors(gradientsAt(t)));
      expect(device.memory().storages).toBe(before);
      const kept = tensors(gradientsAt(1));
      optimizer.step(kept, { keepGrads: true });
      expect(kept.a.disposed).toBe(false);
    });

    it("says which gradients are missing, unknown or of another kind", () => {
      const optimizer = plain(fresh());
      const { a, b } = tensors(gradientsAt(0));
      expect(() => optimizer.step({ a, c: b })).toThrow(/missing: b; unknown: c/);
      expect(() => optimizer.step({ a: b, b })).toThrow(/grads\[a\] expects shape \[3\], but received \[1, 1\]/);
      expect(() => optimizer.step({ a: tensor(new Int32Array(3)), b })).toThrow(/grads\[a\] expects float32/);
      optimizer.step({ a, b });
      expect(() => optimizer.step({ a, b })).toThrow(/optimizer\.step\(\) took the gradients/);
    });

    it("refuses impossible options", () => {
      const refusals: (readonly [object, RegExp])[] = [
        [{ learningRate: -1 }, /learningRate expects a finite number, 0 or above, but received -1/],
        [{ learningRate: Number.NaN }, /learningRate expects a finite number/],
        [{ weightDecay: -0.1 }, /weightDecay expects a finite number/],
        [{ clipNorm: Number.POSITIVE_INFINITY }, /clipNorm expects a finite number/],
        [{ clipValue: -1 }, /clipValue expects a finite number/],
        [{ groups: [{ where: () => false }] }, /groups\[0\] expects at least one parameter of its own/],
        [{ groups: [{ where: () => true, weightDecay: -1 }] }, /weightDecay expects a finite number/],
        ...refused,
      ];
      for (const [more, message] of refusals) expect(() => plain(fresh(), more)).toThrow(message);
    });
  });
}
