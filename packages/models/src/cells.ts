/** The recurrent cells by name. */

import { expectOneOf } from "@neurite/core/expect";
import {
  type CellOptions,
  GRU,
  GRUCell,
  HORNN,
  HORNNCell,
  LSTM,
  LSTMCell,
  type RecurrentCell,
  type RecurrentLayer,
  type RecurrentLayerOptions,
  RNN,
  RNNCell,
} from "@neurite/layers";

export type CellName = "rnn" | "gru" | "lstm" | "hornn";

interface Kind {
  readonly cell: (inputs: number, hidden: number, options: CellOptions) => RecurrentCell;
  readonly layer: (inputs: number, hidden: number, options: RecurrentLayerOptions) => RecurrentLayer;
}

const KINDS: Readonly<Record<CellName, Kind>> = {
  rnn: { cell: (i, h, options) => new RNNCell(i, h, options), layer: (i, h, options) => new RNN(i, h, options) },
  gru: { cell: (i, h, options) => new GRUCell(i, h, options), layer: (i, h, options) => new GRU(i, h, options) },
  lstm: {
    cell: (i, h, options) => new LSTMCell(i, h, options) as unknown as RecurrentCell,
    layer: (i, h, options) => new LSTM(i, h, options) as unknown as RecurrentLayer,
  },
  hornn: {
    cell: (i, h, options) => new HORNNCell(i, h, options) as unknown as RecurrentCell,
    layer: (i, h, options) => new HORNN(i, h, options) as unknown as RecurrentLayer,
  },
};

/** The cell or layer class of that name. @throws ValueError for another */
export function kindOf(op: string, cell: CellName): Kind {
  expectOneOf(op, "cell", cell, Object.keys(KINDS));
  return KINDS[cell];
}
