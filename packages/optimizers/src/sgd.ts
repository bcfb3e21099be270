/** Stochastic gradient descent, with momentum. */
import { e, type Parameter, type Tensor, ValueError } from "@neurite/core";
import { expectNonNegative, Optimizer, type OptimizerOptions, type Slots } from "./optimizer.js";
import { updateRule } from "./update.js";

export interface SGDOptions extends OptimizerOptions {
  /** μ of u ← μu + g. Default 0. */
  readonly momentum?: number;
  /** Looks ahead along the momentum (Nesterov 1983). Default false. */
  readonly nesterov?: boolean;
  /** λ of the L2 term (λ/2)‖w‖², added to the gradient as λw. Default 0. */
  readonly weightDecay?: number;
}

// operands: value, gradient, …; scalars: learning rate, …
const plainStep = /* @__PURE__ */ updateRule("sgd", 2, 2, (w, g, rate, decay) =>
  e.sub(w!, e.mul(rate!, e.add(g!, e.mul(decay!, w!)))),
);
const velocity = /* @__PURE__ */ updateRule("momentum", 3, 2, (u, g, w, mu, decay) =>
  e.add(e.mul(mu!, u!), e.add(g!, e.mul(decay!, w!))),
);
const momentumStep = /* @__PURE__ */ updateRule("sgdMomentum", 2, 1, (w, u, rate) => e.sub(w!, e.mul(rate!, u!)));
const nesterovStep = /* @__PURE__ */ updateRule("sgdNesterov", 3, 3, (w, u, g, rate, mu, decay) =>
  e.sub(w!, e.mul(rate!, e.add(e.add(g!, e.mul(decay!, w!)), e.mul(mu!, u!)))),
);

/**
 * w ← w − η(g + λw), or with momentum u ← μu + g + λw, w ← w − ηu, as in PyTorch.
 * @example
 * const optimizer = new SGD(model.parameters(), { learningRate: 0.1, momentum: 0.9 });
 */
export class SGD extends Optimizer {
  readonly momentum: number;
  readonly nesterov: boolean;
  readonly weightDecay: number;

  constructor(parameters: Readonly<Record<string, Parameter>>, options: SGDOptions) {
    const { momentum = 0, nesterov = false, weightDecay = 0 } = options;
    super(parameters, momentum > 0 ? ["u"] : [], options);
    expectNonNegative("momentum", momentum);
    expectNonNegative("weightDecay", weightDecay);
    if (nesterov && momentum === 0) {
      throw new ValueError({
        op: "SGD",
        argument: "nesterov",
        expected: "a momentum above 0 with it",
        received: "momentum 0",
      });
    }
    this.momentum = momentum;
    this.nesterov = nesterov;
    this.weightDecay = weightDecay;
  }

  protected update(w: Parameter, g: Tensor, { u }: Slots, rate: number, _step: number, when?: Tensor): void {
    const { momentum, weightDecay } = this;
    if (!u) {
      w.assign(plainStep([w, g], [rate, weightDecay], when));
      return;
    }
    u.assign(velocity([u, g, w], [momentum, weightDecay], when));
    if (this.nesterov) w.assign(nesterovStep([w, u, g], [rate, momentum, weightDecay], when));
    else w.assign(momentumStep([w, u], [rate], when));
  }
}
