import type { Example } from "../example.js";
export const questionAnswering: Example = async () => ({});
