/** Tensors from host data: numbers, nested arrays, typed arrays. */
import { type Device, defaultDevice } from "./device.js";
import { castNumber, type DType, dtypeOf, expectFits, fits, hostArray, type TypedArray } from "./dtype.js";
import { ShapeError } from "./errors.js";
import { badValue, expectOptions, type OptionKinds } from "./expect.js";
import { formatShape, MAX_RANK, type Shape } from "./shape.js";
import { fromHost, type Tensor } from "./tensor.js";

/** Numbers or booleans, nested to any depth. */
export type NestedArray = number | boolean | readonly NestedArray[];

export interface TensorOptions {
  /** Default: that of a typed array; `bool` for booleans; otherwise `float32`. */
  readonly dtype?: DType;
  /** Default: the nesting, or `[length]` of a typed array. */
  readonly shape?: Shape;
  /** Default: {@link defaultDevice}. */
  readonly device?: Device;
}

const OPTIONS: OptionKinds<TensorOptions> = { dtype: "dtype", shape: "list", device: "device" };

/**
 * A tensor from host data.
 *
 * @param data a number, nested arrays of numbers or booleans, which the dtype must hold, or a typed array, which is copied and cast
 * @throws ShapeError for ragged nesting or a shape that does not fit the data
 * @example
 * tensor([[1, 2], [3, 4]])                              // float32 [2, 2]
 * tensor(new Int32Array([0, 1, 2, 3]), { shape: [2, 2] }) // int32 [2, 2]
 */
export function tensor(data: NestedArray | TypedArray, options: TensorOptions = {}): Tensor {
  expectOptions("tensor", options, OPTIONS);
  const device = options.device ?? defaultDevice();
  if (ArrayBuffer.isView(data)) {
    const source = data as TypedArray;
    const natural = dtypeOf(source);
    const dtype = options.dtype ?? natural;
    const shape = options.shape ?? [source.length];
    if (dtype === natural) return fromHost(source, dtype, shape, device);
    const host = hostArray(dtype, source.length);
    // it has a dtype of its own, so this is a cast
    for (let i = 0; i < source.length; i++) host[i] = castNumber(source[i]!, dtype);
    return fromHost(host, dtype, shape, device);
  }
  const flat: number[] = [];
  const nesting = nestedShape(data as NestedArray);
  const sawBoolean = flatten(data as NestedArray, nesting, 0, flat);
  const dtype = options.dtype ?? (sawBoolean ? "bool" : "float32");
  return fromHost(convert(flat, dtype), dtype, options.shape ?? nesting, device);
}

function convert(values: ArrayLike<number>, dtype: DType): TypedArray {
  const host = hostArray(dtype, values.length);
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (dtype === "bool") host[i] = value !== 0 ? 1 : 0;
    else if (fits(value, dtype)) host[i] = value;
    else expectFits("tensor", `element ${i} of data`, value, dtype);
  }
  return host;
}

function nestedShape(data: NestedArray): number[] {
  const shape: number[] = [];
  let level: NestedArray | undefined = data;
  while (Array.isArray(level)) {
    if (shape.length === MAX_RANK) {
      throw new ShapeError({
        op: "tensor",
        argument: "data",
        expected: `arrays nested at most ${MAX_RANK} deep`,
        received: "deeper ones",
        remedy: "Check that no array contains itself.",
      });
    }
    shape.push(level.length);
    level = (level as readonly NestedArray[])[0];
  }
  return shape;
}

/** Appends the leaves to `out`; returns whether they are booleans. */
function flatten(data: NestedArray, shape: Shape, depth: number, out: number[]): boolean {
  if (!Array.isArray(data)) {
    if (depth !== shape.length) raggedError(shape, depth);
    if (typeof data !== "number" && typeof data !== "boolean") {
      const expected = "numbers, booleans, nested arrays of them, or a typed array";
      throw badValue("tensor", "data", expected, data, "Convert the data to numbers first.");
    }
    out.push(Number(data));
    return typeof data === "boolean";
  }
  if (depth >= shape.length || data.length !== shape[depth]) raggedError(shape, depth);
  let sawBoolean = false;
  for (const item of data) sawBoolean = flatten(item, shape, depth + 1, out) || sawBoolean;
  return sawBoolean;
}

function raggedError(shape: Shape, depth: number): never {
  throw new ShapeError({
    op: "tensor",
    argument: "data",
    expected: `nested arrays of equal lengths (${formatShape(shape)} by their first elements)`,
    received: `a different length or depth at level ${depth}`,
    remedy: "Pad the rows to one length.",
  });
}
