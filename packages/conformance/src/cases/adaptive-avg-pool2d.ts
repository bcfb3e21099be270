import type { Case } from "../case.js";
import { parted, partedErrors } from "./adaptive-avg-pool1d.js";

export const adaptiveAvgPool2dCase: Case = {
  op: "adaptiveAvgPool2d",
  samples: [
    parted("to one pixel", [2, 3, 4, 2], [1, 1]),
    parted("to parts of two lengths", [1, 5, 4, 2], [2, 3]),
    parted("of no image", [0, 5, 4, 2], [2, 3]),
    parted("that leaves one axis as it is", [1, 5, 3, 1], [2, 3]),
  ],
  errors: partedErrors(2),
};
