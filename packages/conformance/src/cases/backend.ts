/** The contract of a backend itself: storages, limits, names. */
import { add, Device, DTYPES, fromHost, full, hostArray, mul, sum } from "@neurite/core";
import { some, tensorOf, valuesOf } from "../call.js";
import { ALL, type Case } from "../case.js";
import { expectEqual, expectThat } from "../compare.js";

const REQUIRED = [
  "fill",
  "copy",
  "map",
  "reduce",
  "argReduce",
  "matmul",
  "gather",
  "scatterAdd",
  "pad",
  "concat",
] as const;

export const backendCase: Case = {
  op: "backend",
  storage: true,
  checks: [
    {
      name: "has a name, version 1 of the contract, every required kernel and sane limits",
      run({ device: { backend } }) {
        expectThat(typeof backend.name === "string" && backend.name.length > 0, "it has no name");
        expectThat(backend.spec === 1, `its contract has version ${backend.spec}`);
        const missing = REQUIRED.filter((name) => typeof backend.kernels[name] !== "function");
        expectThat(missing.length === 0, `it lacks the kernels ${missing}`);
        const unknown = DTYPES.filter((dtype) => !["none", "storage", "arithmetic"].includes(backend.dtypes[dtype]));
        expectThat(unknown.length === 0, `it says nothing about ${unknown}`);
        expectThat(backend.dtypes.float32 === "arithmetic", "it has no float32");
        expectThat(backend.limits.maxElements >= 2 ** 20, "it holds fewer than 2^20 elements");
        expectThat(backend.limits.maxReduction >= 2 ** 12, "it sums fewer than 2^12 elements");
      },
    },
    {
      name: "writes a copy: the host array may change afterwards",
      dtypes: ALL,
      async run(env) {
        const host = hostArray(env.dtype, 3).fill(1);
        const x = fromHost(host, env.dtype, [3], env.device);
        host.fill(0);
        expectEqual("the tensor", (await valuesOf(x))[0], [1, 1, 1]);
      },
    },
    {
      name: "keeps storages apart that live at the same time",
      dtypes: ALL,
      async run(env) {
        const all = Array.from({ length: 20 }, (_, i) => tensorOf(env, [i % 2, 1, 0, 1, i % 3 === 0 ? 1 : 0]));
        for (const i of [3, 8, 9]) all[i].dispose();
        const later = [tensorOf(env, [0, 0, 0, 0, 0]), tensorOf(env, [1, 1, 1, 1, 1])];
        for (const [i, x] of all.entries()) {
          if (!x.disposed) expectEqual(`tensor ${i}`, await x.data(), [i % 2, 1, 0, 1, i % 3 === 0 ? 1 : 0]);
        }
        for (const x of [...all, ...later]) x.dispose();
      },
    },
    {
      name: "takes a second dispose() for nothing",
      dtypes: ALL,
      async run(env) {
        const x = some(env, [4]);
        const before = env.device.memory().storages;
        x.dispose();
        x.dispose();
        expectThat(env.device.memory().storages === before - 1, "the second call was counted too");
        const [y, z] = [tensorOf(env, [1, 0, 0, 1]), tensorOf(env, [0, 1, 1, 0])];
        expectEqual("a tensor made afterwards", await y.data(), [1, 0, 0, 1]);
        expectEqual("another", await z.data(), [0, 1, 1, 0]);
        y.dispose();
        z.dispose();
      },
    },
    {
      name: "keeps a storage until its last view is gone",
      dtypes: ALL,
      async run(env) {
        const x = tensorOf(env, [1, 0, 1, 1], env.dtype, [2, 2]);
        const view = x.transpose();
        x.dispose();
        const other = tensorOf(env, [0, 0, 0, 0]);
        expectEqual("the view", await view.data(), [1, 1, 0, 1]);
        view.dispose();
        other.dispose();
      },
    },
    {
      name: "reads any part of a storage",
      dtypes: ALL,
      async run({ device, dtype }) {
        const values = [1, 0, 1, 1, 0, 0, 1];
        const storage = device.allocate(dtype, values.length);
        const host = hostArray(dtype, values.length);
        host.set(values);
        device.backend.write(storage.id, host);
        expectEqual("a part", await device.backend.read(storage.id, 2, 3), [1, 1, 0]);
        expectEqual("the end", await device.backend.read(storage.id, 6, 1), [1]);
        if (device.backend.readSync) expectEqual("a part", device.backend.readSync(storage.id, 1, 2), [0, 1]);
        storage.release();
      },
    },
    {
      name: "runs work in the order in which it was given, flush() or not",
      async run(env) {
        const x = some(env, [8]);
        let y = mul(x, 1);
        for (let i = 0; i < 20; i++) {
          const next = add(y, x);
          y.dispose();
          y = next;
          if (i % 7 === 0) env.device.backend.flush();
        }
        expectEqual("the sum", (await valuesOf(y))[0], new Array<number>(8).fill(21));
        x.dispose();
      },
    },
    {
      name: "holds as much after a thousand ops as before",
      async run(env) {
        const x = some(env, [16]);
        const before = env.device.memory();
        for (let i = 0; i < 1000; i++) mul(x, i).dispose();
        const after = env.device.memory();
        expectThat(
          after.storages === before.storages && after.bytes === before.bytes,
          `${after.storages} storages now`,
        );
        x.dispose();
      },
    },
    {
      name: "serves two devices that know nothing of each other",
      async run(env) {
        const other = new Device(env.device.backend);
        const [x, y] = [full([3], 2, env), full([3], 5, { device: other })];
        const [a, b] = [sum(x), sum(y)];
        expectEqual("the sums", (await valuesOf(a, b)).flat(), [6, 15]);
        x.dispose();
        y.dispose();
        expectThat(other.memory().storages === 0, "the other device still holds a storage");
      },
    },
  ],
  errors: [
    {
      name: "more elements than its limit",
      code: "ERR_UNSUPPORTED",
      words: ["allocate", "at most", "elements on backend"],
      call: ({ device, dtype }) => device.allocate(dtype, device.backend.limits.maxElements + 1),
    },
    {
      name: "tensors of two devices in one op",
      code: "ERR_DEVICE",
      words: ["add", "input 1", ".to(device)"],
      call(env) {
        const there = full([2], 1, { device: new Device(env.device.backend) });
        return add(some(env, [2]), there);
      },
    },
  ],
};
