/** Activation functions as modules, for use in `Sequential`; defaults are PyTorch's. */
import {
  clamp,
  div,
  e,
  elementwise,
  elu,
  gelu,
  geluTanh,
  hardSigmoid,
  hardSwish,
  leakyRelu,
  logSigmoid,
  logSoftmax,
  mish,
  mul,
  normalizeAxis,
  Parameter,
  relu,
  ShapeError,
  selu,
  sigmoid,
  silu,
  softmax,
  softplus,
  softsign,
  split,
  sub,
  type Tensor,
  tanh,
} from "@neurite/core";
import {
  badValue,
  expectFinite,
  expectInteger,
  expectOneOf,
  expectOptions,
  expectPositive,
  expectSize,
  type OptionKinds,
} from "@neurite/core/expect";
import { INIT_OPTIONS } from "./init-options.js";
import { type InitOptions, initConstant } from "./initializers.js";
import { Module } from "./module.js";

/** max(0, x). */
export class ReLU extends Module {
  forward(x: Tensor): Tensor {
    return relu(x);
  }
}

/** x kept within [low, high]; unlike clamp's, which is 1 there, the gradient is 0 at the ends, as in PyTorch. */
const hardTanh = /* @__PURE__ */ elementwise("hardTanh", 1, 2, (x, low, high) =>
  e.select(e.le(x!, low!), low!, e.select(e.ge(x!, high!), high!, x!)),
);

/** x kept within [0, 6]. */
export class ReLU6 extends Module {
  forward(x: Tensor): Tensor {
    return hardTanh([x], [0, 6]);
  }
}

/** x for x > 0, else slope·x. */
export class LeakyReLU extends Module {
  constructor(readonly slope = 0.01) {
    super();
    expectFinite("LeakyReLU", "slope", slope);
  }

  forward(x: Tensor): Tensor {
    return leakyRelu(x, this.slope);
  }
}

export interface PReLUOptions extends InitOptions {
  /** What the weights start from. Default 0.25. */
  readonly initial?: number;
}

const PRELU: OptionKinds<PReLUOptions> = { ...INIT_OPTIONS, initial: "number" };

/** x for x > 0, else w·x with w learned, one for all or one per channel, the last axis (He et al. 2015). */
export class PReLU extends Module {
  /** [channels], starts at 0.25 */
  readonly weight: Parameter;

  constructor(channels = 1, options: PReLUOptions = {}) {
    super();
    expectOptions("PReLU", options, PRELU);
    const { initial = 0.25, ...init } = options;
    expectSize("PReLU", "channels", channels);
    this.weight = new Parameter(initConstant([channels], initial, init));
  }

  forward(x: Tensor): Tensor {
    return leakyRelu(x, this.weight);
  }
}

/** x for x > 0, else α(eˣ − 1) (Clevert et al. 2015). */
export class ELU extends Module {
  constructor(readonly alpha = 1) {
    super();
    expectFinite("ELU", "alpha", alpha);
  }

  forward(x: Tensor): Tensor {
    return elu(x, this.alpha);
  }
}

/** x for x > 0, else α(e^{x/α} − 1): an ELU whose slope is continuous for every α (Barron 2017). */
export class CELU extends Module {
  constructor(readonly alpha = 1) {
    super();
    expectPositive("CELU", "alpha", alpha);
  }

  forward(x: Tensor): Tensor {
    return this.alpha === 1 ? elu(x, 1) : mul(elu(div(x, this.alpha), 1), this.alpha);
  }
}

/** Scaled ELU whose fixed point has mean 0 and variance 1 (Klambauer et al. 2017). */
export class SELU extends Module {
  forward(x: Tensor): Tensor {
    return selu(x);
  }
}

/** x·Φ(x), exact or by the tanh approximation. */
export class GELU extends Module {
  constructor(readonly approximate: "none" | "tanh" = "none") {
    super();
    expectOneOf("GELU", "approximate", approximate, ["none", "tanh"]);
  }

  forward(x: Tensor): Tensor {
    return this.approximate === "tanh" ? geluTanh(x) : gelu(x);
  }
}

/** (eˣ − e⁻ˣ)/(eˣ + e⁻ˣ). */
export class Tanh extends Module {
  forward(x: Tensor): Tensor {
    return tanh(x);
  }
}

/** 1/(1 + e⁻ˣ). */
export class Sigmoid extends Module {
  forward(x: Tensor): Tensor {
    return sigmoid(x);
  }
}

/** ln σ(x). */
export class LogSigmoid extends Module {
  forward(x: Tensor): Tensor {
    return logSigmoid(x);
  }
}

