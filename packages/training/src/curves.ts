/** The three learning curves (Jiang §8.5): objective, performance on training data, performance on development data. */

/** One point of the curves. */
export interface CurvePoint {
  /** Steps done. */
  readonly step: number;
  /** Epochs done, with fractions. */
  readonly epoch: number;
  /** Mean loss of the steps since the point before. */
  readonly objective: number;
  /** Performance on training data, e.g. accuracy; null where it was not measured. */
  readonly train: number | null;
  /** Performance on development data. */
  readonly dev: number | null;
}

export interface LearningCurves {
  /** What `train` and `dev` measure, e.g. `"accuracy"`. */
  readonly metric: string;
  readonly points: readonly CurvePoint[];
}

/** The curves as a JSON file. */
export function curvesToJSON(curves: LearningCurves): string {
  return `${JSON.stringify(curves, null, 2)}\n`;
}
