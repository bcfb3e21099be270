/** `data`, `item`, their synchronous forms and `to`. */
import { Device, UnsupportedError } from "@neurite/core";
import { some, tensorOf } from "../call.js";
import { ALL, type Case } from "../case.js";
import { expectEqual, expectThat } from "../compare.js";

export const readingCase: Case = {
  op: "reading",
  storage: true,
  checks: [
    {
      name: "by data() gives a copy",
      dtypes: ALL,
      async run(env) {
        const x = tensorOf(env, [1, 0, 1]);
        const first = await x.data();
        first.fill(1);
        expectEqual("the tensor", await x.data(), [1, 0, 1]);
        x.dispose();
      },
    },
    {
      name: "by data() finds a part of a storage",
      dtypes: ALL,
      async run(env) {
        const x = tensorOf(env, [0, 1, 1, 0, 1, 0], env.dtype, [3, 2]);
        const row = x.slice([1]);
        expectEqual("the row", await row.data(), [1, 0]);
        row.dispose();
        x.dispose();
      },
    },
    {
      name: "that was begun before dispose() still gets the values",
      dtypes: ALL,
      async run(env) {
        const x = tensorOf(env, [1, 0, 1]);
        const pending = x.data();
        x.dispose();
        const other = tensorOf(env, [0, 0, 0]);
        expectEqual("the values", await pending, [1, 0, 1]);
        other.dispose();
      },
    },
    {
      name: "by item() gives the number of a one-element tensor of any rank",
      dtypes: ALL,
      async run(env) {
        const x = tensorOf(env, [1], env.dtype, [1, 1]);
        expectThat((await x.item()) === 1, "it is another number");
        x.dispose();
      },
    },
    {
      name: "at once gives the same, or says that this backend cannot",
      async run(env) {
        const x = tensorOf(env, [1, 2, 3]);
        if (env.device.backend.readSync) {
          expectEqual("dataSync()", x.dataSync(), [1, 2, 3]);
          const flipped = x.flip(0);
          expectEqual("dataSync() of a view", flipped.dataSync(), [3, 2, 1]);
          flipped.dispose();
        } else {
          let refused: unknown;
          try {
            x.dataSync();
          } catch (error) {
            refused = error;
          }
          expectThat(refused instanceof UnsupportedError, "dataSync() is not refused with an UnsupportedError");
          expectThat(String(refused).includes("await tensor.data()"), `the message names no remedy: ${refused}`);
        }
        x.dispose();
      },
    },
    {
      name: "of an empty tensor gives an empty array",
      dtypes: ALL,
      async run(env) {
        const x = tensorOf(env, [], env.dtype, [2, 0]);
        expectEqual("the values", await x.data(), []);
        x.dispose();
      },
    },
    {
      name: "of special floats keeps every one of them",
      dtypes: ["float32", "float64"],
      async run(env) {
        const values = [
          Number.NaN,
          Number.POSITIVE_INFINITY,
          Number.NEGATIVE_INFINITY,
          -0,
          0,
          2 ** -126,
          2 ** 127,
          16777217,
        ];
        const x = tensorOf(env, values);
        expectEqual("the values", await x.data(), env.dtype === "float32" ? values.map(Math.fround) : values);
        x.dispose();
      },
    },
    {
      name: "by to() copies to another device, and gives the tensor itself on its own",
      dtypes: ALL,
      async run(env) {
        const x = tensorOf(env, [1, 0, 1, 1], env.dtype, [2, 2]);
        expectThat((await x.to(env.device)) === x, "to() its own device makes a copy");
        const elsewhere = new Device(env.device.backend);
        const y = x.transpose();
        const copy = await y.to(elsewhere);
        expectThat(copy.device === elsewhere && copy.dtype === x.dtype, "the copy is elsewhere or of another dtype");
        expectEqual("the copy", await copy.data(), [1, 1, 0, 1]);
        for (const tensor of [x, y, copy]) tensor.dispose();
        expectThat(elsewhere.memory().storages === 0, "the other device still holds a storage");
      },
    },
  ],
  errors: [
    {
      name: "item() of several elements",
      code: "ERR_SHAPE",
      words: ["item", "exactly one element", "[2]"],
      call: (env) => some(env, [2]).item(),
    },
    {
      name: "data() of a freed tensor",
      code: "ERR_DISPOSED",
      words: ["data", "freed", "dispose() was called", "keep()"],
      call: (env) => {
        const x = some(env, [2]);
        x.dispose();
        return x.data();
      },
    },
    {
      name: "to() of a freed tensor",
      code: "ERR_DISPOSED",
      words: ["to", "freed"],
      call: (env) => {
        const x = some(env, [2]);
        x.dispose();
        return x.to(env.device);
      },
    },
  ],
};
