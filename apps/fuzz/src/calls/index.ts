/** All kinds of calls by the name of their op. */
import type * as fc from "fast-check";
import type { Call } from "../call.js";
import { ELEMENTWISE } from "./elementwise.js";
import { LOSSES } from "./losses.js";
import { MOVERS } from "./moving.js";
import { RECURRENT } from "./recurrent.js";
import { SLIDING } from "./sliding.js";
import { SUMS } from "./sums.js";

export const CALLS: Readonly<Record<string, fc.Arbitrary<Call>>> = {
  ...ELEMENTWISE,
  ...MOVERS,
  ...SUMS,
  ...SLIDING,
  ...RECURRENT,
  ...LOSSES,
};
