import { argMin } from "@neurite/core";
import { argReductionCase } from "../arg-reduction-case.js";

export const argMinCase = argReductionCase("argMin", argMin, (a, b) => a < b);
