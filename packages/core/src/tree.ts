/** Tensors in the forms that programs have them in: alone, in modules, lists and plain objects. */
import { ValueError } from "./errors.js";
import { badValue } from "./expect.js";
import { isTensor, type Tensor } from "./tensor.js";

/** Anything with trained tensors by name, such as a module. */
export interface HasParameters {
  parameters(): Readonly<Record<string, Tensor>>;
}

export type TensorTree = Tensor | HasParameters | readonly TensorTree[] | { readonly [name: string]: TensorTree };

/** What stands for a module in a tree: its parameters. */
export function openModule(tree: unknown): unknown {
  const { parameters } = Object(tree ?? {}) as Partial<HasParameters>;
  return typeof parameters === "function" && !isTensor(tree) ? (tree as HasParameters).parameters() : tree;
}

/** The name of a tensor that is a tree by itself. */
const ALONE = "parameter";

/**
 * All tensors of a tree by their paths: `{ encoder: module, taps: [a, b] }` has `encoder.weight`, `taps.0`, `taps.1`.
 * @throws ValueError for anything else in the tree, and for one tensor, or one path, twice
 */
export function namedTensors(op: string, argument: string, tree: unknown): Record<string, Tensor> {
  const found = new Map<string, Tensor>();
  const paths = new Map<Tensor, string>();
  const add = (path: string, tensor: Tensor): void => {
    const other = paths.get(tensor) ?? (found.has(path) ? path : undefined);
    if (other !== undefined) {
      throw new ValueError({
        op,
        argument,
        expected: "each tensor once",
        received: other === path ? `two called ${path}` : `one as ${other} and as ${path}`,
        remedy: "Give modules or lists instead of spreading them into one object, and a shared tensor once.",
      });
    }
    found.set(path, tensor);
    paths.set(tensor, path);
  };
  const visit = (path: string, value: unknown): void => {
    if (isTensor(value)) {
      add(path || ALONE, value);
      return;
    }
    const inner = openModule(value);
    if (typeof inner !== "object" || inner === null || ArrayBuffer.isView(inner)) {
      throw badValue(
        op,
        path ? `${argument} (${path})` : argument,
        "tensors, modules, or lists and plain objects of them",
        value,
      );
    }
    for (const [name, item] of Object.entries(inner)) visit(path ? `${path}.${name}` : name, item);
  };
  visit("", tree);
  return Object.fromEntries(found);
}
