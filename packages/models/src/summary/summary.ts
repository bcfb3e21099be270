/** What a network is made of, told without computing. Read first: `dry-device.ts`. */
import {
  bytesPerElement,
  type Device,
  type DType,
  forEachTensor,
  type Interceptor,
  type Parameter,
  type Shape,
  scope,
  type Tensor,
  withInterceptor,
  zeros,
} from "@neurite/core";
import { badValue, expectOptions, expectRecord, type OptionKinds } from "@neurite/core/expect";
import { Module, withForwardObserver } from "@neurite/layers";
import { dryDevice } from "./dry-device.js";
import { formatSummary } from "./format.js";
import { multiplyAddsOf } from "./multiply-adds.js";
import { type Field, fieldAfter, fieldOfInput } from "./receptive-field.js";

/** Shape of a float input, or shape and dtype. */
export type SummaryInput = Shape | { readonly shape: Shape; readonly dtype: DType };

/** One module that ran. Its numbers are its own: what belongs to a module below it is counted there, so columns add up. */
export interface SummaryRow {
  /** Path from the model, e.g. `features.0`; empty for the model itself. */
  readonly path: string;
  /** Name of its class. */
  readonly type: string;
  /** Modules around it. */
  readonly depth: number;
  /** Shapes of the tensors that its first call returned. */
  readonly outputs: readonly Shape[];
  /** Numbers that are trained. */
  readonly trainable: number;
  /** Numbers that are not, such as running statistics. */
  readonly untrained: number;
  /** Positions of the first input that an element of the result depends on, per spatial axis; null where it is all of them. */
  readonly receptiveField: readonly number[] | null;
  /** Multiplications with an addition in products of matrices and filters, over all calls. */
  readonly multiplyAdds: number;
}

export interface Summary {
  /** In the order in which they ran first. */
  readonly rows: readonly SummaryRow[];
  readonly trainable: number;
  readonly untrained: number;
  readonly multiplyAdds: number;
  /** Bytes of parameters and buffers. */
  readonly bytes: number;
  /** A table of 80 columns. */
  toString(): string;
}

interface Draft {
  readonly module: Module;
  readonly path: string;
  readonly depth: number;
  outputs: Shape[];
  field: Field | undefined;
  multiplyAdds: number;
  trainable: number;
  untrained: number;
}

/**
 * Runs `model` on inputs that have shapes only, in evaluation mode, and tells what it met: layers, shapes, parameters,
 * receptive fields, multiply-adds. Nothing is computed, no random number is drawn, and the model stays as it was; models
 * that are too large for this machine can be built with `device: dryDevice()`.
 * @param inputs a shape, batch included, or one input per argument of `forward`
 * @throws whatever the model throws for inputs of these shapes
 * @example
 * console.log(String(summary(new ResNet(18), [1, 224, 224, 3])));
 * summary(translator, [{ shape: [1, 11], dtype: "int32" }, { shape: [1, 19], dtype: "int32" }]).multiplyAdds;
 */
export function summary(model: Module, inputs: Shape | readonly SummaryInput[]): Summary {
  if (!(model instanceof Module)) {
    throw badValue("summary", "model", "a module", model);
  }
  const list = inputsOf(inputs);
  const paths = pathsOf(model);
  const dry = dryDevice();
  const run = new DryRun(dry, paths);
  const modes = [...paths.keys()].map((module) => [module, module.training] as const);
  model.eval();
  try {
    scope(() => {
      const tensors = list.map((entry) => zeros(...argumentsOf(entry, model, dry)));
      run.start(tensors[0]);
      withForwardObserver(
        (module, call) => run.enter(module, call),
        () => withInterceptor(run, () => void model.forward(...(tensors as never[]))),
      );
    });
  } finally {
    for (const [module, training] of modes) module.training = training;
  }
  return finish(model, run.drafts);
}

/** One input for each argument. @throws ValueError for what is no shape and no list of inputs */
function inputsOf(inputs: Shape | readonly SummaryInput[]): readonly SummaryInput[] {
  const example = "a shape such as [1, 28, 28], or a list with one shape or { shape, dtype } for each argument";
  if (!Array.isArray(inputs)) throw badValue("summary", "inputs", example, inputs, "Put a single input in brackets.");
  const list: readonly SummaryInput[] = inputs.every((entry) => typeof entry === "number")
    ? [inputs as Shape]
    : (inputs as readonly SummaryInput[]);
  for (const [i, entry] of list.entries()) {
    if (Array.isArray(entry)) continue;
    expectRecord("summary", `inputs[${i}]`, entry, "a shape or { shape, dtype }");
    expectOptions("summary", entry, INPUT);
  }
  return list;
}

const INPUT: OptionKinds<Exclude<SummaryInput, Shape>> = { shape: "list", dtype: "dtype" };

