import type { Case } from "../case.js";
import { parted, partedErrors } from "./adaptive-avg-pool1d.js";

export const adaptiveAvgPool3dCase: Case = {
  op: "adaptiveAvgPool3d",
  samples: [
    parted("to parts of one length", [1, 2, 4, 2, 1], [1, 2, 2]),
    parted("to parts of two lengths", [1, 3, 2, 3, 1], [2, 1, 2]),
    parted("of no volume", [0, 3, 2, 3, 1], [2, 1, 2]),
  ],
  errors: partedErrors(3),
};
