/** Ops whose results are the next values of their own inputs, such as an optimizer's step. */
import { anyEmpty, dispatch } from "./dispatch.js";
import type { OpRecord } from "./op.js";
import { allContiguous } from "./ops/copy.js";
import type { Parameter } from "./parameter.js";
import { scope } from "./scope.js";
import { state } from "./state.js";
import { commonDevice, type Tensor } from "./tensor.js";

/**
 * Runs an op and assigns its outputs to `targets`, which are among its inputs. A kernel that is `inPlace` writes over
 * them at once where nobody else holds their values; otherwise the targets get new storages.
 * @example
 * assignResults(updateOp, [weight, momentum], [weight, gradient, momentum], { rate: 0.1 });
 */
export function assignResults<A>(
  op: OpRecord<A>,
  targets: readonly Parameter[],
  inputs: readonly Tensor[],
  attrs: A,
): void {
  if (ranInPlace(op, targets, inputs, attrs)) return;
  scope(() => {
    const results = dispatch(op, inputs, attrs);
    for (let i = 0; i < targets.length; i++) targets[i]!.assign(results[i]!);
  }, op.name);
}

function ranInPlace<A>(op: OpRecord<A>, targets: readonly Parameter[], inputs: readonly Tensor[], attrs: A): boolean {
  // interceptors want to see the op and its results, and a replay leaves buffers alone
  if (state.top !== null || state.replaying > 0) return false;
  const kernel = commonDevice(op.name, inputs).kernelFor(op);
  if (kernel === null || !kernel.inPlace) return false;
  for (let i = 0; i < targets.length; i++) if (!targets[i]!.soleHolder) return false;
  if (!allContiguous(inputs) || anyEmpty(inputs)) return false;
  op.infer(inputs, attrs, false);
  if (kernel(targets, inputs, attrs) === false) return false;
  for (let i = 0; i < targets.length; i++) targets[i]!.written();
  return true;
}
