/** Learning rates as functions of the number of steps done. */
import { ValueError } from "@neurite/core";

export type Schedule = (step: number) => number;

/** The same rate at every step. */
export function constantRate(rate: number): Schedule {
  return () => rate;
}

export interface WarmupLinearOptions {
  readonly peak: number;
  /** Steps over which the rate rises linearly to the peak. */
  readonly warmup: number;
  /** Steps after which it has fallen linearly to `end`. */
  readonly total: number;
  /** Default 0. */
  readonly end?: number;
}

/** Rises linearly over the first `warmup` steps, then falls linearly until step `total`, and stays. */
export function warmupLinear({ peak, warmup, total, end = 0 }: WarmupLinearOptions): Schedule {
  if (!(warmup >= 0 && total >= warmup)) {
    throw new ValueError({
      op: "warmupLinear",
      argument: "warmup",
      expected: `from 0 to total (${total})`,
      received: String(warmup),
    });
  }
  return (step) => {
    if (step < warmup) return (peak * (step + 1)) / warmup;
    if (step >= total) return end;
    return end + (peak - end) * ((total - step) / (total - warmup));
  };
}

export interface WarmupExponentialOptions {
  readonly peak: number;
  /** Steps over which the rate rises linearly to the peak. */
  readonly warmup: number;
  /** Steps in which it then halves. */
  readonly halfLife: number;
}

/**
 * Rises linearly over the first `warmup` steps, then halves every `halfLife` steps. It does not depend on how many steps
 * there will be, so a run can be prolonged and is still the same run.
 */
export function warmupExponential({ peak, warmup, halfLife }: WarmupExponentialOptions): Schedule {
  if (!(warmup >= 0 && halfLife > 0)) {
    throw new ValueError({
      op: "warmupExponential",
      argument: "halfLife",
      expected: "a positive number, and a warmup of 0 or above",
      received: `halfLife ${halfLife}, warmup ${warmup}`,
    });
  }
  return (step) => (step < warmup ? (peak * (step + 1)) / warmup : peak * 2 ** ((warmup - step) / halfLife));
}
