// Closed forms of the losses: value, first and second derivative by the prediction.
import { full, type Tensor } from "@neurite/core";
import * as losses from "@neurite/losses";
import { bell, sigma, softplus } from "./forms.js";

const none = { reduction: "none" } as const;

export interface LossForm {
  readonly run: (prediction: Tensor, target: Tensor) => Tensor;
  /** Of prediction and target. */
  readonly form: (x: number, t: number) => readonly [number, number, number];
  readonly targets: readonly number[];
  /** Predictions that make sense; default all. */
  readonly takes?: (x: number) => boolean;
}

const ANY = [0, 1, -2.5, 1e20];
const PROBABILITIES = [0, 1, 0.25];
const HALF = { beta: 0.5, delta: 0.5 };

/** What of a sum has weight 0 is none of it. */
const share = (weight: number, x: number) => (weight === 0 ? 0 : weight * x);

export const LOSSES: Readonly<Record<string, LossForm>> = {
  mseLoss: {
    run: (x, t) => losses.mseLoss(x, t, none),
    form: (x, t) => [(x - t) ** 2, 2 * (x - t), 2],
    targets: ANY,
  },
  l1Loss: {
    run: (x, t) => losses.l1Loss(x, t, none),
    form: (x, t) => [Math.abs(x - t), Math.sign(x - t), 0],
    targets: ANY,
  },
  smoothL1Loss: {
    run: (x, t) => losses.smoothL1Loss(x, t, { ...none, beta: HALF.beta }),
    form: (x, t) => {
      const d = Math.fround(x - t);
      return Math.abs(d) < 0.5 ? [d * d, 2 * d, 2] : [Math.abs(d) - 0.25, Math.sign(d), 0];
    },
    targets: ANY,
  },
  huberLoss: {
    run: (x, t) => losses.huberLoss(x, t, { ...none, delta: HALF.delta }),
    form: (x, t) => {
      const d = Math.fround(x - t);
      return Math.abs(d) <= 0.5 ? [(d * d) / 2, d, 1] : [0.5 * (Math.abs(d) - 0.25), 0.5 * Math.sign(d), 0];
    },
    targets: ANY,
  },
  hingeLoss: {
    run: (x, t) => losses.hingeLoss(x, t, none),
    form: (x, t) => {
      const rest = 1 - x * t;
      const slope = rest > 0 ? -t : rest < 0 ? 0 : -t / 2;
      // a slope changes at the margin only, where it has no derivative
      return [Math.max(Math.fround(rest), 0), Math.abs(x) < 1e-7 ? -t : slope, 0];
    },
    targets: [1, -1],
  },
  bceWithLogitsLoss: {
    run: (x, t) => losses.bceWithLogitsLoss(x, t, none),
    form: (x, t) => [share(t, softplus(-x)) + share(1 - t, softplus(x)), sigma(x) - t, bell(x)],
    targets: PROBABILITIES,
  },
  "bceWithLogitsLoss of a weighted class": {
    run: (x, t) => losses.bceWithLogitsLoss(x, t, { ...none, posWeight: full(t.shape, 3, { device: t.device }) }),
    form: (x, t) => [
      share(3 * t, softplus(-x)) + share(1 - t, softplus(x)),
      (1 - t) * sigma(x) - 3 * t * sigma(-x),
      (1 + 2 * t) * bell(x),
    ],
    targets: PROBABILITIES,
  },
  bceLoss: {
    run: (x, t) => losses.bceLoss(x, t, none),
    form: (p, t) => {
      const [low, high] = [Math.log(p) > -100, Math.log1p(-p) > -100];
      return [
        -share(t, Math.max(Math.log(p), -100)) - share(1 - t, Math.max(Math.log1p(-p), -100)),
        -share(low ? t : 0, 1 / p) + share(high ? 1 - t : 0, 1 / (1 - p)),
        share(low ? t : 0, 1 / p / p) + share(high ? 1 - t : 0, 1 / (1 - p) / (1 - p)),
      ];
    },
    targets: PROBABILITIES,
    takes: (p) => p >= 0 && p <= 1,
  },
  klDivLoss: {
    run: (q, p) => losses.klDivLoss(q, p, none),
    form: (q, p) => [share(p, Math.log(p) - q), -p, 0],
    targets: PROBABILITIES,
  },
  "klDivLoss of logarithms": {
    run: (q, p) => losses.klDivLoss(q, p, { ...none, logTarget: true }),
    form: (q, p) => [share(Math.exp(p), p - q), -Math.exp(p), 0],
    targets: [0, -2.5, -80, -3e38, Number.NEGATIVE_INFINITY],
  },
};
