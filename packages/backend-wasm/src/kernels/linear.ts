/** Full connection: the product with the transposed weight, bias and ReLU while a tile of it is still in registers. */
import type { LinearActivation, View } from "@neurite/core";
import type { Engine } from "../engine.js";
import { addressOf, type Block } from "../views.js";
import { isSmall, makeSmallProduct, wholePanels } from "./matmul.js";

/** inputs x [n, in], weight [out, in], and perhaps bias [out]; out [n, out]. */
export function makeLinear(engine: Engine) {
  const small = makeSmallProduct(engine);
  return (outs: readonly View[], inputs: readonly View[], { activation }: LinearActivation): undefined | false => {
    const [x, weight, bias] = inputs as [View, View, View?];
    const [n, features] = x.shape as [number, number];
    const step = 4 * features;
    const a = { at: addressOf(x), rowStep: step, columnStep: 4 };
    const b = { at: addressOf(weight), rowStep: 4, columnStep: step, block: weight.id as Block };
    const sizes = [n, features, weight.shape[0]!] as const;
    const c = addressOf(outs[0]!);
    const added = bias ? addressOf(bias) : 0;
    if (!isSmall(...sizes)) wholePanels(engine, sizes, a, b, c, { bias: added, relu: activation === "relu" });
    else if (activation) return false;
    else small(sizes, { a, b, c, bias: added });
    return undefined;
  };
}
