/** Modules: functions over one imported memory. */
import type { Code, ValueType } from "./code.js";
import { unsigned } from "./code.js";
import { FunctionBuilder, type Local, type ParameterLocals, type Parameters, typeCode } from "./function.js";

interface FunctionEntry {
  readonly name: string | null;
  readonly parameters: readonly ValueType[];
  readonly result: ValueType | null;
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

  constructor(readonly memory: MemoryType) {}

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
    const result = build(builder, locals as ParameterLocals<P>) as Code<ValueType> | undefined;
    const entry = { name, parameters: types, result: result?.type ?? null, body: builder.body(result) };
    return this.#functions.push(entry) - 1;
  }

  bytes(): Uint8Array<ArrayBuffer> {
    const text = (value: string) => [...unsigned(value.length), ...Array.from(value, (c) => c.charCodeAt(0))];
    const section = (id: number, items: readonly (readonly number[])[]) => {
      const content = [...unsigned(items.length)];
      for (const item of items) for (const byte of item) content.push(byte);
      return [id, ...unsigned(content.length), ...content];
    };
    const types = this.#functions.map(({ parameters, result }) => [
      0x60,
      ...unsigned(parameters.length),
      ...parameters.map(typeCode),
      ...(result ? [1, typeCode(result)] : [0]),
    ]);
    const { shared, maximum } = this.memory;
    const limits = shared ? [3, 0, ...unsigned(maximum)] : [0, 0];
    const imported = [[...text("host"), ...text("memory"), 2, ...limits]];
    const exported = this.#functions.flatMap(({ name }, i) =>
      name === null ? [] : [[...text(name), 0, ...unsigned(i)]],
    );
    const parts = [
      [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      section(1, types),
      section(2, imported),
      section(
        3,
        this.#functions.map((_, i) => unsigned(i)),
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

/** The result of calling function number `index`. */
export function callFunction<T extends ValueType>(
  type: T,
  index: number,
  ...args: readonly Code<ValueType>[]
): Code<T> {
  return { type, bytes: [...args.flatMap((arg) => arg.bytes), 0x10, ...unsigned(index)] };
}
