/** All cases. A new op adds a file beside this one and its line here. */
import type { Case } from "../case.js";
import { absCase } from "./abs.js";
import { addCase } from "./add.js";
import { allCase } from "./all.js";
import { anyCase } from "./any.js";
import { arangeCase } from "./arange.js";
import { argMaxCase } from "./arg-max.js";
import { argMinCase } from "./arg-min.js";
import { attentionCase } from "./attention.js";
import { backendCase } from "./backend.js";
import { castCase } from "./cast.js";
import { ceilCase } from "./ceil.js";
import { checkFiniteCase } from "./check-finite.js";
import { clampCase } from "./clamp.js";
import { concatCase } from "./concat.js";
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
import { greaterCase } from "./greater.js";
import { greaterEqualCase } from "./greater-equal.js";
import { isFiniteCase } from "./is-finite.js";
import { isNaNCase } from "./is-na-n.js";
import { leakyReluCase } from "./leaky-relu.js";
import { lessCase } from "./less.js";
import { lessEqualCase } from "./less-equal.js";
import { linearCase } from "./linear.js";
import { logCase } from "./log.js";
import { logSoftmaxCase } from "./log-softmax.js";
import { log1pCase } from "./log1p.js";
import { logicalAndCase } from "./logical-and.js";
import { logicalNotCase } from "./logical-not.js";
import { logicalOrCase } from "./logical-or.js";
import { lstmCellCase } from "./lstm-cell.js";
import { maskedSoftmaxCase } from "./masked-softmax.js";
import { matmulCase } from "./matmul.js";
import { maxCase } from "./max.js";
import { maximumCase } from "./maximum.js";
import { meanCase } from "./mean.js";
import { minCase } from "./min.js";
import { minimumCase } from "./minimum.js";
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
  backendCase,
  tensorCase,
  readingCase,
  parameterCase,
  absCase,
  addCase,
  allCase,
  anyCase,
  arangeCase,
  argMaxCase,
  argMinCase,
  attentionCase,
  castCase,
  ceilCase,
  checkFiniteCase,
  clampCase,
  concatCase,
  copyCase,
  cosCase,
  crossEntropyCase,
  divCase,
  dropoutCase,
  eluCase,
  equalCase,
  erfCase,
  expCase,
  expandCase,
  expm1Case,
  flipCase,
  floorCase,
  fullCase,
  gatherCase,
  geluCase,
  geluTanhCase,
  greaterCase,
  greaterEqualCase,
  isFiniteCase,
  isNaNCase,
  leakyReluCase,
  lessCase,
  lessEqualCase,
  linearCase,
  logCase,
  logSoftmaxCase,
  log1pCase,
  logicalAndCase,
  logicalNotCase,
  logicalOrCase,
  lstmCellCase,
  maskedSoftmaxCase,
  matmulCase,
  maxCase,
  maximumCase,
  meanCase,
  minCase,
  minimumCase,
  modCase,
  mulCase,
  negCase,
  normalCase,
  notEqualCase,
  onesCase,
  padCase,
  permuteCase,
  pickCase,
  powCase,
  prodCase,
  randomIntegersCase,
  reciprocalCase,
  reluCase,
  reshapeCase,
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
  transposeCase,
  uniformCase,
  unsqueezeCase,
  whereCase,
  windowsCase,
  zerosCase,
];
