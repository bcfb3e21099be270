/**
 * Update rules: what an optimizer does to one parameter, as elementwise expressions of its value, gradient and state. All
 * next values are outputs of one op, so a backend can compute them in one pass; otherwise each is a kernel of its own.
 */
import {
  assignResults,
  call,
  defineOp,
  type Expression,
  e,
  elementwise,
  input,
  inputsOf,
  type Parameter,
  scalar,
  substitute,
  type Tensor,
} from "@neurite/core";

/** How the weight decay enters: `l2` as g + λw, `decoupled` as κw in place of w, where κ = 1 − ηλ or 1 − λ; `none` when λ is 0. */
export type Decay = "none" | "l2" | "decoupled";

/** What a rule says of one element. */
export interface Next {
  /** What is subtracted from the weight, learning rate included. */
  readonly step: Expression;
  /** The state's next values, in the rule's order. */
  readonly slots: readonly Expression[];
}

/** The next values of weight and state in terms of inputs [w, g, ...slots] (and `when`, a bool, if gated) and scalars. */
export interface UpdateForm {
  readonly name: string;
  /** Next value of w, then of each slot. */
  readonly expressions: readonly Expression[];
  /** The same where `when` holds. */
  readonly open: readonly Expression[];
  readonly inputs: number;
  /** The rule's own, then λ or κ, if there is a decay. */
  readonly scalars: number;
}

export interface UpdateRule {
  readonly name: string;
  /** Names of the state that each parameter has. */
  readonly slots: readonly string[];
  /**
   * Takes one step: assigns weight and state their next values.
   * @param targets [w, ...slots]
   * @param scalars the rule's own, then λ or κ, if there is a decay
   * @param when bool scalar: where false, nothing changes
   */
  apply(targets: readonly Parameter[], gradient: Tensor, scalars: readonly number[], decay: Decay, when?: Tensor): void;
}

/** One kernel of the composition. */
interface Kernel {
  /** Positions among the op's inputs and then the results so far. */
  readonly uses: readonly number[];
  readonly run: (inputs: readonly Tensor[], scalars: readonly number[]) => Tensor;
}

interface UpdateAttrs {
  readonly form: UpdateForm;
  readonly scalars: readonly number[];
}

const compositions = /* @__PURE__ */ new WeakMap<UpdateForm, readonly Kernel[]>();

const updateOp = /* @__PURE__ */ defineOp<UpdateAttrs>({
  name: "optimizerUpdate",
  infer: (inputs, { form }) => form.expressions.map((_, i) => inputs[i === 0 ? 0 : i + 1]!),
  compose(inputs, { form, scalars }) {
    let kernels = compositions.get(form);
    if (!kernels) {
      kernels = compositionOf(form);
      compositions.set(form, kernels);
    }
    const known = [...inputs];
    for (const { uses, run } of kernels) {
      const operands = uses.map((at) => known[at]!);
      known.push(run(operands, scalars));
    }
    return [known.pop()!, ...known.slice(form.inputs)];
  },
  differentiable: false,
});

/** A kernel for each result: the slots' first, so that the weight's can read them. */
function compositionOf({ name, expressions, open, inputs, scalars }: UpdateForm): Kernel[] {
  const [weight, ...slots] = open;
  const known = new Map<Expression, Expression>();
  return [...slots, weight!].map((expression, i) => {
    // a value that a kernel before has made is read, not made again
    const own = i === slots.length ? 0 : i + 1;
    let short = replace(expression, known);
    known.set(expression, input(inputs + i));
    if (expressions !== open) short = gate(short, own, inputs);
    const uses = inputsOf(short);
    const dense: Expression[] = [];
    uses.forEach((use, position) => {
      dense[use] = input(position);
    });
    return { uses, run: elementwise(name, uses.length, scalars, () => substitute(short, dense)) };
  });
}

/** Next value number `index` where the last input holds, else the value that it has. */
function gate(next: Expression, index: number, inputs: number): Expression {
  return e.select(input(inputs - 1), next, input(index === 0 ? 0 : index + 1));
}

/** `expression` with the known subexpressions replaced. */
function replace(expression: Expression, known: ReadonlyMap<Expression, Expression>): Expression {
  const visit = (node: Expression): Expression =>
    known.get(node) ?? (node.kind === "call" ? call(node.fn, ...node.args.map(visit)) : node);
  return visit(expression);
}

/**
 * Makes an update rule.
 * @param slots names of the state
 * @param scalars number of the rule's own scalars
 * @param build the step and the state's next values from the gradient (with the L2 term in it), the state, the scalars
 */
export function updateRule(
  name: string,
  slots: readonly string[],
  scalars: number,
  build: (g: Expression, slots: readonly Expression[], scalars: readonly Expression[]) => Next,
): UpdateRule {
  type Forms = Partial<Record<Decay, UpdateForm>>;
  const [always, gated]: [Forms, Forms] = [{}, {}];
  const formOf = (decay: Decay, isGated: boolean) => {
    const forms = isGated ? gated : always;
    forms[decay] ??= makeForm(decay, isGated);
    return forms[decay];
  };
  const makeForm = (decay: Decay, gated: boolean): UpdateForm => {
    const [w, amount] = [input(0), scalar(scalars)];
    const g = decay === "l2" ? e.add(input(1), e.mul(amount, w)) : input(1);
    const own = Array.from({ length: scalars }, (_, i) => scalar(i));
    const next = build(
      g,
      slots.map((_, i) => input(i + 2)),
      own,
    );
    const kept = decay === "decoupled" ? e.mul(amount, w) : w;
    const open = [e.sub(kept, next.step), ...next.slots];
    const inputs = open.length + (gated ? 2 : 1);
    return {
      name,
      expressions: gated ? open.map((expression, i) => gate(expression, i, inputs)) : open,
      open,
      inputs,
      scalars: scalars + (decay === "none" ? 0 : 1),
    };
  };
  return {
    name,
    slots,
    apply(targets, gradient, values, decay, when) {
      const inputs: Tensor[] = [targets[0]!, gradient];
      for (let i = 1; i < targets.length; i++) inputs.push(targets[i]!);
      if (when) inputs.push(when);
      assignResults(updateOp, targets, inputs, { form: formOf(decay, when !== undefined), scalars: values });
    },
  };
}

/** A rule for each combination of flags, made when first asked for, so that optimizers of one kind share their kernels. */
export function ruleFamily(
  make: (...flags: readonly boolean[]) => UpdateRule,
): (...flags: readonly boolean[]) => UpdateRule {
  const made = new Map<string, UpdateRule>();
  return (...flags) => {
    const key = flags.join();
    let rule = made.get(key);
    if (!rule) {
      rule = make(...flags);
      made.set(key, rule);
    }
    return rule;
  };
}

/** ρ·average + (1 − ρ)·value, with 1 − ρ given. */
export function averaged(rho: Expression, rest: Expression, average: Expression, value: Expression): Expression {
  return e.add(e.mul(rho, average), e.mul(rest, value));
}
