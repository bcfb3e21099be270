/**
 * Learning rates as functions of the number of steps done. They take and give plain functions, so they combine:
 * `warmup(500, perEpoch(loader.length, stepDecay({ rate: 0.1, every: 30 })))`.
 */
import { ValueError } from "@neurite/core";
import {
  badValue,
  describeValue,
  expectFinite,
  expectFunction,
  expectList,
  expectOptions,
  expectPositive,
  expectRecord,
  type OptionKind,
  type OptionKinds,
} from "@neurite/core/expect";

export type Schedule = (step: number) => number;

/** Throws ValueError unless `options` are those of the schedule. */
function expectSchedule(op: string, options: unknown, kinds: Readonly<Record<string, OptionKind>>): void {
  expectRecord(op, "options", options, `an object such as { ${Object.keys(kinds).join(", ")} }`);
  expectOptions(op, options, kinds);
}

/** Throws ValueError unless all values are finite numbers of at least `low`. */
export function expectAtLeast(op: string, low: number, values: Readonly<Record<string, number>>): void {
  for (const [argument, value] of Object.entries(values)) {
    expectFinite(op, argument, value, low);
  }
}

/** The same rate at every step. */
export function constantRate(rate: number): Schedule {
  expectAtLeast("constantRate", 0, { rate });
  return () => rate;
}

export interface StepDecayOptions {
  readonly rate: number;
  /** Steps from one fall to the next. */
  readonly every: number;
  /** Default 0.1. */
  readonly factor?: number;
}

const STEP_DECAY: OptionKinds<StepDecayOptions> = { rate: "number", every: "number", factor: "number" };

/** rate · factor^⌊t/every⌋. @throws ValueError for `every` below 1 */
export function stepDecay(options: StepDecayOptions): Schedule {
  expectSchedule("stepDecay", options, STEP_DECAY);
  const { rate, every, factor = 0.1 } = options;
  expectAtLeast("stepDecay", 0, { rate, factor });
  expectAtLeast("stepDecay", 1, { every });
  return (step) => rate * factor ** Math.floor(step / every);
}

export interface MultiStepDecayOptions {
  readonly rate: number;
  /** Steps at which the rate falls, ascending. */
  readonly milestones: readonly number[];
  /** Default 0.1. */
  readonly factor?: number;
}

const MULTI_STEP_DECAY: OptionKinds<MultiStepDecayOptions> = { rate: "number", milestones: "list", factor: "number" };

/** rate · factor^k, where k milestones are reached. @throws ValueError for milestones that do not ascend */
export function multiStepDecay(options: MultiStepDecayOptions): Schedule {
  expectSchedule("multiStepDecay", options, MULTI_STEP_DECAY);
  const { rate, milestones, factor = 0.1 } = options;
  expectAtLeast("multiStepDecay", 0, { rate, factor });
  expectList("multiStepDecay", "milestones", milestones, "steps");
  for (const [i, milestone] of milestones.entries()) expectFinite("multiStepDecay", `milestones[${i}]`, milestone);
  if (milestones.some((milestone, i) => !(milestone >= (milestones[i - 1] ?? 0)))) {
    throw new ValueError({
      op: "multiStepDecay",
      argument: "milestones",
      expected: "ascending numbers of steps",
      received: describeValue(milestones),
    });
  }
  return (step) => rate * factor ** milestones.filter((milestone) => step >= milestone).length;
}

export interface ExponentialDecayOptions {
  readonly rate: number;
  readonly factor: number;
  /** Steps in which the rate falls by the factor. Default 1. */
  readonly every?: number;
}

const EXPONENTIAL_DECAY: OptionKinds<ExponentialDecayOptions> = { rate: "number", factor: "number", every: "number" };

/** rate · factor^(t/every). @throws ValueError for negative numbers and `every` of 0 */
export function exponentialDecay(options: ExponentialDecayOptions): Schedule {
  expectSchedule("exponentialDecay", options, EXPONENTIAL_DECAY);
  const { rate, factor, every = 1 } = options;
  expectAtLeast("exponentialDecay", 0, { rate, factor });
  expectAtLeast("exponentialDecay", Number.MIN_VALUE, { every });
  return (step) => rate * factor ** (step / every);
}

export interface DecayToOptions {
  readonly rate: number;
  /** Steps after which the rate has fallen to `end`, where it stays. */
  readonly total: number;
  /** Default 0. */
  readonly end?: number;
}

const DECAY_TO: OptionKinds<DecayToOptions> = { rate: "number", total: "number", end: "number" };

