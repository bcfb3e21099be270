/** Optimizers that divide by a root of past squared gradients: Adagrad, Adadelta, RMSProp. */
import { type Expression, e, type TensorTree } from "@neurite/core";
import { expectFinite, expectShare, type OptionKinds } from "@neurite/core/expect";
import {
  type DefaultedOptions,
  type Method,
  Optimizer,
  RULE_OPTIONS,
  type RuleOptions,
  withDefaults,
} from "./optimizer.js";
import { averaged, ruleFamily, updateRule } from "./update.js";

interface RootOptions extends RuleOptions {
  readonly epsilon?: number;
  /** Divides by √(v + ε²), and not by √v + ε; tfjs's √(v + ε′) is this with ε = √ε′. Default false. */
  readonly epsilonInside?: boolean;
}

interface AdagradRule extends RootOptions {
  /** δ of η/(1 + (t − 1)δ). Default 0. */
  readonly learningRateDecay?: number;
  /** What the sum of squares starts from. Default 0; tfjs: 0.1. */
  readonly initialAccumulator?: number;
}

interface AdadeltaRule extends RuleOptions {
  /** Decay rate of both averages. Default 0.9. */
  readonly rho?: number;
  /** Default 1e-6. */
  readonly epsilon?: number;
  /** Divides by the root of the v before this step, as tfjs does. Default false. */
  readonly previousRoot?: boolean;
}

interface RMSPropRule extends RootOptions {
  /** Decay rate of the averages. Default 0.99; tfjs: 0.9. */
  readonly alpha?: number;
  /** μ of u ← μu + g/root. Default 0. */
  readonly momentum?: number;
  /** Divides by the root of the variance, not of the second moment. Default false. */
  readonly centered?: boolean;
}

const ROOT: OptionKinds<RootOptions> = { ...RULE_OPTIONS, epsilon: "number", epsilonInside: "boolean" };
const ADAGRAD: OptionKinds<AdagradRule> = { ...ROOT, learningRateDecay: "number", initialAccumulator: "number" };
const ADADELTA: OptionKinds<AdadeltaRule> = {
  ...RULE_OPTIONS,
  rho: "number",
  epsilon: "number",
  previousRoot: "boolean",
};
const RMS_PROP: OptionKinds<RMSPropRule> = { ...ROOT, alpha: "number", momentum: "number", centered: "boolean" };

/** Default learning rate 0.01, ε 1e-10. */
export type AdagradOptions = DefaultedOptions<AdagradRule>;
/** Default learning rate 1. */
export type AdadeltaOptions = DefaultedOptions<AdadeltaRule>;
/** Default learning rate 0.01, ε 1e-8. */
export type RMSPropOptions = DefaultedOptions<RMSPropRule>;

/** √v + ε, or √(v + ε²) when the scalar is ε². */
function rootOf(inside: boolean, v: Expression, epsilon: Expression): Expression {
  return inside ? e.sqrt(e.add(v, epsilon)) : e.add(e.sqrt(v), epsilon);
}

const adagradRules = /* @__PURE__ */ ruleFamily((inside) =>
  updateRule("adagrad", ["v"], 2, (g, [v], [rate, epsilon]) => {
    const next = e.add(v!, e.mul(g, g));
    return { step: e.div(e.mul(rate!, g), rootOf(inside!, next, epsilon!)), slots: [next] };
  }),
);

function adagrad(options: AdagradRule): Method {
  const { learningRateDecay = 0, initialAccumulator = 0, epsilon = 1e-10, epsilonInside = false } = options;
  expectFinite("optimizer", "learningRateDecay", learningRateDecay, 0);
  expectFinite("optimizer", "initialAccumulator", initialAccumulator, 0);
  expectFinite("optimizer", "epsilon", epsilon, 0);
  const inRoot = epsilonInside ? epsilon ** 2 : epsilon;
  return {
    rule: adagradRules(epsilonInside),
    scalars: (rate, step) => [rate / (1 + (step - 1) * learningRateDecay), inRoot],
    initial: initialAccumulator,
  };
}

/**
 * v ← v + g²; w ← w − η g/(√v + ε) (Duchi et al. 2011), as in PyTorch.
 * @throws ValueError for negative or not finite options
 */
