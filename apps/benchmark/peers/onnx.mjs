/**
 * Writes ONNX models: a graph of nodes as protocol-buffer bytes. Only what the benchmark's nets need of the format
 * (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto); field numbers are those of its messages.
 */

const VARINT = 0;
const BYTES = 2;
const FIXED32 = 5;
const encoder = new TextEncoder();

function varint(value) {
  const bytes = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    const low = Number(rest & 127n);
    rest >>= 7n;
    bytes.push(rest === 0n ? low : low | 128);
  } while (rest !== 0n);
  return Uint8Array.from(bytes);
}

const joined = (parts) => new Uint8Array(Buffer.concat(parts));
const key = (field, type) => varint((field << 3) | type);
const integer = (field, value) => joined([key(field, VARINT), varint(value)]);
const bytes = (field, value) => joined([key(field, BYTES), varint(value.length), value]);
const text = (field, value) => bytes(field, encoder.encode(value));
const float = (field, value) => joined([key(field, FIXED32), new Uint8Array(Float32Array.of(value).buffer)]);
const message = (field, ...parts) => bytes(field, joined(parts));

const FLOAT = 1;
const INT64 = 7;
/** Kinds of attribute values. */
const ATTRIBUTE = { float: 1, int: 2, text: 3, ints: 7 };

function attribute(name, value) {
  const typed = (kind, ...fields) => message(5, text(1, name), ...fields, integer(20, kind));
  if (Array.isArray(value)) return typed(ATTRIBUTE.ints, ...value.map((item) => integer(8, item)));
  if (typeof value === "string") return typed(ATTRIBUTE.text, text(4, value));
  return Number.isInteger(value) ? typed(ATTRIBUTE.int, integer(3, value)) : typed(ATTRIBUTE.float, float(2, value));
}

/** A float32 value's name and shape, for inputs and outputs; outputs may leave the shape to be inferred. */
function valueInfo(field, name, shape) {
  const dimensions = shape ? [message(2, ...shape.map((size) => message(1, integer(1, size))))] : [];
  return message(field, text(1, name), message(2, message(1, integer(1, FLOAT), ...dimensions)));
}

/** A graph under construction. Values are known by names. */
export class Graph {
  #nodes = [];
  #constants = [];
  #inputs = [];
  #count = 0;

  input(name, shape) {
    this.#inputs.push(valueInfo(11, name, shape));
    return name;
  }

  /** A constant float32 or int64 tensor. */
  constant(data, shape) {
    const name = `constant${this.#count++}`;
    const type = data instanceof BigInt64Array ? INT64 : FLOAT;
    const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const dimensions = shape.map((size) => integer(1, size));
    this.#constants.push(message(5, ...dimensions, integer(2, type), text(8, name), bytes(9, raw)));
    return name;
  }

  integers(...values) {
    return this.constant(BigInt64Array.from(values, BigInt), [values.length]);
  }

  /** Applies an operator; the name of its first output. An empty input name means that an input is absent. */
  node(operator, inputs, attributes = {}, outputs = 1) {
    const names = Array.from({ length: outputs }, () => `value${this.#count++}`);
    this.#nodes.push(
      message(
        1,
        ...inputs.map((name) => text(1, name)),
        ...names.map((name) => text(2, name)),
        text(4, operator),
        ...Object.entries(attributes).map(([name, value]) => attribute(name, value)),
      ),
    );
    return outputs === 1 ? names[0] : names;
  }

  /** The model's bytes. */
  model(output) {
    const graph = message(
      7,
      ...this.#nodes,
      text(2, "benchmark"),
      ...this.#constants,
      ...this.#inputs,
      valueInfo(12, output, null),
    );
    const IR_VERSION = 8;
    const OPSET = 17;
    return joined([integer(1, IR_VERSION), graph, message(8, text(1, ""), integer(2, OPSET))]);
  }
}
