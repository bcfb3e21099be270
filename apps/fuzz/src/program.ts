/** Random programs: tensors, views, aliases, parameters, optimizer steps and reads under way, on any device. */
import { valueAndGrad } from "@neurite/autograd";
import {
  add,
  copy,
  type Device,
  expand,
  flip,
  fromHost,
  layerNorm,
  matmul,
  mean,
  mul,
  Parameter,
  scope,
  slice,
  softmax,
  square,
  sub,
  type Tensor,
  type TypedArray,
  tanh,
  transpose,
} from "@neurite/core";
import { Adam, type Optimizer, SGD } from "@neurite/optimizers";
import * as fc from "fast-check";
import { Misbehaviour } from "./call.js";

/** Numbers that choose what a command works on: taken modulo how many there are. */
interface Picks {
  readonly a: number;
  readonly b: number;
}

type Command = { readonly do: CommandName } & Picks;

/** Square matrices go in and one comes out, whose elements stay near 0. */
const OPS: readonly ((a: Tensor, b: Tensor) => Tensor)[] = [
  (a, b) => tanh(add(a, b)),
  (a, b) => sub(a, mul(b, 0.5)),
  (a, b) => tanh(matmul(a, b)),
  (a) => softmax(a),
  (a) => layerNorm(a, { eps: 0.1 }),
  (a) => copy(a),
  (a) => mul(a, 0.5),
];

const VIEWS: readonly ((a: Tensor) => Tensor)[] = [
  (a) => transpose(a),
  (a) => flip(a, 0),
  (a) => flip(a, [0, 1]),
  (a) => expand(slice(a, [[0, 1]]), a.shape),
];

const OPTIMIZERS: readonly ((parameters: Record<string, Parameter>) => Optimizer)[] = [
  (parameters) => new SGD(parameters, { learningRate: 0.1 }),
  (parameters) => new SGD(parameters, { learningRate: 0.1, momentum: 0.9 }),
  // a large epsilon: a step must not turn round with the sign of a gradient near 0
  (parameters) => new Adam(parameters, { learningRate: 0.05, epsilon: 0.1 }),
];

/** What a read gave, and after which command. */
interface Reading {
  readonly command: number;
  readonly data: TypedArray;
}

/** Runs one program on one device. */
class Machine {
  readonly #tensors: Tensor[] = [];
  readonly #parameters: Parameter[] = [];
  readonly #optimizers: Optimizer[] = [];
  readonly #reads: Promise<Reading>[] = [];
  #underWay = 0;
  /** Storages after each command; null while a read holds some. */
  readonly storages: (number | null)[] = [];

  constructor(
    readonly device: Device,
    readonly side: number,
  ) {}