function argumentsOf(entry: SummaryInput, model: Module, device: Device): Parameters<typeof zeros> {
  if ("shape" in entry) return [entry.shape, { dtype: entry.dtype, device }];
  return [entry, { dtype: Object.values(model.parameters())[0]?.dtype ?? "float32", device }];
}

/** All modules of the model with their paths. */
function pathsOf(model: Module, path = "", found = new Map<Module, string>()): Map<Module, string> {
  if (found.has(model)) return found;
  found.set(model, path);
  for (const [name, child] of Object.entries(model.children())) pathsOf(child, path ? `${path}.${name}` : name, found);
  return found;
}

/** Moves each op to the dry device and notes it for the module that runs. */
class DryRun implements Interceptor {
  readonly drafts: Draft[] = [];
  readonly #rows = new Map<Module, Draft>();
  readonly #stack: Draft[] = [];
  readonly #fields = new Map<number, Field>();
  /** Stand-ins for tensors of other devices, such as parameters. */
  readonly #standIns = new Map<number, Tensor>();

  constructor(
    readonly device: Device,
    readonly paths: ReadonlyMap<Module, string>,
  ) {}

  start(input: Tensor | undefined): void {
    if (input) this.#fields.set(input.key, fieldOfInput(input));
  }

  enter(module: Module, call: () => unknown): unknown {
    const known = this.#rows.get(module);
    const draft = known ?? this.#draft(module);
    this.#stack.push(draft);
    try {
      const result = call();
      if (!known) this.#note(draft, result);
      return result;
    } finally {
      this.#stack.pop();
    }
  }

  #draft(module: Module): Draft {
    const draft: Draft = {
      module,
      path: this.paths.get(module) ?? "?",
      depth: this.#stack.length,
      outputs: [],
      field: undefined,
      multiplyAdds: 0,
      trainable: 0,
      untrained: 0,
    };
    this.#rows.set(module, draft);
    this.drafts.push(draft);
    return draft;
  }

  #note(draft: Draft, result: unknown): void {
    forEachTensor(result, (tensor) => {
      draft.outputs.push(tensor.shape);
      draft.field ??= this.#fields.get(tensor.key);
    });
  }

  intercept(...[op, inputs, attrs, aux, next]: Parameters<Interceptor["intercept"]>): Tensor[] {
    const here = attrs && typeof attrs === "object" && "device" in attrs ? { ...attrs, device: this.device } : attrs;
    const dry = inputs.map((tensor) => this.#standIn(tensor));
    const outs = next(op, dry, here, aux);
    const row = this.#stack.at(-1);
    if (row) row.multiplyAdds += multiplyAddsOf(op.name, dry, outs);
    const fields = inputs.map(({ key }) => this.#fields.get(key));
    for (const out of outs) {
      const field = fieldAfter(op.name, dry, attrs, out, fields);
      if (field) this.#fields.set(out.key, field);
    }
    return outs;
  }

  #standIn(tensor: Tensor): Tensor {
    if (tensor.device === this.device) return tensor;
    let standIn = this.#standIns.get(tensor.key);
    if (!standIn) {
      standIn = zeros(tensor.shape, { dtype: tensor.dtype, device: this.device });
      this.#standIns.set(tensor.key, standIn);
    }
    return standIn;
  }
}

/** Gives each parameter to the innermost module that has it, the first of several. */
function finish(model: Module, drafts: readonly Draft[]): Summary {
  const owners = new Map<Parameter, Draft>();
  for (const draft of drafts) {
    for (const parameter of Object.values(draft.module.stateDict())) {
      const owner = owners.get(parameter);
      if (!owner || draft.depth > owner.depth) owners.set(parameter, draft);
    }
  }
  const trained = new Set(Object.values(model.parameters()));
  let bytes = 0;
  for (const [parameter, owner] of owners) {
    owner[trained.has(parameter) ? "trainable" : "untrained"] += parameter.size;
    bytes += parameter.size * bytesPerElement(parameter.dtype);
  }
  const rows = drafts.map(
    ({ module, path, depth, outputs, field, multiplyAdds, trainable, untrained }): SummaryRow => ({
      path,
      type: module.constructor.name,
      depth,
      outputs,
      trainable,
      untrained,
      receptiveField: field === undefined || field === "all" ? null : field.axes.map(({ size }) => size),
      multiplyAdds,
    }),
  );
  const total = (name: "trainable" | "untrained" | "multiplyAdds") => rows.reduce((sum, row) => sum + row[name], 0);
  const facts = {
    rows,
    trainable: total("trainable"),
    untrained: total("untrained"),
    multiplyAdds: total("multiplyAdds"),
    bytes,
  };
  return { ...facts, toString: () => formatSummary(facts) };
}
