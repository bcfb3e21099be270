/** neurite on one of its backends. Read next: the files beside this one, which hold the workloads. */
import { type Device, fromHost, type Tensor, VERSION } from "@neurite/core";
import type { Adapter, Prepared, Setting } from "../adapter.js";
import type { HostArray } from "../arrays.js";
import type { Workload } from "../workloads.js";
import { deviceOf } from "./device.js";
import { dispatchChains } from "./dispatch.js";
import { kernels } from "./kernels.js";
import { layers } from "./layers.js";
import { nets } from "./nets.js";

/** A workload's arrays on the device. */
export type Tensors = Readonly<Record<string, Tensor>>;
export type Kind = (place: { device: Device; tensors: Tensors; workload: Workload }) => Prepared;

const KINDS: Readonly<Record<string, Kind>> = { ...kernels, ...layers, ...nets, ...dispatchChains };

function upload(workload: Workload, arrays: Readonly<Record<string, HostArray>>, device: Device): Tensors {
  const specs = { ...workload.weights, ...workload.inputs };
  return Object.fromEntries(
    Object.entries(specs).map(([name, { shape, integer }]) => [
      name,
      fromHost(arrays[name]!, integer ? "int32" : "float32", shape, device),
    ]),
  );
}

export async function create(setting: Setting): Promise<Adapter> {
  const device = await deviceOf(setting);
  return {
    version: VERSION,
    open(workload, arrays) {
      const kind = KINDS[workload.kind];
      if (!kind) throw new Error(`internal: no code for ${workload.kind}`);
      return kind({ device, tensors: upload(workload, arrays, device), workload });
    },
  };
}
