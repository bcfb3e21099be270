import { argMax } from "@neurite/core";
import { argReductionCase } from "../arg-reduction-case.js";

export const argMaxCase = argReductionCase("argMax", argMax, (a, b) => a > b);
