/** All cases. A new op adds a file beside this one and its line here. */
import type { Case } from "../case.js";
import { absCase } from "./abs.js";
import { adaptiveAvgPool1dCase } from "./adaptive-avg-pool1d.js";
import { adaptiveAvgPool2dCase } from "./adaptive-avg-pool2d.js";
import { adaptiveAvgPool3dCase } from "./adaptive-avg-pool3d.js";
import { addCase } from "./add.js";
import { allCase } from "./all.js";
import { anyCase } from "./any.js";
import { arangeCase } from "./arange.js";
import { argMaxCase } from "./arg-max.js";
import { argMinCase } from "./arg-min.js";
import { attentionCase } from "./attention.js";
import { avgPool1dCase } from "./avg-pool1d.js";
import { avgPool2dCase } from "./avg-pool2d.js";
import { avgPool3dCase } from "./avg-pool3d.js";
import { backendCase } from "./backend.js";
import { batchNormCase } from "./batch-norm.js";
import { batchNormInferenceCase } from "./batch-norm-inference.js";
import { castCase } from "./cast.js";
import { ceilCase } from "./ceil.js";
import { checkFiniteCase } from "./check-finite.js";
import { clampCase } from "./clamp.js";
import { concatCase } from "./concat.js";
import { convTranspose1dCase } from "./conv-transpose1d.js";
import { convTranspose2dCase } from "./conv-transpose2d.js";
import { convTranspose3dCase } from "./conv-transpose3d.js";
import { conv1dCase } from "./conv1d.js";
import { conv2dCase } from "./conv2d.js";
import { conv3dCase } from "./conv3d.js";
import { copyCase } from "./copy.js";
import { cosCase } from "./cos.js";
import { crossEntropyCase } from "./cross-entropy.js";
import { divCase } from "./div.js";
import { dropoutCase } from "./dropout.js";
import { eluCase } from "./elu.js";
import { equalCase } from "./equal.js";
import { erfCase } from "./erf.js";
import { expCase } from "./exp.js";
import { expandCase } from "./expand.js";
import { expm1Case } from "./expm1.js";
import { flipCase } from "./flip.js";
import { floorCase } from "./floor.js";
import { fullCase } from "./full.js";
import { gatherCase } from "./gather.js";
import { geluCase } from "./gelu.js";
import { geluTanhCase } from "./gelu-tanh.js";
import { globalAvgPoolCase } from "./global-avg-pool.js";
import { globalMaxPoolCase } from "./global-max-pool.js";
import { greaterCase } from "./greater.js";
import { greaterEqualCase } from "./greater-equal.js";
import { groupNormCase } from "./group-norm.js";
import { gruCase } from "./gru.js";
import { gruCellCase } from "./gru-cell.js";
import { hardSigmoidCase } from "./hard-sigmoid.js";
import { hardSwishCase } from "./hard-swish.js";
import { isFiniteCase } from "./is-finite.js";
import { isNaNCase } from "./is-na-n.js";
import { layerNormCase } from "./layer-norm.js";
import { leakyReluCase } from "./leaky-relu.js";
import { lessCase } from "./less.js";
import { lessEqualCase } from "./less-equal.js";
import { linearCase } from "./linear.js";
import { logCase } from "./log.js";
import { logSigmoidCase } from "./log-sigmoid.js";
import { logSoftmaxCase } from "./log-softmax.js";
import { log1pCase } from "./log1p.js";
import { logicalAndCase } from "./logical-and.js";
import { logicalNotCase } from "./logical-not.js";
import { logicalOrCase } from "./logical-or.js";
import { lstmCase } from "./lstm.js";
import { lstmCellCase } from "./lstm-cell.js";
import { maskedSoftmaxCase } from "./masked-softmax.js";
import { matmulCase } from "./matmul.js";
import { maxCase } from "./max.js";
import { maxPool1dCase } from "./max-pool1d.js";
import { maxPool2dCase } from "./max-pool2d.js";
import { maxPool3dCase } from "./max-pool3d.js";
import { maximumCase } from "./maximum.js";
import { meanCase } from "./mean.js";
import { minCase } from "./min.js";
import { minimumCase } from "./minimum.js";
import { mishCase } from "./mish.js";
import { modCase } from "./mod.js";
import { mulCase } from "./mul.js";
import { negCase } from "./neg.js";
import { normalCase } from "./normal.js";
import { notEqualCase } from "./not-equal.js";
import { onesCase } from "./ones.js";
import { padCase } from "./pad.js";
import { parameterCase } from "./parameter.js";
import { permuteCase } from "./permute.js";
import { pickCase } from "./pick.js";
import { powCase } from "./pow.js";
import { prodCase } from "./prod.js";
import { randomIntegersCase } from "./random-integers.js";
import { readingCase } from "./reading.js";
import { reciprocalCase } from "./reciprocal.js";
import { reluCase } from "./relu.js";
import { reshapeCase } from "./reshape.js";
import { rmsNormCase } from "./rms-norm.js";
import { roundCase } from "./round.js";
import { rsqrtCase } from "./rsqrt.js";
import { scatterAddCase } from "./scatter-add.js";
import { seluCase } from "./selu.js";
import { sigmoidCase } from "./sigmoid.js";
import { signCase } from "./sign.js";
import { siluCase } from "./silu.js";
import { sinCase } from "./sin.js";
import { sliceCase } from "./slice.js";
import { softmaxCase } from "./softmax.js";
import { softplusCase } from "./softplus.js";
import { softsignCase } from "./softsign.js";
import { splitCase } from "./split.js";
import { sqrtCase } from "./sqrt.js";
import { squareCase } from "./square.js";
import { squeezeCase } from "./squeeze.js";
import { stackCase } from "./stack.js";
import { subCase } from "./sub.js";
import { sumCase } from "./sum.js";
import { sumToCase } from "./sum-to.js";
import { tanCase } from "./tan.js";
import { tanhCase } from "./tanh.js";
import { tensorCase } from "./tensor.js";
import { transposeCase } from "./transpose.js";
import { uniformCase } from "./uniform.js";
import { unsqueezeCase } from "./unsqueeze.js";
import { whereCase } from "./where.js";
import { windowsCase } from "./windows.js";
import { zerosCase } from "./zeros.js";

