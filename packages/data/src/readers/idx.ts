/** IDX, the format of MNIST's files. */
import { type DType, hostArray, sizeOf, type TypedArray, UnsupportedError, ValueError } from "@neurite/core";
import { expectBytes, expectOptions, type OptionKinds } from "@neurite/core/expect";
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

export interface GunzipOptions {
  /** Largest size of what comes out: a gzip file of a megabyte can hold a gigabyte of zeros. Default 1 GiB. */
  readonly maximumBytes?: number;
}

const GUNZIP: OptionKinds<GunzipOptions> = { maximumBytes: "size" };

/**
 * Unpacks a gzip file with the platform's `DecompressionStream`; bytes that are not packed come back as they are.
 * @throws ValueError for a damaged file, UnsupportedError for one that holds more than allowed
 */
export async function gunzip(bytes: Uint8Array, options: GunzipOptions = {}): Promise<Uint8Array> {
  expectBytes("gunzip", "bytes", bytes);
  expectOptions("gunzip", options, GUNZIP);
  const { maximumBytes = 2 ** 30 } = options;
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  const unpacked = new Blob([Uint8Array.from(bytes)]).stream().pipeThrough(new DecompressionStream("gzip")).getReader();
  const parts: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await unpacked.read().catch((cause: unknown) => {
      throw new ValueError(
        { op: "gunzip", argument: "bytes", expected: "a whole gzip file", received: "a damaged or cut one" },
        { cause },
      );
    });
    if (done) break;
    length += value.length;
    if (length > maximumBytes) {
      await unpacked.cancel();
      throw new UnsupportedError({
        op: "gunzip",
        argument: "bytes",
        expected: `at most ${maximumBytes} bytes in the file`,
        received: "more",
        remedy: "If the file is what you expect, allow more: { maximumBytes }.",
      });
    }
    parts.push(value);
  }
  const all = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
