/** Function bodies: locals, loops and branches. Read next: `module.ts`. */
import { type Code, f32x4, type I32, i32, type Statement, unsigned, type V128, type ValueType } from "./code.js";

/** A local variable; reading it is code like any other. */
export interface Local<T extends ValueType> extends Code<T> {
  readonly index: number;
}

/** Parameters of a function by name. */
export type Parameters = Readonly<Record<string, ValueType>>;
export type ParameterLocals<P extends Parameters> = { readonly [K in keyof P]: Local<Exclude<P[K], undefined>> };

const TYPE_CODES: Record<ValueType, number> = { i32: 0x7f, f32: 0x7d, f64: 0x7c, v128: 0x7b };

export function typeCode(type: ValueType): number {
  return TYPE_CODES[type];
}

/** Writes one function's body. */
export class FunctionBuilder {
  readonly #parameters: number;
  readonly #locals: ValueType[] = [];
  readonly #bytes: number[] = [];
  readonly #constants = new Map<string, Local<"v128">>();
  /** Where code that must run before everything else is put. */
  readonly #prologue: number[] = [];

  constructor(parameters: number) {
    this.#parameters = parameters;
  }

  #local<T extends ValueType>(type: T): Local<T> {
    const index = this.#parameters + this.#locals.push(type) - 1;
    return { type, index, bytes: [0x20, ...unsigned(index)] };
  }

  /** A new variable, set to `initial` here (or 0). */
  variable<T extends ValueType>(type: T, initial?: Code<T>): Local<T> {
    const local = this.#local(type);
    if (initial) this.set(local, initial);
    return local;
  }

  /** A value kept in a variable, so that it is computed once. */
  keep<T extends ValueType>(value: Code<T>): Local<T> {
    return this.variable(value.type, value);
  }

  set<T extends ValueType>(local: Local<T>, value: Code<T>): void {
    this.#bytes.push(...value.bytes, 0x21, ...unsigned(local.index));
  }

  /** local += by */
  increase(local: Local<"i32">, by: I32 | number): void {
    this.set(local, i32.add(local, by));
  }

  do(...statements: readonly Statement[]): void {
    for (const { bytes } of statements) this.#bytes.push(...bytes);
  }

  /**
   * A vector constant, loaded into a variable before everything else: inside of loops the engine would rebuild it in
   * every round, which halves the speed of exp.
   */
  vector(value: number): V128 {
    return this.hoist(`f${Object.is(value, -0) ? "-0" : value}`, f32x4.const(value));
  }

  /** A value that depends on nothing, made once at the start. */
  hoist(key: string, code: V128): V128 {
    let local = this.#constants.get(key);
    if (!local) {
      local = this.#local("v128");
      this.#prologue.push(...code.bytes, 0x21, ...unsigned(local.index));
      this.#constants.set(key, local);
    }
    return local;
  }

  /** while (condition) body */
  while(condition: () => I32, body: () => void): void {
    this.#bytes.push(0x02, 0x40, 0x03, 0x40, ...i32.eqz(condition()).bytes, 0x0d, 1);
    body();
    this.#bytes.push(0x0c, 0, 0x0b, 0x0b);
  }

  /**
   * do body while (condition): for loops that run at least once, one branch a round.
   * @param times how often the body is written out; the condition is asked after each
   */
  repeat(body: () => void, condition: () => I32, times = 1): void {
    this.#bytes.push(0x02, 0x40, 0x03, 0x40);
    for (let i = 1; i < times; i++) {
      body();
      this.#bytes.push(...i32.eqz(condition()).bytes, 0x0d, 1);
    }
    body();
    this.#bytes.push(...condition().bytes, 0x0d, 0, 0x0b, 0x0b);
  }

  /** for (i = 0; i < count; i++) */
  times(count: I32, body: (i: Local<"i32">) => void): void {
    const i = this.variable("i32", i32.const(0));
    this.while(
      () => i32.ltU(i, count),
      () => {
        body(i);
        this.increase(i, 1);
      },
    );
  }

  if(condition: I32, then: () => void, otherwise?: () => void): void {
    this.#bytes.push(...condition.bytes, 0x04, 0x40);
    then();
    if (otherwise) {
      this.#bytes.push(0x05);
      otherwise();
    }
    this.#bytes.push(0x0b);
  }

  /** Leaves the function. */
  return(value?: I32): void {
    this.#bytes.push(...(value?.bytes ?? []), 0x0f);
  }

  /** Calls function number `index`. */
  call(index: number, ...args: readonly Code<ValueType>[]): void {
    for (const arg of args) this.#bytes.push(...arg.bytes);
    this.#bytes.push(0x10, ...unsigned(index));
  }

  /** The finished body, with its locals declared. */
  body(result?: Code<ValueType>): number[] {
    const runs: [ValueType, number][] = [];
    for (const type of this.#locals) {
      const last = runs[runs.length - 1];
      if (last && last[0] === type) last[1]++;
      else runs.push([type, 1]);
    }
    const declared = runs.flatMap(([type, count]) => [...unsigned(count), TYPE_CODES[type]]);
    const code = [...this.#prologue, ...this.#bytes, ...(result?.bytes ?? []), 0x0b];
    const bytes = [...unsigned(runs.length), ...declared, ...code];
    return [...unsigned(bytes.length), ...bytes];
  }
}
