/** The same values laid out in memory in different ways: what a kernel must not care about. */
import {
  type Device,
  type DType,
  flip,
  fromHost,
  hostArray,
  permute,
  type Shape,
  slice,
  type Tensor,
} from "@neurite/core";
import type { MadeInput } from "./inputs.js";
import { at, build, count, indicesOf, type Plain } from "./plain.js";

export type Layout = "contiguous" | "transposed" | "stepped" | "flipped" | "stretched";

export const LAYOUTS: readonly Layout[] = ["contiguous", "transposed", "stepped", "flipped", "stretched"];

/** As the end of a sentence. */
export const LAYOUT_WORDS: Readonly<Record<Exclude<Layout, "contiguous">, string>> = {
  transposed: "inputs stored with their axes reversed",
  stepped: "inputs that are every second element of a larger tensor",
  flipped: "inputs stored backwards",
  stretched: "inputs expanded along their first axis",
};

/** Whether a layout differs from the contiguous one for a shape. */
export function applies(layout: Layout, shape: Shape): boolean {
  const big = count(shape) > 1;
  if (layout === "contiguous") return true;
  return layout === "transposed" || layout === "stretched" ? big && shape.length > 1 : big && shape.length > 0;
}

/** The values an input has in a layout: all rows alike when stretched, else unchanged. */
export function valuesIn(layout: Layout, input: MadeInput): MadeInput {
  if (layout !== "stretched" || !applies(layout, input.shape)) return input;
  return { ...build(input.shape, (index) => at(input, index.with(0, 0))), dtype: input.dtype };
}

/** What lies between the elements of a stepped tensor: nothing that a result may show. */
export function garbage(dtype: DType): number {
  return dtype === "float32" || dtype === "float64" ? Number.NaN : dtype === "bool" ? 1 : 113;
}

/** Elements of `x` as a host array of a dtype. */
export function toHost(data: readonly number[], dtype: DType) {
  const host = hostArray(dtype, data.length);
  host.set(data);
  return host;
}

/** A tensor with the values of `input` in the given layout, and the tensors to dispose after use. */
export function place(device: Device, input: MadeInput, layout: Layout): { tensor: Tensor; owned: readonly Tensor[] } {
  const { shape, dtype } = input;
  const upload = (x: Plain) => fromHost(toHost(x.data, dtype), dtype, x.shape, device);
  const views = (base: Tensor, view: Tensor) => ({ tensor: view, owned: view === base ? [base] : [view, base] });
  const reversed = (index: readonly number[]) => index.toReversed();
  if (!applies(layout, shape)) {
    const base = upload(input);
    return views(base, base);
  }
  switch (layout) {
    case "transposed": {
      const base = upload(build(shape.toReversed(), (index) => at(input, reversed(index))));
      return views(base, permute(base, reversed(shape.map((_, axis) => axis))));
    }
    case "flipped": {
      const base = upload(
        build(shape, (index) =>
          at(
            input,
            index.map((i, axis) => shape[axis] - 1 - i),
          ),
        ),
      );
      return views(
        base,
        flip(
          base,
          shape.map((_, axis) => axis),
        ),
      );
    }
    case "stepped": {
      const wide = shape.map((length) => 2 * length + 1);
      const data = new Array<number>(count(wide)).fill(garbage(dtype));
      for (const index of indicesOf(shape)) {
        data[index.reduce((position, i, axis) => position * wide[axis] + 2 * i + 1, 0)] = at(input, index);
      }
      const base = upload({ shape: wide, data });
      return views(
        base,
        slice(
          base,
          shape.map(() => [1, null, 2] as const),
        ),
      );
    }
    case "stretched": {
      const row = { shape: shape.with(0, 1), data: input.data.slice(0, count(shape) / shape[0]) };
      const base = upload(row);
      return views(base, base.expand(shape));
    }
    default: {
      const base = upload(input);
      return views(base, base);
    }
  }
}
