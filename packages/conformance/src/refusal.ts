/** Calls that must be refused with a certain error. */
import { isNeuriteError, isTensor, scope } from "@neurite/core";
import type { Env, ErrorSample } from "./case.js";
import { Mismatch } from "./compare.js";

/** Calls and frees what that made; a tensor that it gives is read first: asynchronous backends may find a bad index only then. */
async function attempt({ call }: ErrorSample, env: Env): Promise<void> {
  // wrapped, so that a call may give a promise
  const { given } = scope(() => ({ given: call(env) }));
  const results = [await given].flat().filter(isTensor);
  try {
    for (const result of results) await result.data();
  } finally {
    for (const result of results) result.dispose();
  }
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
