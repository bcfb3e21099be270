/** The three learning curves (Jiang §8.5): objective, performance on training data, performance on development data. */
import { badValue, expectInteger, expectList, expectRecord, expectText } from "@neurite/core/expect";

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

/** Throws unless `value` is curves. */
export function expectCurves(op: string, value: unknown): asserts value is LearningCurves {
  expectRecord(op, "curves", value, "{ metric, points }");
  const { metric, points } = value as LearningCurves;
  expectText(op, "metric", metric);
  expectList(op, "points", points, "points");
  for (const [i, point] of points.entries()) {
    expectRecord(op, `points[${i}]`, point, "{ step, epoch, objective, train, dev }");
    expectInteger(op, `points[${i}].step`, point.step, 0);
    for (const name of ["epoch", "objective", "train", "dev"] as const) {
      const value: unknown = point[name];
      if (typeof value !== "number" && value !== null) {
        throw badValue(op, `points[${i}].${name}`, "a number, or null for what was not measured", value);
      }
    }
  }
}

/** The curves as a JSON file. */
export function curvesToJSON(curves: LearningCurves): string {
  expectCurves("curvesToJSON", curves);
  return `${JSON.stringify(curves, null, 2)}\n`;
}
