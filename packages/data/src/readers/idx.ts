/** IDX, the format of MNIST's files. */
import { type DType, hostArray, sizeOf, type TypedArray, ValueError } from "@neurite/core";
import { expectBytes } from "@neurite/core/expect";
import type { HostArrayOf } from "../collate.js";

interface Kind {
  readonly dtype: DType;
  readonly bytes: number;
  readonly read: (view: DataView, offset: number) => number;
}

/** By the third byte of a file. Numbers are big-endian. */
const KINDS: Readonly<Record<number, Kind>> = {
  8: { dtype: "uint8", bytes: 1, read: (view, offset) => view.getUint8(offset) },
  9: { dtype: "int32", bytes: 1, read: (view, offset) => view.getInt8(offset) },
  11: { dtype: "int32", bytes: 2, read: (view, offset) => view.getInt16(offset) },
  12: { dtype: "int32", bytes: 4, read: (view, offset) => view.getInt32(offset) },
  13: { dtype: "float32", bytes: 4, read: (view, offset) => view.getFloat32(offset) },
  14: { dtype: "float64", bytes: 8, read: (view, offset) => view.getFloat64(offset) },
};

function refuse(argument: string, expected: string, received: string): never {
  throw new ValueError({
    op: "readIdx",
    argument,
    expected,
    received,
    remedy: "Check that the file is whole and, if it ends in .gz, unpacked: await gunzip(bytes).",
  });
}

/**
 * The array in an IDX file, such as MNIST's images [n, 28, 28] or labels [n]; integers that are no bytes become int32.
 * @throws ValueError for a file that is cut, too long, packed or of another format
 * @example
 * const images = readIdx(await gunzip(bytes));
 */
export function readIdx(bytes: Uint8Array): HostArrayOf {
  expectBytes("readIdx", "bytes", bytes);
  const kind = bytes.length >= 4 && bytes[0] === 0 && bytes[1] === 0 ? KINDS[bytes[2]!] : undefined;
  if (!kind) {
    const start = Array.from(bytes.subarray(0, 4), (byte) => byte.toString(16).padStart(2, "0")).join(" ");
    return refuse("bytes", "the start of an IDX file (00 00, a type, the number of axes)", start || "nothing");
  }
  const rank = bytes[3]!;
  const head = 4 + 4 * rank;
  if (bytes.length < head) refuse("bytes", `${head} bytes of header`, String(bytes.length));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const shape = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i));
  const size = sizeOf(shape);
  if (bytes.length !== head + size * kind.bytes) {
    refuse("bytes", `${head + size * kind.bytes} bytes for shape [${shape.join(", ")}]`, String(bytes.length));
  }
  const data: TypedArray = hostArray(kind.dtype, size);
  for (let i = 0; i < size; i++) data[i] = kind.read(view, head + i * kind.bytes);
  return { dtype: kind.dtype, shape, data };
}

/**
 * Unpacks a gzip file with the platform's `DecompressionStream`; bytes that are not packed come back as they are.
 * @throws ValueError for a damaged file
 */
export async function gunzip(bytes: Uint8Array): Promise<Uint8Array> {
  expectBytes("gunzip", "bytes", bytes);
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    const packed = new Blob([Uint8Array.from(bytes)]).stream();
    return new Uint8Array(await new Response(packed.pipeThrough(new DecompressionStream("gzip"))).arrayBuffer());
  } catch (cause) {
    throw new ValueError(
      { op: "gunzip", argument: "bytes", expected: "a whole gzip file", received: "a damaged or cut one" },
      { cause },
    );
  }
}
