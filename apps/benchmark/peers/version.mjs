import { readFileSync } from "node:fs";

/** The installed version of a peer; not all of them export their manifest. */
export const versionOf = (name) =>
  JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, import.meta.url), "utf8")).version;
