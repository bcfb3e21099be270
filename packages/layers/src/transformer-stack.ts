/** Stacks of transformer layers and the whole encoder–decoder, as in PyTorch. Read first: `transformer.ts`. */
import { expectTensor, formatShape, ShapeError, type Tensor, ValueError } from "@neurite/core";
import { expectInteger, expectList, expectOptions, type OptionKinds, pickOptions } from "@neurite/core/expect";
import { MOST_LAYERS } from "./expect.js";
import { initOptions } from "./init-options.js";
import { initialize, initXavierUniform } from "./initializers.js";
import { Module } from "./module.js";
import type { AttentionPast } from "./multi-head-attention.js";
import { LayerNorm } from "./normalization.js";
import {
  type DecoderMasks,
  type EncoderMasks,
  TRANSFORMER_LAYER_OPTIONS,
  TransformerDecoderLayer,
  TransformerEncoderLayer,
  type TransformerLayerOptions,
} from "./transformer.js";

export interface TransformerStackOptions extends TransformerLayerOptions {
  /** Default 6. */
  readonly layers?: number;
  /** A layer normalisation after the last layer, which stacks that normalise first need. Default: `normFirst`. */
  readonly finalNorm?: boolean;
}

/** What these options may be. */
export const TRANSFORMER_STACK_OPTIONS: OptionKinds<TransformerStackOptions> = {
  ...TRANSFORMER_LAYER_OPTIONS,
  layers: "size",
  finalNorm: "boolean",
};

function layerOptions(options: TransformerStackOptions): TransformerLayerOptions {
  return pickOptions<TransformerLayerOptions>(options, TRANSFORMER_LAYER_OPTIONS);
}

function finalNormOf(features: number, options: TransformerStackOptions): LayerNorm | null {
  const { finalNorm = options.normFirst ?? false, eps = 1e-5 } = options;
  return finalNorm ? new LayerNorm(features, { eps, ...initOptions(options) }) : null;
}

function expectPasts(op: string, pasts: readonly AttentionPast[], layers: readonly Module[]): void {
  expectList(op, "pasts", pasts, "pasts");
  if (pasts.length === layers.length) return;
  throw new ValueError({
    op,
    argument: "pasts",
    expected: `one for each of ${layers.length} layers`,
    received: String(pasts.length),
    remedy: "Begin with emptyPasts(n, x).",
  });
}

/**
 * Encoder layers one after the other: [n, time, features] → the same.
 * @example
 * const encoder = new TransformerEncoder(64, 8, { layers: 4, feedForward: 256, normFirst: true });
 * encoder.forward(x, { keyMask });
 */
export class TransformerEncoder extends Module {
  readonly layers: readonly TransformerEncoderLayer[];
  readonly norm: LayerNorm | null;

  constructor(features: number, heads: number, options: TransformerStackOptions = {}) {
    super();
    expectOptions("TransformerEncoder", options, TRANSFORMER_STACK_OPTIONS);
    const { layers = 6 } = options;
    expectInteger("TransformerEncoder", "layers", layers, 1, MOST_LAYERS);
    this.layers = Array.from(
      { length: layers },
      () => new TransformerEncoderLayer(features, heads, layerOptions(options)),
    );
    this.norm = finalNormOf(features, options);
  }

  forward(x: Tensor, masks: EncoderMasks = {}): Tensor {
    const y = this.layers.reduce((value, layer) => layer.forward(value, masks), x);
    return this.norm ? this.norm.forward(y) : y;
  }

  /**
   * Causal continuation of positions seen before, each computed once; see {@link MultiHeadAttention.extend}.
   * @param pasts one per layer, at first {@link emptyPasts}
   */
  extend(x: Tensor, pasts: readonly AttentionPast[]): { readonly y: Tensor; readonly pasts: readonly AttentionPast[] } {
    expectPasts("TransformerEncoder", pasts, this.layers);
    let y = x;
    const next = this.layers.map((layer, i) => {
      const extended = layer.extend(y, pasts[i]!);
      y = extended.y;
      return extended.past;
    });
    return { y: this.norm ? this.norm.forward(y) : y, pasts: next };
  }

  /** The pasts of `n` rows like `x` that begin. */
  emptyPasts(n: number, x: Tensor): readonly AttentionPast[] {
    return this.layers.map((layer) => layer.selfAttn.emptyPast(n, x));
  }
}

/** Decoder layers one after the other, each attending to the same memory: [n, time, features] → the same. */
export class TransformerDecoder extends Module {
  readonly layers: readonly TransformerDecoderLayer[];
  readonly norm: LayerNorm | null;

  constructor(features: number, heads: number, options: TransformerStackOptions = {}) {
    super();
    expectOptions("TransformerDecoder", options, TRANSFORMER_STACK_OPTIONS);
    const { layers = 6 } = options;
    expectInteger("TransformerDecoder", "layers", layers, 1, MOST_LAYERS);
    this.layers = Array.from(
      { length: layers },
      () => new TransformerDecoderLayer(features, heads, layerOptions(options)),
    );
    this.norm = finalNormOf(features, options);
  }

