/** One optimizer step of one parameter: its next value and the next values of its state in a single pass, in place if asked. */
import { type Expression, flatten, sizeOf, type View } from "@neurite/core";
import type { CompiledKernel, Engine } from "../engine.js";
import { addressOf, type Block } from "../views.js";
import { defineMap } from "./map.js";

/** Elements below which work is not split. */
const GRAIN = 16_384;

interface Form {
  readonly name: string;
  readonly expressions: readonly Expression[];
}

interface UpdateAttrs {
  readonly form: Form;
  readonly scalars: readonly number[];
}

/** inputs value, gradient, state … of one shape, and perhaps a bool scalar; outs the next value and state. */
export function makeOptimizerUpdate(engine: Engine) {
  const kernels = new WeakMap<Form, CompiledKernel>();
  let count = 0;
  const compile = (form: Form, inputs: readonly View[], scalars: number) => {
    const dtypes = inputs.map(({ dtype }) => dtype);
    const program = flatten(form.name, form.expressions, dtypes);
    const dense = dtypes.map((dtype) => dtype === "float32");
    return engine.kernel(`optimizer update ${count++}`, (module, features) =>
      defineMap(module, features, program, { views: inputs, dense, scalars }),
    );
  };
  const update = (outs: readonly View[], inputs: readonly View[], { form, scalars }: UpdateAttrs): undefined => {
    let kernel = kernels.get(form);
    if (!kernel) {
      kernel = compile(form, inputs, scalars.length);
      kernels.set(form, kernel);
    }
    const args: number[] = [];
    for (const out of outs) {
      args.push(addressOf(out));
      engine.packs.drop(out.id as Block);
    }
    for (const input of inputs) args.push(addressOf(input));
    for (const scalar of scalars) args.push(scalar);
    const size = sizeOf(outs[0]!.shape);
    if (size <= GRAIN) kernel(0, size, ...args);
    else engine.run(kernel, size, GRAIN, ...args);
  };
  return Object.assign(update, { inPlace: true });
}