/** Falls in a straight line. @throws ValueError for `total` below 1 */
export function linearDecay(options: DecayToOptions): Schedule {
  expectSchedule("linearDecay", options, DECAY_TO);
  const { rate, total, end = 0 } = options;
  expectAtLeast("linearDecay", 0, { rate, end });
  expectAtLeast("linearDecay", 1, { total });
  return (step) => (step >= total ? end : end + (rate - end) * ((total - step) / total));
}

/** From `a` to `b` along half a cosine. */
function halfCosine(a: number, b: number, share: number): number {
  return b + ((a - b) * (1 + Math.cos(Math.PI * share))) / 2;
}

/** end + (rate − end)(1 + cos(πt/total))/2 (Loshchilov & Hutter 2017). @throws ValueError for `total` below 1 */
export function cosineDecay(options: DecayToOptions): Schedule {
  expectSchedule("cosineDecay", options, DECAY_TO);
  const { rate, total, end = 0 } = options;
  expectAtLeast("cosineDecay", 0, { rate, end });
  expectAtLeast("cosineDecay", 1, { total });
  return (step) => halfCosine(rate, end, Math.min(1, step / total));
}

export interface CosineRestartsOptions {
  readonly rate: number;
  /** Steps of the first descent. */
  readonly period: number;
  /** Each descent takes this many times the steps of the one before. Default 1. */
  readonly growth?: number;
  /** Default 0. */
  readonly end?: number;
}

const COSINE_RESTARTS: OptionKinds<CosineRestartsOptions> = {
  rate: "number",
  period: "number",
  growth: "number",
  end: "number",
};

/** So many are counted one by one, which is exact. */
const FEW_PERIODS = 64;

/** Cosine descents, each starting from the top again (SGDR, Loshchilov & Hutter 2017). @throws ValueError for `period` or `growth` below 1 */
export function cosineRestarts(options: CosineRestartsOptions): Schedule {
  expectSchedule("cosineRestarts", options, COSINE_RESTARTS);
  const { rate, period, growth = 1, end = 0 } = options;
  expectAtLeast("cosineRestarts", 0, { rate, end });
  expectAtLeast("cosineRestarts", 1, { period, growth });
  return (step) => {
    let since = step;
    let length = period;
    if (growth === 1) since %= period;
    else {
      // periods that have ended: p·(gᵏ − 1)/(g − 1) ≤ step; two fewer, since the logarithms are rounded
      const ended = Math.floor(Math.log1p((step * (growth - 1)) / period) / Math.log(growth)) - 2;
      if (ended > FEW_PERIODS) {
        length = period * growth ** ended;
        since -= (length - period) / (growth - 1);
      }
      while (since >= length) {
        since -= length;
        length *= growth;
      }
    }
    return halfCosine(rate, end, since / length);
  };
}

export interface InverseSqrtOptions {
  /** Model width d. */
  readonly width: number;
  /** Steps over which the rate rises. Default 4000. */
  readonly warmup?: number;
  /** Default 1. */
  readonly scale?: number;
}

const INVERSE_SQRT: OptionKinds<InverseSqrtOptions> = { width: "number", warmup: "number", scale: "number" };

/** scale · d^(−1/2) · min(t^(−1/2), t · warmup^(−3/2)) with t counted from 1 (Vaswani et al. 2017, §5.3). @throws ValueError for a width or warm-up below 1 */
export function inverseSqrt(options: InverseSqrtOptions): Schedule {
  expectSchedule("inverseSqrt", options, INVERSE_SQRT);
  const { width, warmup = 4000, scale = 1 } = options;
  expectAtLeast("inverseSqrt", 0, { scale });
  expectAtLeast("inverseSqrt", 1, { width, warmup });
  return (step) => (scale / Math.sqrt(width)) * Math.min((step + 1) ** -0.5, (step + 1) * warmup ** -1.5);
}

export interface OneCycleOptions {
  readonly peak: number;
  readonly total: number;
  /** Share of the steps in which the rate rises. Default 0.3. */
  readonly rising?: number;
  /** The first rate is the peak divided by this. Default 25. */
  readonly startDivisor?: number;
  /** The last rate is the first one divided by this. Default 1e4. */
  readonly endDivisor?: number;
}

const ONE_CYCLE: OptionKinds<OneCycleOptions> = {
  peak: "number",
  total: "number",
  rising: "number",
  startDivisor: "number",
  endDivisor: "number",
};

/**
 * Up to the peak and down to almost nothing, along half a cosine each, as PyTorch's OneCycleLR (Smith & Topin 2018).
 * @throws ValueError for a share outside of (0, 1)
 */
