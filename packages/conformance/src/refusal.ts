/** Calls that must be refused with a certain error. */
import { isNeuriteError, isTensor } from "@neurite/core";
import type { Env, ErrorSample } from "./case.js";
import { Mismatch } from "./compare.js";

/** Calls and, where that gives a tensor, reads it: asynchronous backends may find a bad index only then. */
async function attempt({ call }: ErrorSample, env: Env): Promise<unknown> {
  const result = await call(env);
  for (const item of [result].flat()) if (isTensor(item)) await item.data();
  return result;
}

export async function expectRefusal(error: ErrorSample, env: Env): Promise<void> {
  let thrown: unknown;
  try {
    await attempt(error, env);
  } catch (caught) {
    thrown = caught;
  }
  if (thrown === undefined) throw new Mismatch(`nothing was thrown, where ${error.code} is due`);
  if (!isNeuriteError(thrown)) throw new Mismatch(`${String(thrown)} was thrown, where ${error.code} is due`);
  if (thrown.code !== error.code) {
    throw new Mismatch(`the error is ${thrown.code}, not ${error.code}: ${thrown.message}`);
  }
  const missing = error.words.filter((word) => !thrown.message.includes(word));
  if (missing.length > 0) throw new Mismatch(`the message lacks "${missing.join('", "')}": ${thrown.message}`);
}
