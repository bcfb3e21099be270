export * from "./collate.js";
export * from "./dataset.js";
export * from "./loader.js";
export * from "./vocabulary.js";
