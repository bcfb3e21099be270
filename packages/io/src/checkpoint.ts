/** Checkpoints: tensors and JSON state in one safetensors file, written as a whole or not at all. */
import { CheckpointError, ValueError } from "@neurite/core";
import { describeValue, expectOptions, expectRecord, type OptionKinds } from "@neurite/core/expect";
import { decodeSafetensors, encodeSafetensors, expectHostTensors, type HostTensor } from "./safetensors.js";
import { expectPlace, type Store } from "./store.js";

/** What a checkpoint holds. */
export interface Checkpoint {
  readonly tensors: Readonly<Record<string, HostTensor>>;
  /** JSON values only. */
  readonly state: unknown;
}

const CHECKPOINT: OptionKinds<Checkpoint> = { tensors: "any", state: "any" };

const FORMAT = "neurite checkpoint 1";
/** Objects within objects of a state. */
const MOST_LEVELS = 100;

/** FNV-1a over all tensors, in name order, and the state: finds damage that leaves the file readable. */
function checksum(tensors: Checkpoint["tensors"], state: string): string {
  let hash = 0x811c9dc5;
  const mix = (bytes: Uint8Array) => {
    for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  };
  const text = new TextEncoder();
  for (const name of Object.keys(tensors).sort()) {
    const { dtype, shape, data } = tensors[name]!;
    mix(text.encode(`${name} ${dtype} ${shape.join()}`));
    mix(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  mix(text.encode(state));
  return (hash >>> 0).toString(16).padStart(8, "0");
}

/** Writes a checkpoint. The same content gives the same bytes. @throws CheckpointError when it cannot be written */
export async function writeCheckpoint(store: Store, path: string, checkpoint: Checkpoint): Promise<void> {
  expectPlace("writeCheckpoint", store, path);
  expectRecord("writeCheckpoint", "checkpoint", checkpoint, "{ tensors, state }");
  expectOptions("writeCheckpoint", checkpoint, CHECKPOINT);
  const { tensors, state } = checkpoint;
  expectHostTensors("writeCheckpoint", tensors);
  expectJSON("state", state, []);
  const json = JSON.stringify(state);
  const metadata = { format: FORMAT, checksum: checksum(tensors, json), state: json };
  await store.write(path, encodeSafetensors({ tensors, metadata }));
}

/** Throws unless JSON gives a value back as it is; what is undefined in an object may be left out. */
function expectJSON(path: string, value: unknown, around: readonly unknown[]): void {
  const fail = (received: string): never => {
    throw new ValueError({
      op: "writeCheckpoint",
      argument: path,
      expected: "a value that JSON can hold",
      received,
      remedy: "Write numbers that are not finite as text or null, and data as tensors.",
    });
  };
  if (value === null || typeof value === "string" || typeof value === "boolean") return;
  if (typeof value === "number") {
    if (!Number.isFinite(value)) fail(String(value));
    return;
  }
  if (typeof value !== "object") fail(describeValue(value));
  if (around.includes(value)) fail("an object that contains itself");
  if (around.length >= MOST_LEVELS) fail(`more than ${MOST_LEVELS} levels`);
  const within = [...around, value];
  if (Array.isArray(value)) for (const [i, item] of value.entries()) expectJSON(`${path}[${i}]`, item, within);
  else if (Object.getPrototypeOf(value) !== Object.prototype && Object.getPrototypeOf(value) !== null) {
    fail(describeValue(value));
  } else {
    for (const [key, item] of Object.entries(value as object)) {
      if (item !== undefined) expectJSON(`${path}.${key}`, item, within);
    }
  }
}

/** @throws CheckpointError for a missing, damaged, truncated or foreign file, naming the file */
export async function readCheckpoint(store: Store, path: string): Promise<Checkpoint> {
  expectPlace("readCheckpoint", store, path);
  const bytes = await store.read(path);
  try {
    const { tensors, metadata } = decodeSafetensors(bytes);
    if (metadata.format !== FORMAT) throw foreign(metadata.format);
    const { state = "" } = metadata;
    const sum = checksum(tensors, state);
    if (sum !== metadata.checksum) throw altered(metadata.checksum, sum);
    return { tensors, state: parseState(state) };
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error;
    const { argument = "file", expected = "", received = "", remedy = "" } = error.info;
    throw new CheckpointError(
      { op: "readCheckpoint", argument: `${argument} of ${store.locate(path)}`, expected, received, remedy },
      { cause: error },
    );
  }
}

function parseState(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CheckpointError(
      { op: "readCheckpoint", argument: "state", expected: "JSON", received: "text of another form" },
      { cause },
    );
  }
}

function altered(expected: string | undefined, received: string): CheckpointError {
  return new CheckpointError({
    op: "readCheckpoint",
    argument: "checksum",
    expected: expected ?? "a checksum",
    received,
    remedy: "The file is damaged: a part of it was changed after it was written. Use an earlier copy of it.",
  });
}

function foreign(format: string | undefined): CheckpointError {
  return new CheckpointError({
    op: "readCheckpoint",
    argument: "format",
    expected: `"${FORMAT}"`,
    received: format === undefined ? "a safetensors file from elsewhere" : `"${format}"`,
    remedy: "Load bare weights with loadWeights().",
  });
}