  /**
   * @param x [n, time, features]
   * @param memory [n, source, features]
   */
  forward(x: Tensor, memory: Tensor, masks: DecoderMasks = {}): Tensor {
    const y = this.layers.reduce((value, layer) => layer.forward(value, memory, masks), x);
    return this.norm ? this.norm.forward(y) : y;
  }

  /**
   * Causal continuation of positions seen before, each computed once; see {@link MultiHeadAttention.extend}.
   * @param pasts one per layer, at first {@link emptyPasts}
   */
  extend(
    x: Tensor,
    memory: Tensor,
    pasts: readonly AttentionPast[],
    masks: DecoderMasks = {},
  ): { readonly y: Tensor; readonly pasts: readonly AttentionPast[] } {
    expectPasts("TransformerDecoder", pasts, this.layers);
    let y = x;
    const next = this.layers.map((layer, i) => {
      const extended = layer.extend(y, memory, pasts[i]!, masks);
      y = extended.y;
      return extended.past;
    });
    return { y: this.norm ? this.norm.forward(y) : y, pasts: next };
  }

  /** The pasts of `n` rows like `x` that begin. */
  emptyPasts(n: number, x: Tensor): readonly AttentionPast[] {
    return this.layers.map((layer) => layer.selfAttn.emptyPast(n, x));
  }
}

export interface TransformerOptions extends TransformerLayerOptions {
  /** Default 6. */
  readonly encoderLayers?: number;
  /** Default 6. */
  readonly decoderLayers?: number;
}

const TRANSFORMER: OptionKinds<TransformerOptions> = {
  ...TRANSFORMER_LAYER_OPTIONS,
  encoderLayers: "size",
  decoderLayers: "size",
};

export interface TransformerMasks {
  /** For the encoder, see {@link EncoderMasks}: bool [source, source] or with leading axes. */
  readonly sourceMask?: Tensor;
  /** bool [n, source], true at real positions; heeded by the encoder and by attention to its output. */
  readonly sourceKeyMask?: Tensor;
  /** For the decoder's own attention, usually a {@link causalMask}: bool [target, target] or with leading axes. */
  readonly targetMask?: Tensor;
  /** bool [n, target]. */
  readonly targetKeyMask?: Tensor;
  /** For attention to the encoder's output: bool [target, source] or with leading axes. */
  readonly memoryMask?: Tensor;
}

const MASKS: OptionKinds<TransformerMasks> = {
  sourceMask: "tensor",
  sourceKeyMask: "tensor",
  targetMask: "tensor",
  targetKeyMask: "tensor",
  memoryMask: "tensor",
};

/**
 * Encoder and decoder (Vaswani et al. 2017) on embedded sequences that carry their positions, with a final normalisation
 * each; matrices start Xavier-uniform. All of it is as in PyTorch.
 * @example
 * const net = new Transformer(64, 8, { encoderLayers: 2, decoderLayers: 2, feedForward: 256 });
 * net.forward(source, target, { targetMask: causalMask(12), sourceKeyMask });     // [8, 11, 64], [8, 12, 64] → [8, 12, 64]
 */
export class Transformer extends Module {
  readonly encoder: TransformerEncoder;
  readonly decoder: TransformerDecoder;

  constructor(
    readonly features = 512,
    readonly heads = 8,
    given: TransformerOptions = {},
  ) {
    super();
    expectOptions("Transformer", given, TRANSFORMER);
    const { encoderLayers = 6, decoderLayers = 6, ...options } = given;
    this.encoder = new TransformerEncoder(features, heads, { ...options, layers: encoderLayers, finalNorm: true });
    this.decoder = new TransformerDecoder(features, heads, { ...options, layers: decoderLayers, finalNorm: true });
    initialize(this, initXavierUniform, initOptions(options));
  }

  /**
   * @param source [n, source, features]
   * @param target [n, target, features]
   * @returns [n, target, features]
   */
  forward(source: Tensor, target: Tensor, masks: TransformerMasks = {}): Tensor {
    expectTensor("Transformer", "source", source);
    expectTensor("Transformer", "target", target);
    expectOptions("Transformer", masks, MASKS);
    if (source.shape[0] !== target.shape[0]) {
      throw new ShapeError({
        op: "Transformer",
        argument: "target",
        expected: `[${source.shape[0]}, length, ${this.features}], as many rows as the source`,
        received: formatShape(target.shape),
      });
    }
    const { sourceMask, sourceKeyMask, targetMask, targetKeyMask, memoryMask } = masks;
    const memory = this.encoder.forward(source, {
      ...(sourceMask && { mask: sourceMask }),
      ...(sourceKeyMask && { keyMask: sourceKeyMask }),
    });
    return this.decoder.forward(target, memory, {
      ...(targetMask && { mask: targetMask }),
      ...(targetKeyMask && { keyMask: targetKeyMask }),
      ...(memoryMask && { memoryMask }),
      ...(sourceKeyMask && { memoryKeyMask: sourceKeyMask }),
    });
  }
}
