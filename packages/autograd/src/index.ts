export { type CheckGradientsOptions, checkGradients, type GradientReport } from "./check-gradients.js";
export { checkpoint } from "./checkpoint.js";
export { type CustomOp, customOp } from "./custom-op.js";
export { jacobian, jvp, vjp } from "./jacobian.js";
export { inference, noGrad, stopGradient } from "./no-grad.js";
export { Tape } from "./tape.js";
export { type Gradients, grad, type Returned, type ValueAndGrad, valueAndGrad } from "./value-and-grad.js";