export const CASES: readonly Case[] = [
  absCase,
  adaptiveAvgPool1dCase,
  adaptiveAvgPool2dCase,
  adaptiveAvgPool3dCase,
  addCase,
  allCase,
  anyCase,
  arangeCase,
  argMaxCase,
  argMinCase,
  attentionCase,
  avgPool1dCase,
  avgPool2dCase,
  avgPool3dCase,
  backendCase,
  batchNormCase,
  batchNormInferenceCase,
  castCase,
  ceilCase,
  checkFiniteCase,
  clampCase,
  concatCase,
  conv1dCase,
  conv2dCase,
  conv3dCase,
  convTranspose1dCase,
  convTranspose2dCase,
  convTranspose3dCase,
  copyCase,
  cosCase,
  crossEntropyCase,
  divCase,
  dropoutCase,
  eluCase,
  equalCase,
  erfCase,
  expandCase,
  expCase,
  expm1Case,
  flipCase,
  floorCase,
  fullCase,
  gatherCase,
  geluCase,
  geluTanhCase,
  globalAvgPoolCase,
  globalMaxPoolCase,
  greaterCase,
  greaterEqualCase,
  groupNormCase,
  gruCase,
  gruCellCase,
  hardSigmoidCase,
  hardSwishCase,
  isFiniteCase,
  isNaNCase,
  layerNormCase,
  leakyReluCase,
  lessCase,
  lessEqualCase,
  linearCase,
  log1pCase,
  logCase,
  logicalAndCase,
  logicalNotCase,
  logicalOrCase,
  logSigmoidCase,
  logSoftmaxCase,
  lstmCase,
  lstmCellCase,
  maskedSoftmaxCase,
  matmulCase,
  maxCase,
  maximumCase,
  maxPool1dCase,
  maxPool2dCase,
  maxPool3dCase,
  meanCase,
  minCase,
  minimumCase,
  mishCase,
  modCase,
  mulCase,
  negCase,
  normalCase,
  notEqualCase,
  onesCase,
  padCase,
  parameterCase,
  permuteCase,
  pickCase,
  powCase,
  prodCase,
  randomIntegersCase,
  readingCase,
  reciprocalCase,
  reluCase,
  reshapeCase,
  rmsNormCase,
  roundCase,
  rsqrtCase,
  scatterAddCase,
  seluCase,
  sigmoidCase,
  signCase,
  siluCase,
  sinCase,
  sliceCase,
  softmaxCase,
  softplusCase,
  softsignCase,
  splitCase,
  sqrtCase,
  squareCase,
  squeezeCase,
  stackCase,
  subCase,
  sumCase,
  sumToCase,
  tanCase,
  tanhCase,
  tensorCase,
  transposeCase,
  uniformCase,
  unsqueezeCase,
  whereCase,
  windowsCase,
  zerosCase,
];
