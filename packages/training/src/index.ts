export { bleu } from "./bleu.js";
export { type CurvePoint, curvesToJSON, type LearningCurves } from "./curves.js";
export { curvesToSVG } from "./curves-svg.js";
export { FiniteGate } from "./finite-gate.js";
export {
  type CheckpointOptions,
  type FitResult,
  type Performance,
  readTrained,
  type StepReport,
  Trainer,
  type TrainerOptions,
} from "./trainer.js";
