export * from "./classification.js";
export * from "./distributions.js";
export * from "./penalty.js";
export type { LossOptions, Reduction } from "./reduction.js";
export {
  type HuberOptions,
  huberLoss,
  l1Loss,
  mseLoss,
  type SmoothL1Options,
  smoothL1Loss,
} from "./regression.js";
