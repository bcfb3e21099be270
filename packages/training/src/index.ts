export { Bleu, bleu } from "./bleu.js";
export { type CurvePoint, curvesToJSON, type LearningCurves } from "./curves.js";
export { curvesToSVG } from "./curves-svg.js";
export { EarlyStopping, type EarlyStoppingOptions, type EarlyStoppingState } from "./early-stopping.js";
export { FiniteGate } from "./finite-gate.js";
export { Accuracy, type AccuracyOptions } from "./metrics/accuracy.js";
export { type Averaging, ConfusionMatrix, type ConfusionMatrixOptions } from "./metrics/confusion-matrix.js";
export { MeanAbsoluteError, MovingAverage, Perplexity, type PerplexityOptions, RunningMean } from "./metrics/means.js";
export { Trainer } from "./trainer.js";
export { readTrained } from "./trainer-checkpoint.js";
export type {
  CheckpointOptions,
  FitOptions,
  FitResult,
  Performance,
  StepReport,
  TrainerOptions,
} from "./trainer-options.js";
