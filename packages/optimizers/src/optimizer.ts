/** What all optimizers share: parameters by name, groups, state that can be saved, one step that takes the gradients over. */
import {
  expectSameDType,
  expectSameShape,
  expectTensor,
  full,
  isParameter,
  isTensor,
  namedTensors,
  Parameter,
  scope,
  type Tensor,
  type TensorTree,
  ValueError,
} from "@neurite/core";
import {
  badValue,
  describeValue,
  expectFinite,
  expectFunction,
  expectInteger,
  expectOptions,
  expectRecord,
  expectShare,
  type OptionKinds,
} from "@neurite/core/expect";
import { clipByGlobalNorm, clipByValue } from "./clip.js";
import type { Decay, UpdateRule } from "./update.js";

/** A learning rate, or one as a function of the number of steps done (0 for the first). */
export type LearningRate = number | ((step: number) => number);

/** Options that may differ from group to group. */
export interface RuleOptions {
  readonly learningRate: LearningRate;
  /** λ of the weight decay. Default 0. */
  readonly weightDecay?: number;
  /**
   * `l2`: the gradient becomes g + λw, that of the loss + (λ/2)‖w‖². `decoupled`: w ← w − ηλw besides the step, as in AdamW.
   * `book`: w ← w − λw besides the step, whatever the learning rate (Jiang §8.5). Default `l2`, in AdamW `decoupled`.
   */
  readonly weightDecayForm?: "l2" | "decoupled" | "book";
}

/** What these options may be. */
export const RULE_OPTIONS: OptionKinds<RuleOptions> = {
  learningRate: "any",
  weightDecay: "number",
  weightDecayForm: ["l2", "decoupled", "book"],
};

/** The parameters for which `where` holds take these options; the rest come from the optimizer's. */
export type ParameterGroup<O extends RuleOptions> = Partial<O> & {
  readonly where: (name: string, parameter: Parameter) => boolean;
};

/** What an optimizer takes: the options of its rule, groups with other ones, and clipping, which is joint. */
export type OptimizerOptions<O extends RuleOptions = RuleOptions> = O & {
  /** The first group that a parameter fits counts. */
  readonly groups?: readonly ParameterGroup<O>[];
  /** Scales all gradients so that their joint L2 norm is at most this. */
  readonly clipNorm?: number;
  /** Cuts each gradient element to ± this. */
  readonly clipValue?: number;
};

const JOINT_OPTIONS: OptionKinds<Omit<OptimizerOptions, keyof RuleOptions>> = {
  groups: "list",
  clipNorm: "number",
  clipValue: "number",
};

/** The same with a learning rate that has a default. */
export type DefaultedOptions<O extends RuleOptions> = Omit<OptimizerOptions<O>, "learningRate" | "groups"> & {
  readonly learningRate?: LearningRate;
  readonly groups?: readonly ParameterGroup<O>[];
};

/** An update rule and its numbers. */
export interface Method {
  readonly rule: UpdateRule;
  /** The rule's scalars for one step, numbered from 1. They are computed on the host, so nothing is compiled anew. */
  readonly scalars: (rate: number, step: number) => readonly number[];
  /** Value that the state starts from. Default 0. */
  readonly initial?: number;
}

export interface StepOptions {
  /** bool scalar on the device: where it is false the step changes nothing. */
  readonly when?: Tensor;
  /** Leaves the gradients alive (default: the step frees them). */
  readonly keepGrads?: boolean;
}

const STEP: OptionKinds<StepOptions> = { when: "tensor", keepGrads: "boolean" };

/** Values from which an optimizer continues exactly. */
export interface OptimizerState {
  readonly steps: number;
  /** `"<slot>.<parameter>"` → value. */
  readonly tensors: Readonly<Record<string, Tensor>>;
}

/** Parameters that are treated alike. */
interface Group {
  readonly method: Method;
  readonly learningRate: LearningRate;
  readonly decay: Decay;
  /** λ, or κ = 1 − ηλ or 1 − λ (see {@link Decay}). */
  readonly decayScalar: (rate: number) => number;
  /** By name: the parameter, then its state. */
  readonly members: Readonly<Record<string, readonly Parameter[]>>;
}

export abstract class Optimizer<O extends RuleOptions = RuleOptions> {
  /** By their paths in the tree that was given. */
  readonly parameters: Readonly<Record<string, Parameter>>;
  readonly learningRate: LearningRate;
  readonly #clipNorm: number | undefined;
  readonly #clipValue: number | undefined;
  readonly #groups: readonly Group[];
  #steps = 0;

