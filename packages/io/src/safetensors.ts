/**
 * The safetensors format (https://github.com/huggingface/safetensors): 8 bytes of header length, a JSON header, then the
 * elements, little-endian. Equal content gives equal bytes: tensors stand in name order, and nothing else is written.
 */
import {
  bytesPerElement,
  CheckpointError,
  type DType,
  dtypeOf,
  expectShape,
  formatShape,
  hostArray,
  sizeOf,
  type TypedArray,
} from "@neurite/core";
import { expectBytes, expectDType, expectOptions, expectRecord, type OptionKinds } from "@neurite/core/expect";

/** A tensor in host memory. */
export interface HostTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Row-major. */
  readonly data: TypedArray;
}

export interface TensorFile {
  readonly tensors: Readonly<Record<string, HostTensor>>;
  readonly metadata: Readonly<Record<string, string>>;
}

const NAMES: Record<DType, string> = { float32: "F32", float64: "F64", int32: "I32", uint8: "U8", bool: "BOOL" };

interface Reader {
  readonly dtype: DType;
  readonly bytes: number;
  /** Null where the stored bytes are those of the host array. */
  readonly convert: ((view: DataView, at: number) => number) | null;
}

const READERS: Record<string, Reader> = {
  F32: { dtype: "float32", bytes: 4, convert: null },
  F64: { dtype: "float64", bytes: 8, convert: null },
  I32: { dtype: "int32", bytes: 4, convert: null },
  U8: { dtype: "uint8", bytes: 1, convert: null },
  BOOL: { dtype: "bool", bytes: 1, convert: null },
  F16: { dtype: "float32", bytes: 2, convert: (view, at) => halfToNumber(view.getUint16(at, true)) },
  BF16: { dtype: "float32", bytes: 2, convert: (view, at) => bfloatToNumber(view.getUint16(at, true)) },
  I8: { dtype: "int32", bytes: 1, convert: (view, at) => view.getInt8(at) },
  I16: { dtype: "int32", bytes: 2, convert: (view, at) => view.getInt16(at, true) },
  U16: { dtype: "int32", bytes: 2, convert: (view, at) => view.getUint16(at, true) },
  I64: { dtype: "int32", bytes: 8, convert: (view, at) => smallInteger(view.getBigInt64(at, true)) },
};

function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const word = new DataView(new ArrayBuffer(4));
function bfloatToNumber(bits: number): number {
  word.setUint32(0, bits << 16);
  return word.getFloat32(0);
}

function smallInteger(value: bigint): number {
  const number = Number(value);
  if (number !== (number | 0)) throw damaged("an element", "an integer of 32 bits", `${value}`);
  return number;
}

const FILE: OptionKinds<TensorFile> = { tensors: "any", metadata: "any" };

/** Throws unless `tensors` are tensors in host memory, by name. */
export function expectHostTensors(op: string, tensors: unknown): void {
  expectRecord(op, "tensors", tensors, "tensors in host memory by name");
  for (const [name, tensor] of Object.entries(tensors)) {
    expectRecord(op, `tensors[${name}]`, tensor, "{ dtype, shape, data }");
    const { dtype, shape, data } = tensor as HostTensor;
    expectDType(op, `tensors[${name}].dtype`, dtype);
    expectShape(op, shape);
    dtypeOf(data);
  }
}

