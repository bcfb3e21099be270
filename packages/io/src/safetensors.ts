/**
 * The safetensors format (https://github.com/huggingface/safetensors): 8 bytes of header length, a JSON header, then the
 * elements, little-endian. Equal content gives equal bytes: tensors stand in name order, and nothing else is written.
 */
import {
  CheckpointError,
  type DType,
  dtypeOf,
  expectShape,
  formatShape,
  hostArray,
  sizeOf,
  type TypedArray,
  UnsupportedError,
} from "@neurite/core";
import {
  describeValue,
  expectBytes,
  expectDType,
  expectOptions,
  expectRecord,
  expectText,
  type OptionKinds,
} from "@neurite/core/expect";

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

const same = (dtype: DType, bytes: number): Reader => ({ dtype, bytes, convert: null });
const converted = (dtype: DType, bytes: number, convert: Reader["convert"]): Reader => ({ dtype, bytes, convert });

const READERS: ReadonlyMap<string, Reader> = new Map([
  ["F32", same("float32", 4)],
  ["F64", same("float64", 8)],
  ["I32", same("int32", 4)],
  ["U8", same("uint8", 1)],
  ["BOOL", same("bool", 1)],
  ["F16", converted("float32", 2, (view, at) => smallFloat(view.getUint16(at, true), 5, 10))],
  ["BF16", converted("float32", 2, (view, at) => smallFloat(view.getUint16(at, true), 8, 7))],
  ["F8_E5M2", converted("float32", 1, (view, at) => smallFloat(view.getUint8(at), 5, 2))],
  ["F8_E4M3", converted("float32", 1, (view, at) => smallFloat(view.getUint8(at), 4, 3))],
  ["I8", converted("int32", 1, (view, at) => view.getInt8(at))],
  ["I16", converted("int32", 2, (view, at) => view.getInt16(at, true))],
  ["U16", converted("int32", 2, (view, at) => view.getUint16(at, true))],
  ["U32", converted("int32", 4, (view, at) => smallInteger(view.getUint32(at, true)))],
  ["I64", converted("int32", 8, (view, at) => smallInteger(view.getBigInt64(at, true)))],
  ["U64", converted("int32", 8, (view, at) => smallInteger(view.getBigUint64(at, true)))],
]);
/** Of the format, and not read here. */
const OTHERS = ["F4", "F6_E2M3", "F6_E3M2", "F8_E8M0", "C64"];

/** A float of one sign bit and these widths of exponent and fraction. With four bits of exponent there is no ∞, and one NaN. */
function smallFloat(bits: number, exponentBits: number, fractionBits: number): number {
  const sign = bits >> (exponentBits + fractionBits) ? -1 : 1;
  const top = 2 ** exponentBits - 1;
  const exponent = (bits >> fractionBits) & top;
  const fraction = (bits & (2 ** fractionBits - 1)) / 2 ** fractionBits;
  const bias = 2 ** (exponentBits - 1) - 1;
  if (exponent === 0) return sign * fraction * 2 ** (1 - bias);
  if (exponent === top && exponentBits === 4 && fraction === 0.875) return Number.NaN;
  if (exponent === top && exponentBits !== 4) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction) * 2 ** (exponent - bias);
}