  async run(program: readonly Command[]): Promise<Reading[]> {
    for (const [i, command] of program.entries()) {
      await COMMANDS[command.do].call(this, command, i);
      this.storages.push(this.#underWay > 0 ? null : this.device.memory().storages);
    }
    for (const tensor of [...this.#tensors, ...this.#parameters]) this.#read(tensor, program.length);
    const readings = await Promise.all(this.#reads);
    for (const tensor of [...this.#tensors, ...this.#parameters]) tensor.dispose();
    for (const optimizer of this.#optimizers)
      for (const slot of Object.values(optimizer.state().tensors)) slot.dispose();
    return readings;
  }

  make({ a }: Picks): void {
    const { side } = this;
    const data = Float32Array.from({ length: side * side }, (_, i) => ((((i + 3) * (a + 7) * 31) % 97) - 48) / 48);
    this.#tensors.push(fromHost(data, "float32", [side, side], this.device));
  }

  /** Any matrix: a tensor or a parameter; a new one where there is none. */
  #any(pick: number): Tensor {
    if (this.#tensors.length + this.#parameters.length === 0) this.make({ a: pick, b: 0 });
    const all = [...this.#tensors, ...this.#parameters];
    return all[pick % all.length]!;
  }

  #hold(tensor: Tensor): void {
    // an op may give its input back
    this.#tensors.push([...this.#tensors, ...this.#parameters].includes(tensor as Parameter) ? tensor.alias() : tensor);
  }

  op({ a, b }: Picks): void {
    const [x, y] = [this.#any(a), this.#any(b)];
    this.#hold(scope(() => OPS[(a + b) % OPS.length]!(x, y)));
  }

  view({ a, b }: Picks): void {
    const x = this.#any(a);
    this.#hold(scope(() => VIEWS[b % VIEWS.length]!(x)));
  }

  alias({ a }: Picks): void {
    this.#tensors.push(this.#any(a).alias());
  }

  dispose({ a }: Picks): void {
    if (this.#tensors.length > 0) this.#tensors.splice(a % this.#tensors.length, 1)[0]!.dispose();
  }

  parameter({ a }: Picks): void {
    this.#parameters.push(new Parameter(copy(this.#any(a))));
  }

  assign({ a, b }: Picks): void {
    if (this.#parameters.length === 0) return;
    const target = this.#parameters[a % this.#parameters.length]!;
    target.assign(this.#any(b)); // they share a storage from now on
  }

  optimizer({ a }: Picks): void {
    if (this.#parameters.length === 0) return;
    this.#optimizers.push(
      OPTIMIZERS[a % OPTIMIZERS.length]!(Object.fromEntries(this.#parameters.map((p, i) => [`p${i}`, p]))),
    );
  }

  step({ a, b }: Picks): void {
    if (this.#optimizers.length === 0) return;
    const optimizer = this.#optimizers[a % this.#optimizers.length]!;
    const x = this.#any(b);
    const held = optimizer.parameters;
    const { value, grads } = valueAndGrad(
      () =>
        Object.values(held)
          .map((p) => mean(square(sub(tanh(matmul(p, x)), x))))
          .reduce((sum, term) => add(sum, term)),
      held,
    )();
    optimizer.step(grads);
    value.dispose();
  }

  #read(tensor: Tensor, command: number): void {
    this.#underWay++;
    const read = tensor.data().finally(() => this.#underWay--);
    this.#reads.push(read.then((data) => ({ command, data })));
  }

  read({ a }: Picks, command: number): void {
    this.#read(this.#any(a), command);
  }

  async settle(): Promise<void> {
    await Promise.all(this.#reads);
  }
}

const COMMANDS = {
  make: Machine.prototype.make,
  op: Machine.prototype.op,
  view: Machine.prototype.view,
  alias: Machine.prototype.alias,
  dispose: Machine.prototype.dispose,
  parameter: Machine.prototype.parameter,
  assign: Machine.prototype.assign,
  optimizer: Machine.prototype.optimizer,
  step: Machine.prototype.step,
  read: Machine.prototype.read,
  settle: Machine.prototype.settle,
} satisfies Record<string, (this: Machine, picks: Picks, command: number) => void | Promise<void>>;

type CommandName = keyof typeof COMMANDS;

export interface Program {
  readonly side: number;
  readonly commands: readonly Command[];
}

const pick = fc.nat(30);
const NAMES = Object.keys(COMMANDS) as CommandName[];
/** What happens often in a training: ops, views and steps. */
const FREQUENT: readonly CommandName[] = ["op", "op", "view", "step", "step", "read"];

export const programs: fc.Arbitrary<Program> = fc.record({
  // one that a kernel does with one number, one below a vector, one above, one that several threads share
  side: fc.constantFrom(1, 3, 5, 8, 33),
  commands: fc.array(fc.record({ do: fc.constantFrom(...NAMES, ...FREQUENT), a: pick, b: pick }), {
    minLength: 1,
    maxLength: 40,
    size: "max",
  }),
});

export function describeProgram({ side, commands }: Program): string {
  return [
    `a program on [${side}, ${side}] matrices`,
    ...commands.map(({ do: name, a, b }) => `  ${name} ${a} ${b}`),
  ].join("\n");
}

interface Run {
  readonly readings: readonly Reading[];
  readonly storages: readonly (number | null)[];
}

async function runOn(device: Device, { side, commands }: Program): Promise<Run> {
  const before = device.memory().storages;
  const machine = new Machine(device, side);
  const readings = await machine.run(commands);
  const left = device.memory().storages - before;
  if (left !== 0) throw new Misbehaviour(`${left} storages are left behind`);
  return { readings, storages: machine.storages.map((count) => (count === null ? null : count - before)) };
}

/** Errors grow from op to op; the numbers themselves stay below 4. */
const LIMIT = 2e-3;

/** What differs between two devices, in words; null when nothing does. */
export async function programDifference(device: Device, reference: Device, program: Program): Promise<string | null> {
  const [actual, expected] = [await runOn(device, program), await runOn(reference, program)];
  const place = expected.storages.findIndex((count, i) => count !== null && (actual.storages[i] ?? count) !== count);
  if (place >= 0) {
    return `after command ${place} there are ${actual.storages[place]} storages, not ${expected.storages[place]}`;
  }
  for (const [i, { command, data }] of expected.readings.entries()) {
    const read = actual.readings[i]!.data;
    const at = data.findIndex((wanted, k) => !(Math.abs(read[k]! - wanted) <= LIMIT) && !Object.is(read[k], wanted));
    if (at >= 0) return `read ${i}, begun at command ${command}, has ${read[at]} at element ${at}, not ${data[at]}`;
  }
  return null;
}