/** The file's bytes. Metadata keys are sorted too. */
export function encodeSafetensors(file: TensorFile): Uint8Array {
  expectRecord("encodeSafetensors", "file", file, "{ tensors, metadata }");
  expectOptions("encodeSafetensors", file, FILE);
  const { tensors, metadata } = file;
  expectHostTensors("encodeSafetensors", tensors);
  expectRecord("encodeSafetensors", "metadata", metadata, "an object of strings");
  const names = Object.keys(tensors).sort();
  const header: Record<string, unknown> = {};
  const keys = Object.keys(metadata).sort();
  if (keys.length > 0) header.__metadata__ = Object.fromEntries(keys.map((key) => [key, metadata[key]]));
  let offset = 0;
  for (const name of names) {
    const { dtype, shape, data } = tensors[name]!;
    header[name] = { dtype: NAMES[dtype], shape, data_offsets: [offset, offset + data.byteLength] };
    offset += data.byteLength;
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  // the elements start at a multiple of 8, so that readers can map them in place
  const headerBytes = Math.ceil(json.length / 8) * 8;
  const bytes = new Uint8Array(8 + headerBytes + offset).fill(0x20, 8, 8 + headerBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerBytes), true);
  bytes.set(json, 8);
  let at = 8 + headerBytes;
  for (const name of names) {
    const { data } = tensors[name]!;
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return bytes;
}

function damaged(part: string, expected: string, received: string, cause?: unknown): CheckpointError {
  return new CheckpointError(
    {
      op: "decodeSafetensors",
      argument: part,
      expected,
      received,
      remedy: "The file is damaged, cut short, or not in the safetensors format; use an earlier copy of it.",
    },
    { cause },
  );
}

/**
 * Reads a file's bytes. 16-bit floats become float32, other integers int32.
 * @throws CheckpointError naming what is wrong, for any damaged, truncated or foreign file
 */
export function decodeSafetensors(file: Uint8Array): TensorFile {
  expectBytes("decodeSafetensors", "file", file);
  const { header, start } = readHeader(file);
  const tensors: Record<string, HostTensor> = {};
  let end = 0;
  for (const [name, entry] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    tensors[name] = readTensor(name, entry, file, start);
    end = Math.max(end, (entry as Entry).data_offsets[1]);
  }
  if (start + end !== file.length) {
    throw damaged("file", `${start + end} bytes, as its header says`, String(file.length));
  }
  return { tensors, metadata: readMetadata(header.__metadata__) };
}

function readHeader(file: Uint8Array): { header: Record<string, unknown>; start: number } {
  if (file.length < 8) throw damaged("file", "at least 8 bytes", String(file.length));
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const length = view.getBigUint64(0, true);
  if (length > BigInt(file.length - 8)) {
    throw damaged("header", `at most ${file.length - 8} bytes`, `a length of ${length}`);
  }
  const start = 8 + Number(length);
  try {
    const header: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(file.subarray(8, start)));
    if (typeof header === "object" && header !== null && !Array.isArray(header)) {
      return { header: header as Record<string, unknown>, start };
    }
    throw damaged("header", "a JSON object", Array.isArray(header) ? "an array" : typeof header);
  } catch (error) {
    if (error instanceof CheckpointError) throw error;
    throw damaged("header", "JSON", "something else", error);
  }
}

interface Entry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isEntry(value: unknown): value is Entry {
  const entry = value as Entry | null;
  return (
    typeof entry === "object" &&
    entry !== null &&
    typeof entry.dtype === "string" &&
    Array.isArray(entry.shape) &&
    entry.shape.every(isWhole) &&
    Array.isArray(entry.data_offsets) &&
    entry.data_offsets.length === 2 &&
    entry.data_offsets.every(isWhole)
  );
}

function readTensor(name: string, entry: unknown, file: Uint8Array, start: number): HostTensor {
  if (!isEntry(entry)) throw damaged(`tensor "${name}"`, "dtype, shape and data_offsets", JSON.stringify(entry));
  const reader = READERS[entry.dtype];
  if (!reader) throw damaged(`tensor "${name}"`, `a dtype of ${Object.keys(READERS).join(", ")}`, entry.dtype);
  const [from, to] = entry.data_offsets;
  const length = sizeOf(entry.shape);
  if (to - from !== length * reader.bytes || start + to > file.length) {
    throw damaged(
      `tensor "${name}"`,
      `${length * reader.bytes} bytes within the file for ${entry.dtype} ${formatShape(entry.shape)}`,
      `offsets ${from} to ${to} of ${file.length - start} bytes`,
    );
  }
  // a copy: the part of the file need not be aligned
  const bytes = file.slice(start + from, start + to);
  const data = hostArray(reader.dtype, length);
  if (reader.convert) {
    const view = new DataView(bytes.buffer);
    for (let i = 0; i < length; i++) data[i] = reader.convert(view, i * reader.bytes);
  } else new Uint8Array(data.buffer, 0, length * bytesPerElement(reader.dtype)).set(bytes);
  return { dtype: reader.dtype, shape: entry.shape, data };
}

function readMetadata(value: unknown): Record<string, string> {
  if (value === undefined) return {};
  const isMap =
    typeof value === "object" && value !== null && Object.values(value).every((item) => typeof item === "string");
  if (!isMap) throw damaged("__metadata__", "an object of strings", JSON.stringify(value));
  return value as Record<string, string>;
}
