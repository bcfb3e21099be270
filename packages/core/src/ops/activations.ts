/** More rows of the elementwise table: the less common activations. See `elementwise.ts`. */
import { unary } from "../elementwise.js";
import { type Expression, e } from "../expression.js";

/** x·tanh(softplus(x)) (Misra 2019); 0 at −∞. With s = σ(x) and r = σ(−x), tanh(softplus(x)) is s(1 + r)/(1 + r²). */
export const mish = /* @__PURE__ */ unary("mish", (x) => {
  const rest = e.sigmoid(e.neg(x));
  return e.weigh(e.div(e.mul(e.sigmoid(x), e.add(1, rest)), e.add(1, e.mul(rest, rest))), x);
});
/** x/(1 + |x|); ±1 at ±∞. */
export const softsign = /* @__PURE__ */ unary(
  "softsign",
  (x) => e.select(e.isFinite(x), e.div(x, e.add(1, e.abs(x))), e.sign(x)),
  (x) => {
    const reach = e.add(1, e.abs(x!));
    return [e.div(e.div(1, reach), reach)];
  },
);
/** ln σ(x) = −softplus(−x), without overflow. */
export const logSigmoid = /* @__PURE__ */ unary(
  "logSigmoid",
  (x) => e.sub(e.min(x, 0), e.log1p(e.exp(e.neg(e.abs(x))))),
  (x) => [e.sigmoid(e.neg(x!))],
);

const ramp = (x: Expression) => e.min(e.max(e.add(e.div(x, 6), 0.5), 0), 1);
const within = (x: Expression, low: number, high: number) => e.and(e.gt(x, low), e.lt(x, high));

/** x/6 + ½ kept within [0, 1]; gradient 0 at the kinks. */
export const hardSigmoid = /* @__PURE__ */ unary("hardSigmoid", ramp, (x) => [e.select(within(x!, -3, 3), 1 / 6, 0)]);
/** x·hardSigmoid(x) (Howard et al. 2019); at the kinks the gradient is that of the curve between them, −½ at −3 and 3/2 at 3. */
export const hardSwish = /* @__PURE__ */ unary(
  "hardSwish",
  (x) => e.weigh(ramp(x), x),
  (x) => [e.select(e.lt(x!, -3), 0, e.select(e.le(x!, 3), e.add(e.div(x!, 3), 0.5), 1))],
);
