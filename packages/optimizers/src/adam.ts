/** Adam and its relatives. */
import { e, type TensorTree } from "@neurite/core";
import { expectFinite, type OptionKinds } from "@neurite/core/expect";
import {
  type DefaultedOptions,
  expectBetas,
  type Method,
  Optimizer,
  RULE_OPTIONS,
  type RuleOptions,
  withDefaults,
} from "./optimizer.js";
import { averaged, ruleFamily, updateRule } from "./update.js";

interface AdaMaxRule extends RuleOptions {
  /** Decay rates of the two moments. Default [0.9, 0.999]. */
  readonly betas?: readonly [number, number];
  /** Default 1e-8. */
  readonly epsilon?: number;
}

interface AdamRule extends AdaMaxRule {
  /** Divides by √(v̂ + ε²), the book's form (Jiang §8.5), and not by √v̂ + ε. Default false. */
  readonly epsilonInside?: boolean;
  /** Divides by the largest v so far (Reddi et al. 2018). Default false. */
  readonly amsgrad?: boolean;
}

const ADAMAX: OptionKinds<AdaMaxRule> = { ...RULE_OPTIONS, betas: "list", epsilon: "number" };
const ADAM: OptionKinds<AdamRule> = { ...ADAMAX, epsilonInside: "boolean", amsgrad: "boolean" };

/** Default learning rate 1e-3. */
export type AdamOptions = DefaultedOptions<AdamRule>;
/** Default learning rate 2e-3. */
export type AdaMaxOptions = DefaultedOptions<AdaMaxRule>;

// scalars: β and 1 − β for each moment, η/(1 − β₁ᵗ); then 1/√(1 − β₂ᵗ) and ε, or inside the root 1/(1 − β₂ᵗ) and ε².
// 1 − β comes from the host: in float32, 1 − 0.999 has an error of 5e-5 of itself.
const adamRules = /* @__PURE__ */ ruleFamily((inside, amsgrad) =>
  updateRule("adam", amsgrad ? ["m", "v", "vMax"] : ["m", "v"], 7, (g, slots, scalars) => {
    const [m, v, vMax] = slots;
    const [beta1, rest1, beta2, rest2, rate, correction, epsilon] = scalars;
    const nextM = averaged(beta1!, rest1!, m!, g);
    const nextV = averaged(beta2!, rest2!, v!, e.mul(g, g));
    const next = amsgrad ? [nextM, nextV, e.max(vMax!, nextV)] : [nextM, nextV];
    const scale = next.at(-1)!;
    const root = inside
      ? e.sqrt(e.add(e.mul(scale, correction!), epsilon!))
      : e.add(e.mul(e.sqrt(scale), correction!), epsilon!);
    return { step: e.div(e.mul(rate!, nextM), root), slots: next };
  }),
);

function adam({ betas = [0.9, 0.999], epsilon = 1e-8, epsilonInside = false, amsgrad = false }: AdamRule): Method {
  expectBetas("Adam", betas);
  expectFinite("optimizer", "epsilon", epsilon, 0);
  const [beta1, beta2] = betas;
  return {
    rule: adamRules(epsilonInside, amsgrad),
    scalars: (rate, step) => {
      const correction = 1 / (1 - beta2 ** step);
      const tail = epsilonInside ? [correction, epsilon ** 2] : [Math.sqrt(correction), epsilon];
      return [beta1, 1 - beta1, beta2, 1 - beta2, rate / (1 - beta1 ** step), ...tail];
    },
  };
}

/**
 * m ← β₁m + (1 − β₁)g; v ← β₂v + (1 − β₂)g²; w ← w − η m̂/(√v̂ + ε) with m̂ = m/(1 − β₁ᵗ), v̂ = v/(1 − β₂ᵗ)
 * (Kingma & Ba 2015), as in PyTorch.
 * @throws ValueError for betas outside of [0, 1) and negative or not finite options
 * @example
 * const optimizer = new Adam(model.parameters(), { learningRate: 1e-3, clipNorm: 1 });
 */
export class Adam extends Optimizer<AdamRule> {
  constructor(parameters: TensorTree, options: AdamOptions = {}) {
    super(parameters, withDefaults("Adam", { learningRate: 1e-3 }, options), ADAM, adam);
  }
}

/** Adam with decoupled weight decay: w ← (1 − ηλ)w − η m̂/(√v̂ + ε) (Loshchilov & Hutter 2019). Default λ = 0.01, as in PyTorch. */
export class AdamW extends Adam {
  constructor(parameters: TensorTree, options: AdamOptions = {}) {
    super(parameters, withDefaults("AdamW", { weightDecay: 0.01, weightDecayForm: "decoupled" }, options));
  }
}

const adaMaxRule = /* @__PURE__ */ updateRule(
  "adaMax",
  ["m", "u"],
  5,
  (g, [m, u], [beta1, rest1, beta2, rate, epsilon]) => {
    const nextM = averaged(beta1!, rest1!, m!, g);
    const nextU = e.max(e.mul(beta2!, u!), e.add(e.abs(g), epsilon!));
    return { step: e.div(e.mul(rate!, nextM), nextU), slots: [nextM, nextU] };
  },
);

function adaMax({ betas = [0.9, 0.999], epsilon = 1e-8 }: AdaMaxRule): Method {
  expectBetas("AdaMax", betas);
  expectFinite("optimizer", "epsilon", epsilon, 0);
  const [beta1, beta2] = betas;
  return { rule: adaMaxRule, scalars: (rate, step) => [beta1, 1 - beta1, beta2, rate / (1 - beta1 ** step), epsilon] };
}

/**
 * Adam by the largest gradient: m ← β₁m + (1 − β₁)g; u ← max(β₂u, |g| + ε); w ← w − η/(1 − β₁ᵗ) · m/u
 * (Kingma & Ba 2015, §7.1), as in PyTorch.
 * @throws ValueError for betas outside of [0, 1) and negative or not finite options
 */
export class AdaMax extends Optimizer<AdaMaxRule> {
  constructor(parameters: TensorTree, options: AdaMaxOptions = {}) {
    super(parameters, withDefaults("AdaMax", { learningRate: 2e-3 }, options), ADAMAX, adaMax);
  }
}
