export { AlexNet, type AlexNetOptions } from "./alexnet.js";
export type { CellName } from "./cells.js";
export { ConvAutoencoder, type ConvAutoencoderOptions } from "./conv-autoencoder.js";
export { FSMN, FSMNLayer, type FSMNOptions } from "./fsmn.js";
export type { ImageClassifierOptions } from "./images.js";
export { LeNet5, type LeNet5Options } from "./lenet.js";
export { MLP, type MLPOptions } from "./mlp.js";
export {
  RecurrentEncoderDecoder,
  type RecurrentEncoderDecoderOptions,
  type RecurrentMemory,
  type RecurrentState,
} from "./recurrent-encoder-decoder.js";
export { CifarResNet, ResNet } from "./resnet.js";
export { BasicBlock, Bottleneck, PaddedShortcut } from "./resnet-blocks.js";
export { RNNLanguageModel, type RNNLanguageModelOptions, type RNNLanguageModelState } from "./rnn-language-model.js";
export { type BeamOptions, beamSearch, type Hypothesis } from "./search/beam.js";
export type { Decoder, EncoderDecoder } from "./search/decoder.js";
export { type GreedyOptions, greedySearch } from "./search/greedy.js";
export { type GenerateOptions, generate, type SampleOptions, sample } from "./search/sample.js";
export { dryDevice } from "./summary/dry-device.js";
export { type Summary, type SummaryInput, type SummaryRow, summary } from "./summary/summary.js";
export {
  type PaddedTransformerOptions,
  type TokenTransformerOptions,
  TransformerClassifier,
  TransformerLanguageModel,
  type TransformerLanguageModelOptions,
  type TransformerLanguageModelState,
  TransformerTagger,
} from "./token-transformers.js";
export { PositionedEmbedding, type PositionedEmbeddingOptions } from "./tokens.js";
export {
  TransformerEncoderDecoder,
  type TransformerEncoderDecoderOptions,
  type TransformerMemory,
  type TransformerState,
} from "./transformer-encoder-decoder.js";
export { type DecoderState, type Encoded, Translator, type TranslatorOptions } from "./translator.js";
export { VGG, type VGGOptions } from "./vgg.js";
export {
  WaveNet,
  type WaveNetContext,
  WaveNetLayer,
  type WaveNetOptions,
  type WaveNetPrompt,
  type WaveNetState,
} from "./wavenet.js";
