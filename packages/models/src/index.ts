export { type DecoderState, type Encoded, Translator, type TranslatorOptions } from "./translator.js";
