/** Checkpoints: tensors and JSON state in one safetensors file, written as a whole or not at all. */
import { CheckpointError } from "@neurite/core";
import { decodeSafetensors, encodeSafetensors, type HostTensor } from "./safetensors.js";
import type { Store } from "./store.js";

/** What a checkpoint holds. */
export interface Checkpoint {
  readonly tensors: Readonly<Record<string, HostTensor>>;
  /** JSON values only. */
  readonly state: unknown;
}

const FORMAT = "neurite checkpoint 1";

/** Writes a checkpoint. The same content gives the same bytes. @throws CheckpointError when it cannot be written */
export async function writeCheckpoint(store: Store, path: string, { tensors, state }: Checkpoint): Promise<void> {
  const metadata = { format: FORMAT, state: JSON.stringify(state) };
  await store.write(path, encodeSafetensors({ tensors, metadata }));
}

/** @throws CheckpointError for a missing, damaged, truncated or foreign file, naming the file */
export async function readCheckpoint(store: Store, path: string): Promise<Checkpoint> {
  const bytes = await store.read(path);
  try {
    const { tensors, metadata } = decodeSafetensors(bytes);
    if (metadata.format !== FORMAT) throw foreign(metadata.format);
    return { tensors, state: JSON.parse(metadata.state ?? "") };
  } catch (error) {
    throw new CheckpointError(
      {
        op: "readCheckpoint",
        argument: path,
        expected: "a checkpoint of this library",
        received: error instanceof CheckpointError ? error.message : `unreadable state (${error})`,
      },
      { cause: error },
    );
  }
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
