/** Functions with a gradient of one's own. */
import { defineOp, dispatch, type Tensor } from "@neurite/core";
import { expectFunction, expectOptions, expectRecord, expectText, type OptionKinds } from "@neurite/core/expect";

export interface CustomOp {
  readonly name: string;
  /** Computes the results from the inputs with ordinary ops; not recorded. */
  forward(...inputs: Tensor[]): Tensor | readonly Tensor[];
  /** Gradient by each input (null: none), from those of the outputs. Recorded by outer tapes, so second order works. */
  vjp(context: {
    readonly inputs: readonly Tensor[];
    readonly outputs: readonly Tensor[];
    readonly dy: readonly Tensor[];
  }): readonly (Tensor | null)[];
}

const DEFINITION: OptionKinds<CustomOp> = { name: "any", forward: "any", vjp: "any" };

/**
 * A function with a hand-written gradient. It must make new tensors: returning an input unchanged is not an op.
 * @example
 * const clipped = customOp({ name: "clipGradient", forward: (x) => mul(x, 1), vjp: ({ dy }) => [clamp(dy[0], -1, 1)] });
 * const [y] = clipped(x);
 */
export function customOp(definition: CustomOp): (...inputs: Tensor[]) => Tensor[] {
  expectRecord("customOp", "definition", definition, "{ name, forward, vjp }");
  expectOptions("customOp", definition, DEFINITION);
  const { name, forward, vjp } = definition;
  expectText("customOp", "name", name);
  for (const [argument, value] of Object.entries({ forward, vjp })) expectFunction("customOp", argument, value);
  const op = defineOp<Record<string, never>>({
    name,
    // the shapes follow from the composition, which always runs
    infer: () => [],
    compose: (inputs) => [forward(...inputs)].flat() as Tensor[],
    vjp,
    saves: { inputs: "all", outputs: "all" },
  });
  return (...inputs) => dispatch(op, inputs, {});
}
