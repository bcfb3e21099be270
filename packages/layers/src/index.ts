export * from "./attention.js";
export * from "./dropout.js";
export * from "./embedding.js";
export * from "./initializers.js";
export * from "./linear.js";
export * from "./lstm.js";
export { expectSize, Module } from "./module.js";
