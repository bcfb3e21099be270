/** Full connection: the product with the transposed weight, bias and ReLU while a tile of it is still in registers. */
import type { LinearActivation, View } from "@neurite/core";
import type { Engine } from "../engine.js";
import { addressOf, type Block } from "../views.js";
import { makeProduct } from "./matmul.js";

/** inputs x [n, in], weight [out, in], and perhaps bias [out]; out [n, out]. */
export function makeLinear(engine: Engine) {
  const multiply = makeProduct(engine);
  return (outs: readonly View[], inputs: readonly View[], { activation }: LinearActivation): undefined => {
    const [x, weight, bias] = inputs as [View, View, View?];
    const [n, features] = x.shape as [number, number];
    const step = 4 * features;
    const a = { at: addressOf(x), rowStep: step, columnStep: 4 };
    const b = { at: addressOf(weight), rowStep: 4, columnStep: step, block: weight.id as Block };
    const sizes = [n, features, weight.shape[0]!] as const;
    multiply(sizes, a, b, addressOf(outs[0]!), { bias: bias ? addressOf(bias) : 0, relu: activation === "relu" });
  };
}