export function oneCycle(options: OneCycleOptions): Schedule {
  expectSchedule("oneCycle", options, ONE_CYCLE);
  const { peak, total, rising = 0.3, startDivisor = 25, endDivisor = 1e4 } = options;
  expectAtLeast("oneCycle", 0, { peak });
  expectAtLeast("oneCycle", 1, { total, startDivisor, endDivisor });
  if (!(rising > 0 && rising < 1)) throw badValue("oneCycle", "rising", "a share between 0 and 1", rising);
  const first = peak / startDivisor;
  const top = Math.max(0, rising * total - 1);
  return (step) => {
    if (step < top) return halfCosine(first, peak, step / top);
    const share = total - 1 > top ? (step - top) / (total - 1 - top) : 1;
    return halfCosine(peak, first / endDivisor, Math.min(1, share));
  };
}

// ---- combinations

/**
 * Rises linearly to `then`'s first rate, reached at the last of `steps` steps, and goes on with `then` from its step 0.
 * @throws ValueError for a negative number of steps
 */
export function warmup(steps: number, then: Schedule): Schedule {
  expectAtLeast("warmup", 0, { steps });
  expectFunction("warmup", "then", then);
  return (step) => (step < steps ? (then(0) * (step + 1)) / steps : then(step - steps));
}

/** One schedule after another: each counts its own steps from 0, and the last one stays. @throws ValueError for an empty list */
export function inSequence(parts: readonly { readonly schedule: Schedule; readonly steps: number }[]): Schedule {
  expectList("inSequence", "parts", parts, "{ schedule, steps }");
  if (parts.length === 0) {
    throw new ValueError({
      op: "inSequence",
      argument: "parts",
      expected: "at least one schedule",
      received: "none",
    });
  }
  for (const [i, part] of parts.entries()) {
    expectRecord("inSequence", `parts[${i}]`, part, "{ schedule, steps }");
    expectFunction("inSequence", `parts[${i}].schedule`, part.schedule);
    expectAtLeast("inSequence", 0, { steps: part.steps });
  }
  return (step) => {
    let since = step;
    for (const { schedule, steps } of parts.slice(0, -1)) {
      if (since < steps) return schedule(since);
      since -= steps;
    }
    return parts.at(-1)!.schedule(since);
  };
}

/** A schedule that counts epochs, for an optimizer that counts steps. @throws ValueError for less than one step an epoch */
export function perEpoch(stepsPerEpoch: number, schedule: Schedule): Schedule {
  expectAtLeast("perEpoch", 1, { stepsPerEpoch });
  expectFunction("perEpoch", "schedule", schedule);
  return (step) => schedule(Math.floor(step / stepsPerEpoch));
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

const WARMUP_LINEAR: OptionKinds<WarmupLinearOptions> = {
  peak: "number",
  warmup: "number",
  total: "number",
  end: "number",
};

/** Rises linearly over the first `warmup` steps, then falls linearly until step `total`, and stays. */
export function warmupLinear(options: WarmupLinearOptions): Schedule {
  expectSchedule("warmupLinear", options, WARMUP_LINEAR);
  const { peak, warmup: rise, total, end = 0 } = options;
  expectAtLeast("warmupLinear", 0, { peak, total, end });
  expectFinite("warmupLinear", "warmup", rise, 0, total);
  if (total === rise) return (step) => (step < rise ? (peak * (step + 1)) / rise : end);
  return warmup(rise, linearDecay({ rate: peak, total: total - rise, end }));
}

export interface WarmupExponentialOptions {
  readonly peak: number;
  /** Steps over which the rate rises linearly to the peak. */
  readonly warmup: number;
  /** Steps in which it then halves. */
  readonly halfLife: number;
}

const WARMUP_EXPONENTIAL: OptionKinds<WarmupExponentialOptions> = {
  peak: "number",
  warmup: "number",
  halfLife: "number",
};

/**
 * Rises linearly over the first `warmup` steps, then halves every `halfLife` steps. It does not depend on how many steps
 * there will be, so a run can be prolonged and is still the same run.
 */
export function warmupExponential(options: WarmupExponentialOptions): Schedule {
  expectSchedule("warmupExponential", options, WARMUP_EXPONENTIAL);
  const { peak, warmup: rise, halfLife } = options;
  expectAtLeast("warmupExponential", 0, { peak, warmup: rise });
  expectPositive("warmupExponential", "halfLife", halfLife);
  return warmup(rise, exponentialDecay({ rate: peak, factor: 0.5, every: halfLife }));
}
