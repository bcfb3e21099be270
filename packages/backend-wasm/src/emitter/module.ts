/** Modules: functions over one imported memory. */
import type { Code, I32, ValueType } from "./code.js";
import { unsigned } from "./code.js";
import { FunctionBuilder, type Local, type ParameterLocals, type Parameters, typeCode } from "./function.js";

interface FunctionEntry {
  readonly name: string | null;
  readonly parameters: readonly ValueType[];
  readonly hasResult: boolean;
  readonly body: readonly number[];
}

/** The memory a module will be given. */
export interface MemoryType {
  readonly shared: boolean;
  /** Pages of 64 KiB; must cover what the memory object declares. */
  readonly maximum: number;
}

/** Declares functions and gives the module's bytes. */
export class ModuleBuilder {
  readonly #functions: FunctionEntry[] = [];
  readonly #imports: { readonly name: string; readonly arity: number }[] = [];

  constructor(readonly memory: MemoryType) {}

  /** Declares an imported f64 → f64 function of the host; all imports come before the first function. Returns its number. */
  import(name: string, arity: number): number {
    const known = this.#imports.findIndex((one) => one.name === name);
    if (known >= 0) return known;
    if (this.#functions.length > 0) throw new Error("internal: imports come before functions");
    return this.#imports.push({ name, arity }) - 1;
  }

  /**
   * Defines a function and returns its number.
   * @param name exported under it, or null
   * @param build writes the body; code that it returns is the function's result
   */
  define<P extends Parameters>(
    name: string | null,
    parameters: P,
    build: (f: FunctionBuilder, parameters: ParameterLocals<P>) => unknown,
  ): number {
    const types = Object.values(parameters);
    const builder = new FunctionBuilder(types.length);
    const locals = Object.fromEntries(
      Object.entries(parameters).map(([key, type], index): [string, Local<ValueType>] => [
        key,
        { type, index, bytes: [0x20, ...unsigned(index)] },
      ]),
    );
    const result = build(builder, locals as ParameterLocals<P>) as I32 | undefined;
    const entry = { name, parameters: types, hasResult: !!result, body: builder.body(result) };
    return this.#imports.length + this.#functions.push(entry) - 1;
  }

  bytes(): Uint8Array<ArrayBuffer> {
    const text = (value: string) => [...unsigned(value.length), ...Array.from(value, (c) => c.charCodeAt(0))];
    const section = (id: number, items: readonly (readonly number[])[]) => {
      const content = [...unsigned(items.length)];
      for (const item of items) for (const byte of item) content.push(byte);
      return [id, ...unsigned(content.length), ...content];
    };
    const imports = this.#imports.length;
    const types = [
      ...this.#imports.map(({ arity }) => [0x60, arity, ...new Array<number>(arity).fill(0x7c), 1, 0x7c]),
      ...this.#functions.map(({ parameters, hasResult }) => [
        0x60,
        ...unsigned(parameters.length),
        ...parameters.map(typeCode),
        ...(hasResult ? [1, 0x7f] : [0]),
      ]),
    ];
    const { shared, maximum } = this.memory;
    const limits = shared ? [3, 0, ...unsigned(maximum)] : [0, 0];
    const imported = [
      [...text("host"), ...text("memory"), 2, ...limits],
      ...this.#imports.map(({ name }, type) => [...text("host"), ...text(name), 0, ...unsigned(type)]),
    ];
    const exported = this.#functions.flatMap(({ name }, i) =>
      name === null ? [] : [[...text(name), 0, ...unsigned(imports + i)]],
    );
    const parts = [
      [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      section(1, types),
      section(2, imported),
      section(
        3,
        this.#functions.map((_, i) => unsigned(imports + i)),
      ),
      section(7, exported),
      section(
        10,
        this.#functions.map(({ body }) => body),
      ),
    ];
    return new Uint8Array(parts.flat());
  }
}

/** The f64 result of calling host function `index`. */
export function callHost(index: number, ...args: readonly Code<"f64">[]): Code<"f64"> {
  return { type: "f64", bytes: [...args.flatMap((arg) => arg.bytes), 0x10, ...unsigned(index)] };
}
