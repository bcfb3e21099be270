/** The table of fused kernels, by the name of the op they serve. */
import type { FusedKernels } from "@neurite/core";
import type { Engine } from "../engine.js";
import { makeAttention, makeAttentionGrad } from "./attention.js";
import { makeBatchNorm, makeBatchNormGrad } from "./batch-norm.js";
import { convolutionKernels } from "./convolution.js";
import { makeCrossEntropy, makeCrossEntropyGrad } from "./cross-entropy.js";
import { makeDropoutMask } from "./dropout.js";
import { makeGroupNorm, makeGroupNormGrad } from "./group-norm.js";
import { makeGru, makeGruGrad } from "./gru.js";
import { makeGruCell, makeGruCellGrad } from "./gru-cell.js";
import { makeLayerNorm, makeLayerNormGrad, makeRmsNorm, makeRmsNormGrad } from "./layer-norm.js";
import { makeLinear } from "./linear.js";
import { makeLstm, makeLstmGrad } from "./lstm.js";
import { makeLstmCell, makeLstmCellGrad } from "./lstm-cell.js";
import { makeOptimizerUpdate } from "./optimizer-update.js";
import { poolingKernels } from "./pooling.js";
import { makeNormal, makeUniform } from "./random.js";
import { makeMean } from "./reduce.js";
import { makeMaskedSoftmax, makeSoftmax, makeSoftmaxGrad } from "./softmax.js";

export function fusedKernels(engine: Engine): FusedKernels {
  return {
    attention: makeAttention(engine),
    attentionGrad: makeAttentionGrad(engine),
    batchNorm: makeBatchNorm(engine),
    batchNormGrad: makeBatchNormGrad(engine),
    ...convolutionKernels(engine),
    crossEntropy: makeCrossEntropy(engine),
    crossEntropyGrad: makeCrossEntropyGrad(engine),
    dropoutMask: makeDropoutMask(engine),
    groupNorm: makeGroupNorm(engine),
    groupNormGrad: makeGroupNormGrad(engine),
    gru: makeGru(engine),
    gruCell: makeGruCell(engine),
    gruCellGrad: makeGruCellGrad(engine),
    gruGrad: makeGruGrad(engine),
    layerNorm: makeLayerNorm(engine),
    layerNormGrad: makeLayerNormGrad(engine),
    linear: makeLinear(engine),
    maskedSoftmax: makeMaskedSoftmax(engine),
    mean: makeMean(engine),
    optimizerUpdate: makeOptimizerUpdate(engine),
    normal: makeNormal(engine),
    ...poolingKernels(engine),
    rmsNorm: makeRmsNorm(engine),
    rmsNormGrad: makeRmsNormGrad(engine),
    lstm: makeLstm(engine),
    lstmCell: makeLstmCell(engine),
    lstmCellGrad: makeLstmCellGrad(engine),
    lstmGrad: makeLstmGrad(engine),
    uniform: makeUniform(engine),
    softmax: makeSoftmax(engine, "softmax"),
    softmaxGrad: makeSoftmaxGrad(engine, "softmaxGrad"),
    logSoftmax: makeSoftmax(engine, "logSoftmax"),
    logSoftmaxGrad: makeSoftmaxGrad(engine, "logSoftmaxGrad"),
  };
}
