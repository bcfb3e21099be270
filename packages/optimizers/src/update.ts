/** Update rules as elementwise kernels: one for the plain step and one gated by a flag on the device. */
import { type Expression, e, elementwise, type Tensor } from "@neurite/core";

/** next = rule(current, …inputs; …scalars), or `current` where `when` is false. */
export type UpdateRule = (inputs: readonly Tensor[], scalars: readonly number[], when?: Tensor) => Tensor;

/**
 * Makes an update rule from its expression, whose first operand is the current value.
 * @param inputs number of tensor operands, the current value included
 * @param scalars number of number operands
 */
export function updateRule(
  name: string,
  inputs: number,
  scalars: number,
  build: (...operands: Expression[]) => Expression,
): UpdateRule {
  const plain = elementwise(name, inputs, scalars, build);
  const gated = elementwise(name, inputs + 1, scalars, (...operands) => {
    const when = operands[inputs]!;
    const rest = operands.toSpliced(inputs, 1);
    return e.select(when, build(...rest), operands[0]!);
  });
  return (tensors, values, when) => (when ? gated([...tensors, when], values) : plain(tensors, values));
}