/** x/(1 + e⁻ˣ). */
export class SiLU extends Module {
  forward(x: Tensor): Tensor {
    return silu(x);
  }
}

/** x·tanh(ln(1 + eˣ)) (Misra 2019). */
export class Mish extends Module {
  forward(x: Tensor): Tensor {
    return mish(x);
  }
}

/** ln(1 + e^{βx})/β, without overflow. */
export class Softplus extends Module {
  constructor(readonly beta = 1) {
    super();
    expectPositive("Softplus", "beta", beta);
  }

  forward(x: Tensor): Tensor {
    return this.beta === 1 ? softplus(x) : div(softplus(mul(x, this.beta)), this.beta);
  }
}

/** x/(1 + |x|). */
export class Softsign extends Module {
  forward(x: Tensor): Tensor {
    return softsign(x);
  }
}

/** x/6 + ½ kept within [0, 1]. */
export class Hardsigmoid extends Module {
  forward(x: Tensor): Tensor {
    return hardSigmoid(x);
  }
}

/** x·(x/6 + ½ kept within [0, 1]) (Howard et al. 2019). */
export class Hardswish extends Module {
  forward(x: Tensor): Tensor {
    return hardSwish(x);
  }
}

/** x kept within [low, high]. */
export class Hardtanh extends Module {
  constructor(
    readonly low = -1,
    readonly high = 1,
  ) {
    super();
    expectFinite("Hardtanh", "low", low);
    expectFinite("Hardtanh", "high", high);
    if (low >= high) throw badValue("Hardtanh", "high", `a number above low = ${low}`, high);
  }

  forward(x: Tensor): Tensor {
    return hardTanh([x], [this.low, this.high]);
  }
}

const threshold = /* @__PURE__ */ elementwise("threshold", 1, 2, (x, limit, value) =>
  e.select(e.le(x!, limit!), value!, x!),
);

/** x for x > limit, else `value`. */
export class Threshold extends Module {
  constructor(
    readonly limit: number,
    readonly value: number,
  ) {
    super();
    expectFinite("Threshold", "limit", limit);
    expectFinite("Threshold", "value", value);
  }

  forward(x: Tensor): Tensor {
    return threshold([x], [this.limit, this.value]);
  }
}

const hardshrink = /* @__PURE__ */ elementwise("hardshrink", 1, 1, (x, reach) =>
  e.select(e.le(e.abs(x!), reach!), 0, x!),
);

/** 0 for |x| ≤ λ, else x. */
export class Hardshrink extends Module {
  constructor(readonly lambda = 0.5) {
    super();
    expectFinite("Hardshrink", "lambda", lambda, 0);
  }

  forward(x: Tensor): Tensor {
    return hardshrink([x], [this.lambda]);
  }
}

/** x moved towards 0 by λ, and 0 for |x| ≤ λ. */
export class Softshrink extends Module {
  constructor(readonly lambda = 0.5) {
    super();
    expectFinite("Softshrink", "lambda", lambda, 0);
  }

  forward(x: Tensor): Tensor {
    return sub(x, clamp(x, -this.lambda, this.lambda));
  }
}

/** x − tanh(x). */
export class Tanhshrink extends Module {
  forward(x: Tensor): Tensor {
    return sub(x, tanh(x));
  }
}

/** e^{xᵢ} / Σⱼ e^{xⱼ} along an axis, by default the last. */
export class Softmax extends Module {
  constructor(readonly axis = -1) {
    super();
    expectInteger("Softmax", "axis", axis);
  }

  forward(x: Tensor): Tensor {
    return softmax(x, this.axis);
  }
}

/** ln softmax(x) along an axis, by default the last. */
export class LogSoftmax extends Module {
  constructor(readonly axis = -1) {
    super();
    expectInteger("LogSoftmax", "axis", axis);
  }

  forward(x: Tensor): Tensor {
    return logSoftmax(x, this.axis);
  }
}

/** a ⊙ σ(b), where a and b are the halves of x along an axis, by default the last (Dauphin et al. 2017). */
export class GLU extends Module {
  constructor(readonly axis = -1) {
    super();
    expectInteger("GLU", "axis", axis);
  }

  forward(x: Tensor): Tensor {
    const axis = normalizeAxis("GLU", this.axis, x.rank);
    if (x.shape[axis]! % 2 !== 0) {
      throw new ShapeError({
        op: "GLU",
        argument: "x",
        expected: `an even length of axis ${axis}`,
        received: String(x.shape[axis]),
      });
    }
    const [a, b] = split(x, 2, axis) as [Tensor, Tensor];
    return mul(a, sigmoid(b));
  }
}
