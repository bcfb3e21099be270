/** Adam and its relative with decoupled weight decay. */
import { e, type Parameter, type Tensor, ValueError } from "@neurite/core";
import { expectNonNegative, type LearningRate, Optimizer, type OptimizerOptions, type Slots } from "./optimizer.js";
import { updateRule } from "./update.js";

export interface AdamOptions extends Omit<OptimizerOptions, "learningRate"> {
  /** Default 1e-3. */
  readonly learningRate?: LearningRate;
  /** Decay rates of the two moments. Default [0.9, 0.999]. */
  readonly betas?: readonly [number, number];
  /** Default 1e-8. */
  readonly epsilon?: number;
  /** λ of the L2 term, added to the gradient as λw. Default 0. */
  readonly weightDecay?: number;
}

const firstMoment = /* @__PURE__ */ updateRule("adamFirstMoment", 3, 2, (m, g, w, beta, decay) =>
  e.add(e.mul(beta!, m!), e.mul(e.sub(1, beta!), e.add(g!, e.mul(decay!, w!)))),
);
const secondMoment = /* @__PURE__ */ updateRule("adamSecondMoment", 3, 2, (v, g, w, beta, decay) => {
  const full = e.add(g!, e.mul(decay!, w!));
  return e.add(e.mul(beta!, v!), e.mul(e.sub(1, beta!), e.mul(full, full)));
});
// scalars: 1 − ηλ, η/(1 − β₁ᵗ), 1/√(1 − β₂ᵗ), ε
const weightStep = /* @__PURE__ */ updateRule("adam", 3, 4, (w, m, v, keep, rate, correction, epsilon) =>
  e.sub(e.mul(keep!, w!), e.div(e.mul(rate!, m!), e.add(e.mul(e.sqrt(v!), correction!), epsilon!))),
);

/**
 * m ← β₁m + (1 − β₁)g; v ← β₂v + (1 − β₂)g²; w ← w − η m̂/(√v̂ + ε) with m̂ = m/(1 − β₁ᵗ), v̂ = v/(1 − β₂ᵗ)
 * (Kingma & Ba 2015), as in PyTorch.
 * @example
 * const optimizer = new Adam(model.parameters(), { learningRate: 1e-3, clipNorm: 1 });
 */
export class Adam extends Optimizer {
  readonly betas: readonly [number, number];
  readonly epsilon: number;
  readonly weightDecay: number;

  constructor(parameters: Readonly<Record<string, Parameter>>, options: AdamOptions = {}) {
    const { learningRate = 1e-3, betas = [0.9, 0.999], epsilon = 1e-8, weightDecay = 0 } = options;
    super(parameters, ["m", "v"], { ...options, learningRate });
    for (const beta of betas) {
      if (beta >= 0 && beta < 1) continue;
      throw new ValueError({
        op: "Adam",
        argument: "betas",
        expected: "numbers from 0 to below 1",
        received: String(beta),
      });
    }
    expectNonNegative("epsilon", epsilon);
    expectNonNegative("weightDecay", weightDecay);
    this.betas = betas;
    this.epsilon = epsilon;
    this.weightDecay = weightDecay;
  }

  protected update(w: Parameter, g: Tensor, { m, v }: Slots, rate: number, step: number, when?: Tensor): void {
    const [beta1, beta2] = this.betas;
    const coupled = this.coupledDecay();
    m!.assign(firstMoment([m!, g, w], [beta1, coupled], when));
    v!.assign(secondMoment([v!, g, w], [beta2, coupled], when));
    const scalars = [
      1 - rate * (this.weightDecay - coupled),
      rate / (1 - beta1 ** step),
      1 / Math.sqrt(1 - beta2 ** step),
      this.epsilon,
    ];
    w.assign(weightStep([w, m!, v!], scalars, when));
  }

  /** The part of the weight decay that enters the gradient. */
  protected coupledDecay(): number {
    return this.weightDecay;
  }
}

/** Adam with decoupled weight decay: w ← (1 − ηλ)w − η m̂/(√v̂ + ε) (Loshchilov & Hutter 2019). Default λ = 0.01, as in PyTorch. */
export class AdamW extends Adam {
  constructor(parameters: Readonly<Record<string, Parameter>>, options: AdamOptions = {}) {
    super(parameters, { weightDecay: 0.01, ...options });
  }

  protected override coupledDecay(): number {
    return 0;
  }
}