  /**
   * @param tree modules, parameters, or lists and plain objects of them
   * @param kinds what the rule's options may be: {@link RULE_OPTIONS} and its own
   * @param method the rule that the options of one group ask for; throws ValueError for impossible ones
   * @throws ValueError for impossible options and for a group without parameters
   */
  constructor(tree: TensorTree, options: OptimizerOptions<O>, kinds: OptionKinds<O>, method: (options: O) => Method) {
    const parameters = parametersOf("optimizer", tree);
    this.parameters = parameters;
    if (options === undefined) throw badValue("optimizer", "options", "an object with the learning rate", options);
    expectOptions("optimizer", options, { ...JOINT_OPTIONS, ...kinds });
    const { learningRate, clipNorm, clipValue, groups = [] } = options;
    for (const [i, group] of groups.entries()) {
      expectRecord("optimizer", `groups[${i}]`, group, "options with `where`");
      expectOptions("optimizer", group, { where: "function", ...kinds });
      expectFunction("optimizer", `groups[${i}].where`, group.where);
    }
    if (clipNorm !== undefined) expectFinite("optimizer", "clipNorm", clipNorm, 0);
    if (clipValue !== undefined) expectFinite("optimizer", "clipValue", clipValue, 0);
    this.learningRate = learningRate;
    this.#clipNorm = clipNorm;
    this.#clipValue = clipValue;
    const names: string[][] = [...groups.map(() => []), []];
    for (const [name, parameter] of Object.entries(parameters)) {
      const found = groups.findIndex((group) => group.where(name, parameter));
      names.at(found)!.push(name);
    }
    const empty = groups.findIndex((_, i) => names[i]!.length === 0);
    if (empty >= 0) {
      throw new ValueError({
        op: "optimizer",
        argument: `groups[${empty}]`,
        expected: "at least one parameter of its own",
        received: "none",
        remedy: `Parameters are ${Object.keys(parameters).join(", ")}; the first group that fits takes one.`,
      });
    }
    this.#groups = [...groups, {}].map((own, i) => makeGroup(parameters, names[i]!, { ...options, ...own }, method));
  }

  /** Steps done. */
  get steps(): number {
    return this.#steps;
  }