export class Adagrad extends Optimizer<AdagradRule> {
  constructor(parameters: TensorTree, options: AdagradOptions = {}) {
    super(parameters, withDefaults("Adagrad", { learningRate: 0.01 }, options), ADAGRAD, adagrad);
  }
}

const adadeltaRules = /* @__PURE__ */ ruleFamily((previousRoot) =>
  updateRule("adadelta", ["v", "d"], 4, (g, [v, d], [rate, rho, rest, epsilon]) => {
    const nextV = averaged(rho!, rest!, v!, e.mul(g, g));
    const root = e.sqrt(e.add(previousRoot ? v! : nextV, epsilon!));
    const change = e.mul(e.div(e.sqrt(e.add(d!, epsilon!)), root), g);
    return { step: e.mul(rate!, change), slots: [nextV, averaged(rho!, rest!, d!, e.mul(change, change))] };
  }),
);

function adadelta({ rho = 0.9, epsilon = 1e-6, previousRoot = false }: AdadeltaRule): Method {
  expectShare("Adadelta", "rho", rho, "a number from 0 to below 1");
  expectFinite("optimizer", "epsilon", epsilon, 0);
  return { rule: adadeltaRules(previousRoot), scalars: (rate) => [rate, rho, 1 - rho, epsilon] };
}

/**
 * v ← ρv + (1 − ρ)g²; Δ = √(d + ε)/√(v + ε) · g; d ← ρd + (1 − ρ)Δ²; w ← w − ηΔ (Zeiler 2012), as in PyTorch.
 * @throws ValueError for ρ outside of [0, 1) and negative or not finite options
 */
export class Adadelta extends Optimizer<AdadeltaRule> {
  constructor(parameters: TensorTree, options: AdadeltaOptions = {}) {
    super(parameters, withDefaults("Adadelta", { learningRate: 1 }, options), ADADELTA, adadelta);
  }
}

const rmsPropRules = /* @__PURE__ */ ruleFamily((inside, centered, moving) => {
  const names = ["v", ...(centered ? ["m"] : []), ...(moving ? ["u"] : [])];
  return updateRule("rmsProp", names, 5, (g, slots, [rate, alpha, rest, epsilon, mu]) => {
    const next = [averaged(alpha!, rest!, slots[0]!, e.mul(g, g))];
    if (centered) next.push(averaged(alpha!, rest!, slots[1]!, g));
    const [v, m] = next;
    // rounding can make a variance of almost nothing negative
    const moment = m ? e.max(e.sub(v!, e.mul(m, m)), 0) : v!;
    const scaled = e.div(g, rootOf(inside!, moment, epsilon!));
    if (moving) next.push(e.add(e.mul(mu!, slots.at(-1)!), scaled));
    return { step: e.mul(rate!, moving ? next.at(-1)! : scaled), slots: next };
  });
});

function rmsProp(options: RMSPropRule): Method {
  const { alpha = 0.99, momentum = 0, centered = false, epsilon = 1e-8, epsilonInside = false } = options;
  expectShare("RMSProp", "alpha", alpha, "a number from 0 to below 1");
  expectFinite("optimizer", "momentum", momentum, 0);
  expectFinite("optimizer", "epsilon", epsilon, 0);
  const inRoot = epsilonInside ? epsilon ** 2 : epsilon;
  return {
    rule: rmsPropRules(epsilonInside, centered, momentum > 0),
    scalars: (rate) => [rate, alpha, 1 - alpha, inRoot, momentum],
  };
}

/**
 * v ← αv + (1 − α)g²; w ← w − η g/(√v + ε) (Tieleman & Hinton 2012), as in PyTorch; with momentum u ← μu + g/(√v + ε),
 * w ← w − ηu; centered takes v − m² for v, where m ← αm + (1 − α)g (Graves 2013).
 * @throws ValueError for α outside of [0, 1) and negative or not finite options
 */
export class RMSProp extends Optimizer<RMSPropRule> {
  constructor(parameters: TensorTree, options: RMSPropOptions = {}) {
    super(parameters, withDefaults("RMSProp", { learningRate: 0.01 }, options), RMS_PROP, rmsProp);
  }
}
