/** Single kernels at sizes where arithmetic and memory count. */
import { valueAndGrad } from "@neurite/autograd";
import { conv2d, matmul, normal, scope, softmax, sum, type Tensor, tanh } from "@neurite/core";
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

const IMAGES = [8, 56, 56, 64];
const FILTERS = [3, 3, 64, 64];
const CONVOLUTION_FLOPS = 2 * IMAGES.reduce((a, b) => a * b) * 9 * 64;

const convolution: Workload = {
  suite: "kernels",
  id: "conv_fwd",
  flops: CONVOLUTION_FLOPS,
  repeat: 1,
  setUp(device) {
    const x = normal(IMAGES, 0, 1, { device });
    const filters = normal(FILTERS, 0, 0.1, { device });
    return () => conv2d(x, filters, { padding: 1 }).dispose();
  },
};

/** Forward, and the gradients by images and filters. */
const convolutionGradients: Workload = {
  suite: "kernels",
  id: "conv_fwd_bwd",
  flops: 3 * CONVOLUTION_FLOPS,
  repeat: 1,
  setUp(device) {
    const parameters = [normal(IMAGES, 0, 1, { device }), normal(FILTERS, 0, 0.1, { device })] as const;
    const step = valueAndGrad(() => sum(conv2d(parameters[0], parameters[1], { padding: 1 })), parameters);
    return () => {
      for (const gradient of step().grads) gradient.dispose();
    };
  },
};

export const kernelSuite: readonly Workload[] = [
  matmulWorkload(128, 10),
  matmulWorkload(256, 2),
  matmulWorkload(512, 1),
  matmulWorkload(1024, 1),
  convolution,
  convolutionGradients,
  mapWorkload("tanh_1M", [1024, 1024], (x) => void tanh(x)),
  mapWorkload("softmax_1024x1024", [1024, 1024], (x) => void softmax(x)),
];