  /** The learning rate of the next step; groups may have others. */
  get rate(): number {
    return rateAt(this.learningRate, this.#steps);
  }

  /**
   * One update of all parameters.
   * @param grads by the names of the parameters, or in the structure they were given in; freed, unless `keepGrads`
   * @throws ValueError for missing or unknown names, ShapeError and DTypeError for a gradient of another kind
   */
  step(gradients: TensorTree, options: StepOptions = {}): void {
    expectOptions("optimizer.step", options, STEP);
    const { when, keepGrads = false } = options;
    const grads = this.#byName(gradients);
    this.#expectMatching(grads);
    scope(() => {
      let ready = grads;
      if (this.#clipValue !== undefined) ready = clipByValue(ready, this.#clipValue, { keepGrads: true });
      if (this.#clipNorm !== undefined) ready = clipByGlobalNorm(ready, this.#clipNorm, { keepGrads: true });
      for (const group of this.#groups) this.#update(group, ready, when);
    }, "optimizer step");
    this.#steps++;
    if (keepGrads) return;
    for (const name in grads) grads[name]!.dispose("optimizer.step() took the gradients");
  }

  #update(group: Group, grads: Readonly<Record<string, Tensor>>, when: Tensor | undefined): void {
    const { method, learningRate, decay, decayScalar, members } = group;
    const rate = rateAt(learningRate, this.#steps);
    const scalars = [...method.scalars(rate, this.#steps + 1)];
    if (decay !== "none") scalars.push(decayScalar(rate));
    for (const name in members) method.rule.apply(members[name]!, grads[name]!, scalars, decay, when);
  }

  /** Most gradients come by name already. */
  #byName(gradients: TensorTree): Readonly<Record<string, Tensor>> {
    if (typeof gradients !== "object" || gradients === null) throw notGradients("grads", gradients);
    const named = gradients as Readonly<Record<string, Tensor>>;
    for (const name in this.parameters) if (!(name in named)) return namedTensors("optimizer.step", "grads", gradients);
    return named;
  }

  #expectMatching(grads: Readonly<Record<string, Tensor>>): void {
    for (const name in this.parameters) if (!(name in grads)) throw otherNames(this.parameters, grads);
    for (const name in grads) if (!(name in this.parameters)) throw otherNames(this.parameters, grads);
    for (const name in this.parameters) {
      const parameter = this.parameters[name]!;
      if (!isTensor(grads[name])) throw notGradients(`grads[${name}]`, grads[name]);
      grads[name]!.expectLive("optimizer.step");
      expectSameShape("optimizer.step", `grads[${name}]`, parameter.shape, grads[name]!.shape);
      expectSameDType("optimizer.step", `grads[${name}]`, parameter.dtype, grads[name]!.dtype);
    }
  }

  /** Gives back the memory of the optimizer's own state at once; the parameters stay. */
  dispose(): void {
    for (const slot of Object.values(this.state().tensors)) slot.dispose("its optimizer was disposed");
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Everything needed to continue. The tensors are the optimizer's own. */
  state(): OptimizerState {
    const tensors: Record<string, Tensor> = {};
    for (const { method, members } of this.#groups) {
      for (const [name, [, ...slots]] of Object.entries(members)) {
        for (const [i, slot] of slots.entries()) tensors[`${method.rule.slots[i]}.${name}`] = slot;
      }
    }
    return { steps: this.#steps, tensors };
  }

  /** Continues from a saved state. @throws ValueError when it belongs to other parameters */
  restore(state: OptimizerState): void {
    expectRecord("optimizer.restore", "state", state, "{ steps, tensors } as state() gives");
    const { steps, tensors } = state;
    expectInteger("optimizer.restore", "steps", steps, 0);
    expectRecord("optimizer.restore", "tensors", tensors, "tensors by name");
    const own = this.state().tensors as Record<string, Parameter>;
    for (const name of Object.keys(own)) {
      if (tensors[name]) {
        expectTensor("optimizer.restore", name, tensors[name]);
        expectSameShape("optimizer.restore", name, own[name]!.shape, tensors[name].shape);
        expectSameDType("optimizer.restore", name, own[name]!.dtype, tensors[name].dtype);
        continue;
      }
      throw new ValueError({
        op: "optimizer.restore",
        argument: "state",
        expected: `a value for ${name}`,
        received: "none",
        remedy: "Restore the state of the same kind of optimizer over the same parameters.",
      });
    }
    for (const [name, slot] of Object.entries(own)) slot.assign(tensors[name]!);
    this.#steps = steps;
  }
}

/** Options on top of a rule's defaults. @throws ValueError for what is no object of options */
export function withDefaults<D extends object, O extends object>(op: string, defaults: D, options: O): D & O {
  expectRecord(op, "options", options, "an object such as { learningRate }");
  return { ...defaults, ...options };
}

function rateAt(rate: LearningRate, step: number): number {
  if (typeof rate === "number") return rate;
  const value = rate(step);
  expectFinite("optimizer", `learningRate at step ${step}`, value, 0);
  return value;
}

/** The parameters of a tree by their paths. @throws ValueError for none, for a plain tensor, and for a parameter given twice */
export function parametersOf(op: string, tree: unknown): Record<string, Parameter> {
  const found = namedTensors(op, "parameters", tree);
  const other = Object.entries(found).find(([, value]) => !isParameter(value));
  if (!other && Object.keys(found).length > 0) return found as Record<string, Parameter>;
  throw new ValueError({
    op,
    argument: "parameters",
    expected: "modules or parameters",
    received: other ? `a plain tensor as ${other[0]}` : "none",
    remedy: "Give the model, or new Parameter(…) by names of yours.",
  });
}

function otherNames(parameters: object, grads: object): ValueError {
  const missing = Object.keys(parameters).filter((name) => !(name in grads));
  const unknown = Object.keys(grads).filter((name) => !(name in parameters));
  return new ValueError({
    op: "optimizer.step",
    argument: "grads",
    expected: "one gradient for each parameter, by the same names",
    received: `missing: ${missing.join(", ") || "none"}; unknown: ${unknown.join(", ") || "none"}`,
    remedy: "Give valueAndGrad and the optimizer the same parameters.",
  });
}

function notGradients(argument: string, received: unknown): ValueError {
  return new ValueError({
    op: "optimizer.step",
    argument,
    expected: argument === "grads" ? "gradients by name" : "a tensor",
    received: describeValue(received),
    remedy: "Give what valueAndGrad returns as grads.",
  });
}

function makeGroup<O extends RuleOptions>(
  parameters: Readonly<Record<string, Parameter>>,
  names: readonly string[],
  options: O,
  choose: (options: O) => Method,
): Group {
  const { learningRate, weightDecay = 0, weightDecayForm = "l2" } = options;
  if (typeof learningRate !== "function") expectFinite("optimizer", "learningRate", learningRate, 0);
  expectFinite("optimizer", "weightDecay", weightDecay, 0);
  const method = choose(options);
  const withState = (parameter: Parameter) => {
    const { shape, dtype, device } = parameter;
    const slots = method.rule.slots.map(() => new Parameter(full(shape, method.initial ?? 0, { dtype, device })));
    return [parameter, ...slots];
  };
  return {
    method,
    learningRate,
    ...decayOf(weightDecayForm, weightDecay),
    members: Object.fromEntries(names.map((name) => [name, withState(parameters[name]!)])),
  };
}

function decayOf(form: "l2" | "decoupled" | "book", lambda: number): Pick<Group, "decay" | "decayScalar"> {
  if (lambda === 0) return { decay: "none", decayScalar: () => 0 };
  if (form === "l2") return { decay: "l2", decayScalar: () => lambda };
  return { decay: "decoupled", decayScalar: (rate) => 1 - (form === "book" ? lambda : rate * lambda) };
}

/** @throws ValueError unless there are two decay rates */
export function expectBetas(op: string, betas: readonly number[]): void {
  if (!Array.isArray(betas) || betas.length !== 2) throw badValue(op, "betas", "two numbers", betas);
  for (const beta of betas) expectShare(op, "betas", beta, "numbers from 0 to below 1");
}
