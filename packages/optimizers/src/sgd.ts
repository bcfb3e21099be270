/** Stochastic gradient descent, with momentum. */
import { e, type TensorTree, ValueError } from "@neurite/core";
import { expectFinite, type OptionKinds } from "@neurite/core/expect";
import { type Method, Optimizer, type OptimizerOptions, RULE_OPTIONS, type RuleOptions } from "./optimizer.js";
import { ruleFamily, updateRule } from "./update.js";

interface SGDRule extends RuleOptions {
  /** μ of u ← μu + g. Default 0. */
  readonly momentum?: number;
  /** τ of u ← μu + (1 − τ)g; the first step takes u = g. Default 0. */
  readonly dampening?: number;
  /** Looks ahead along the momentum (Nesterov 1983). Default false. */
  readonly nesterov?: boolean;
}

export type SGDOptions = OptimizerOptions<SGDRule>;

const SGD_OPTIONS: OptionKinds<SGDRule> = {
  ...RULE_OPTIONS,
  momentum: "number",
  dampening: "number",
  nesterov: "boolean",
};

const plain = /* @__PURE__ */ updateRule("sgd", [], 1, (g, _, [rate]) => ({ step: e.mul(rate!, g), slots: [] }));
const withMomentum = /* @__PURE__ */ ruleFamily((nesterov) =>
  updateRule(nesterov ? "sgdNesterov" : "sgdMomentum", ["u"], 3, (g, [u], [rate, mu, gain]) => {
    const next = e.add(e.mul(mu!, u!), e.mul(gain!, g));
    return { step: e.mul(rate!, nesterov ? e.add(g, e.mul(mu!, next)) : next), slots: [next] };
  }),
);

function sgd({ momentum = 0, dampening = 0, nesterov = false }: SGDRule): Method {
  expectFinite("optimizer", "momentum", momentum, 0);
  expectFinite("optimizer", "dampening", dampening, 0);
  if (nesterov && (momentum === 0 || dampening !== 0)) {
    throw new ValueError({
      op: "SGD",
      argument: "nesterov",
      expected: "a momentum above 0 with it, and no dampening",
      received: `momentum ${momentum}, dampening ${dampening}`,
    });
  }
  if (momentum === 0) return { rule: plain, scalars: (rate) => [rate] };
  return {
    rule: withMomentum(nesterov),
    scalars: (rate, step) => [rate, momentum, step === 1 ? 1 : 1 - dampening],
  };
}

/**
 * w ← w − ηg, or with momentum u ← μu + g, w ← w − ηu, and with Nesterov's w ← w − η(g + μu), as in PyTorch.
 * @throws ValueError for negative or not finite options, and for Nesterov without momentum
 * @example
 * const optimizer = new SGD(model.parameters(), { learningRate: 0.1, momentum: 0.9 });
 */
export class SGD extends Optimizer<SGDRule> {
  constructor(parameters: TensorTree, options: SGDOptions) {
    super(parameters, options, SGD_OPTIONS, sgd);
  }
}
