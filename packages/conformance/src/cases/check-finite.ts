import { checkFinite, exp, isNeuriteError, log, scope, sub } from "@neurite/core";
import { tensorOf } from "../call.js";
import type { Case, Env } from "../case.js";
import { expectEqual, expectThat } from "../compare.js";

/** The error of a call, where the backend reads at once; a backend that cannot says so instead. */
function refusal({ device }: Env, call: () => unknown, code: string, words: readonly string[]): void {
  let thrown: unknown;
  try {
    scope(() => ({ result: checkFinite(call) }));
  } catch (error) {
    thrown = error;
  }
  expectThat(isNeuriteError(thrown), `${thrown} was thrown`);
  const error = thrown as { code: string; message: string };
  const wanted = device.backend.readSync ? [code, ...words] : ["ERR_UNSUPPORTED", "await tensor.data()"];
  expectThat(error.code === wanted[0], `the error is ${error.code}: ${error.message}`);
  const missing = wanted.slice(1).filter((word) => !error.message.includes(word));
  expectThat(missing.length === 0, `the message lacks "${missing}": ${error.message}`);
}

export const checkFiniteCase: Case = {
  op: "checkFinite",
  checks: [
    {
      name: "names the op that makes the first infinity, and its finite inputs",
      run(env) {
        const x = tensorOf(env, [1, 0, 2]);
        refusal(env, () => log(x), "ERR_NON_FINITE", [
          "log",
          "result [3]",
          "-Infinity",
          "were finite: this op made it",
        ]);
        x.dispose();
      },
    },
    {
      name: "names the op that makes NaN",
      run(env) {
        const x = tensorOf(env, [-1]);
        refusal(env, () => log(x), "ERR_NON_FINITE", ["log", "NaN"]);
        x.dispose();
      },
    },
    {
      name: "names an input that was not finite already",
      run(env) {
        const [x, y] = [tensorOf(env, [1]), tensorOf(env, [Number.NaN])];
        refusal(env, () => sub(x, y), "ERR_NON_FINITE", ["sub", "input 1 was not finite already"]);
        x.dispose();
        y.dispose();
      },
    },
    {
      name: "lets finite results pass",
      async run(env) {
        if (!env.device.backend.readSync) return;
        const x = tensorOf(env, [0, 0]);
        const y = checkFinite(() => exp(x));
        expectEqual("the result", await y.data(), [1, 1]);
        x.dispose();
        y.dispose();
      },
    },
  ],
};
