/** Parameters: tensors that are trained. Their value is replaced by optimizers; shape and dtype stay. */
import { freeWhenDropped, moveWatched } from "./dropped.js";
import { expectSameDType } from "./dtype.js";
import { ShapeError } from "./errors.js";
import { expectOptions, type OptionKinds } from "./expect.js";
import { packed } from "./ops/copy.js";
import { formatShape, sameShape } from "./shape.js";
import { state } from "./state.js";
import { expectTensor, Tensor } from "./tensor.js";

const BRAND = Symbol.for("neurite.parameter");

export interface ParameterOptions {
  /** What the axes mean, e.g. `"out,in"` or `"kh,kw,in,out"`: importers permute by it. */
  readonly layout?: string;
}

const OPTIONS: OptionKinds<ParameterOptions> = { layout: "string" };

/**
 * A tensor whose value can be replaced. It lives outside every scope.
 * @param initial its value; the parameter takes it over
 */
export class Parameter extends Tensor {
  readonly layout: string;

  constructor(initial: Tensor, options: ParameterOptions = {}) {
    expectTensor("Parameter", "initial", initial);
    expectOptions("Parameter", options, OPTIONS);
    const { layout = "" } = options;
    const value = packed(initial);
    super(value.storage.retain(), value.shape, value.strides, value.offset, true, null);
    this.layout = layout;
    // inside a scope too: none will free it
    freeWhenDropped(this, true);
    value.dispose("a Parameter took it over");
    initial.dispose("a Parameter took it over");
  }

  get [BRAND](): true {
    return true;
  }

  /** Whether nobody else holds the storage, and all of it is this value: then it may be written over. */
  get soleHolder(): boolean {
    return this.storage.references === 1 && this.storage.length === this.size;
  }

  /** Notes that the storage was written over: to autograd this is another value from now on. */
  written(): void {
    this.key = state.nextKey++;
  }

  /** Shows what a contiguous tensor of the same shape shows, as the value `key`. Who held a storage goes on holding it. */
  rebind({ storage, strides, offset, key }: Pick<Tensor, "storage" | "strides" | "offset" | "key">): void {
    if (this.watched !== null) moveWatched(this.watched, storage);
    this.storage = storage;
    this.id = storage.id;
    this.strides = strides;
    this.offset = offset;
    this.key = key;
  }

  /**
   * Replaces the value; `value` stays the caller's. Recorded computations keep the value they used.
   * @throws ShapeError, DTypeError when it does not fit
   */
  assign(value: Tensor): void {
    this.expectLive("assign");
    expectTensor("assign", "value", value);
    value.expectLive("assign");
    if (!sameShape(value.shape, this.shape)) {
      throw new ShapeError({
        op: "assign",
        argument: "value",
        expected: `shape ${formatShape(this.shape)}`,
        received: formatShape(value.shape),
        remedy: "A parameter keeps its shape.",
      });
    }
    expectSameDType("assign", "value", this.dtype, value.dtype);
    const source = packed(value);
    const old = this.storage;
    const { strides, offset } = source;
    this.rebind({ storage: source.storage.retain(), strides, offset, key: state.nextKey++ });
    old.release();
    if (source !== value) source.dispose();
  }
}

/** Whether `value` is a parameter, of whichever copy of this package. */
export function isParameter(value: unknown): value is Parameter {
  return typeof value === "object" && value !== null && (value as { [BRAND]?: boolean })[BRAND] === true;
}

/**
 * Untrained state of a module, such as running statistics. Like a parameter, but no gradient is taken by it, and it is
 * left alone while `checkpoint` runs a forward pass again.
 */
export class Buffer extends Parameter {
  override assign(value: Tensor): void {
    if (state.replaying === 0) super.assign(value);
  }
}
