/** Single kernels at sizes where arithmetic and memory count. */
import { matmul, normal, scope, softmax, type Tensor, tanh } from "@neurite/core";
import type { Workload } from "../workload.js";

function matmulWorkload(n: number, repeat: number): Workload {
  return {
    suite: "kernels",
    id: `matmul${n}`,
    flops: 2 * n ** 3,
    repeat,
    setUp(device) {
      const a = normal([n, n], 0, 1, { device });
      const b = normal([n, n], 0, 1, { device });
      return () => matmul(a, b).dispose();
    },
  };
}

function mapWorkload(id: string, shape: readonly number[], run: (x: Tensor) => void): Workload {
  return {
    suite: "kernels",
    id,
    repeat: 1,
    setUp(device) {
      const x = normal(shape, 0, 1, { device });
      return () => scope(() => run(x));
    },
  };
}

export const kernelSuite: readonly Workload[] = [
  matmulWorkload(128, 10),
  matmulWorkload(256, 2),
  matmulWorkload(512, 1),
  matmulWorkload(1024, 1),
  mapWorkload("tanh_1M", [1024, 1024], (x) => void tanh(x)),
  mapWorkload("softmax_1024x1024", [1024, 1024], (x) => void softmax(x)),
];