/** Thrown for an element that is as it should be, but fits no dtype here. */
function smallInteger(value: bigint | number): number {
  const number = Number(value);
  if (number !== (number | 0)) throw unsupported("an element", "an integer from −2³¹ to 2³¹ − 1", `${value}`);
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
  for (const [key, value] of Object.entries(metadata)) expectText("encodeSafetensors", `metadata[${key}]`, value);
  const names = Object.keys(tensors).sort();
  const keys = Object.keys(metadata).sort();
  const entries: [string, unknown][] = [];
  if (keys.length > 0) entries.push(["__metadata__", Object.fromEntries(keys.map((key) => [key, metadata[key]]))]);
  let offset = 0;
  for (const name of names) {
    const { dtype, shape, data } = tensors[name]!;
    entries.push([name, { dtype: NAMES[dtype], shape, data_offsets: [offset, offset + data.byteLength] }]);
    offset += data.byteLength;
  }
  // fromEntries: a tensor may be called "__proto__"
  const header = Object.fromEntries(entries);
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

/** A file that is whole, with something that has no place here. */
function unsupported(part: string, expected: string, received: string): UnsupportedError {
  const remedy = "The file is in order; convert it with the tool that wrote it.";
  return new UnsupportedError({ op: "decodeSafetensors", argument: part, expected, received, remedy });
}

/**
 * Reads a file's bytes. 8- and 16-bit floats become float32, other integers int32.
 * @throws CheckpointError naming what is wrong, for any damaged, truncated or foreign file; UnsupportedError for a whole one
 * with a dtype that is not read here, or an integer beyond 32 bits
 */
export function decodeSafetensors(file: Uint8Array): TensorFile {
  expectBytes("decodeSafetensors", "file", file);
  const { header, start } = readHeader(file);
  const entries = Object.entries(header).flatMap(([name, entry]) =>
    name === "__metadata__" ? [] : [[name, expectEntry(name, entry)] as const],
  );
  expectFilled(entries, file.length - start);
  const tensors = entries.map(([name, entry]) => [name, readTensor(name, entry, file, start)] as const);
  return { tensors: Object.fromEntries(tensors), metadata: readMetadata(header.__metadata__) };
}

/** Throws unless the tensors lie one behind the other and fill the file. */
function expectFilled(entries: readonly (readonly [string, Entry])[], length: number): void {
  const ordered = entries.toSorted(
    ([, a], [, b]) => a.data_offsets[0] - b.data_offsets[0] || a.data_offsets[1] - b.data_offsets[1],
  );
  let end = 0;
  for (const [name, { data_offsets }] of ordered) {
    const [from, to] = data_offsets;
    if (from !== end)
      throw damaged(`tensor "${name}"`, `to begin at byte ${end}, where the one before it ends`, String(from));
    end = to;
  }
  if (end !== length) throw damaged("file", `${end} bytes of elements, as its header says`, String(length));
}

function readHeader(file: Uint8Array): { header: Record<string, unknown>; start: number } {
  if (file.length < 8) throw damaged("file", "at least 8 bytes", String(file.length));
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const length = view.getBigUint64(0, true);
  if (length > BigInt(file.length - 8)) {
    throw damaged("header", `at most ${file.length - 8} bytes`, `a length of ${length}`);
  }
  const start = 8 + Number(length);
  const { text, value } = parseHeader(file.subarray(8, start));
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw damaged("header", "a JSON object", describeValue(value));
  }
  const repeated = repeatedKey(text);
  if (repeated !== null) throw damaged("header", "each name once", `${repeated} twice`);
  return { header: value as Record<string, unknown>, start };
}

function parseHeader(bytes: Uint8Array): { text: string; value: unknown } {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return { text, value: JSON.parse(text) };
  } catch (error) {
    throw damaged("header", "JSON", "text of another form", error);
  }
}

/** A key, in quotes, that the outer object of valid JSON has twice; `JSON.parse` would take the last of them. */
function repeatedKey(json: string): string | null {
  const seen = new Set<string>();
  let depth = 0;
  for (const { 0: token, index } of json.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]]/g)) {
    if (token === "{" || token === "[") depth++;
    else if (token === "}" || token === "]") depth--;
    else if (depth === 1 && /^\s*:/.test(json.slice(index + token.length, index + token.length + 64))) {
      const key = JSON.stringify(JSON.parse(token));
      if (seen.has(key)) return key;
      seen.add(key);
    }
  }
  return null;
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

function expectEntry(name: string, entry: unknown): Entry {
  if (isEntry(entry)) return entry;
  throw damaged(`tensor "${name}"`, "dtype, shape and data_offsets", describeValue(entry));
}

function readTensor(name: string, entry: Entry, file: Uint8Array, start: number): HostTensor {
  const reader = READERS.get(entry.dtype);
  if (!reader) {
    const known = `a dtype of ${[...READERS.keys()].join(", ")}`;
    throw (OTHERS.includes(entry.dtype) ? unsupported : damaged)(`tensor "${name}"`, known, entry.dtype);
  }
  const [from, to] = entry.data_offsets;
  const length = sizeOf(entry.shape);
  if (to - from !== length * reader.bytes || start + to > file.length) {
    throw damaged(
      `tensor "${name}"`,
      `${length * reader.bytes} bytes within the file for ${entry.dtype} ${formatShape(entry.shape)}`,
      `offsets ${from} to ${to} of ${file.length - start} bytes`,
    );
  }
  const data = hostArray(reader.dtype, length);
  if (reader.convert) {
    // where the file itself lies: it may be a part of a larger buffer
    const view = new DataView(file.buffer, file.byteOffset + start + from, to - from);
    for (let i = 0; i < length; i++) data[i] = reader.convert(view, i * reader.bytes);
  } else new Uint8Array(data.buffer).set(file.subarray(start + from, start + to));
  return { dtype: reader.dtype, shape: entry.shape, data };
}

function readMetadata(value: unknown): Record<string, string> {
  if (value === undefined) return {};
  const isMap =
    typeof value === "object" && value !== null && Object.values(value).every((item) => typeof item === "string");
  if (!isMap) throw damaged("__metadata__", "an object of strings", describeValue(value));
  return value as Record<string, string>;
}
