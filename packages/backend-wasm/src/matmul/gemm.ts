/** Kernels of the matrix product around the tiles: loops over a block of C, and packing. */
import { type I32, i32, memoryFill, type V128, v128 } from "../emitter/code.js";
import type { FunctionBuilder } from "../emitter/function.js";
import type { ModuleBuilder } from "../emitter/module.js";
import type { Features } from "../vector-math.js";
import { callTile, defineTiles, tileColumns, tileRows } from "./micro.js";

/** Rows of A that one panel of B meets before the next panel: with k = 256 they fill a quarter of the second-level cache. */
const ROW_BLOCK = 240;

/**
 * Tiles begin … end of rows, all columns (a multiple of the tile's): C[m, n] from A by any strides and B in panels.
 * Panel j of B is at b + j·bPanel. Packed, A lies in panels of a tile's height (`definePackA`), and `aRow` is k·4.
 */
export function defineBlock(module: ModuleBuilder, features: Features, packed: boolean): void {
  const height = tileRows(features);
  const width = tileColumns(features);
  const tiles = defineTiles(module, features, packed ? "packed" : "rows");
  const parameters = {
    begin: "i32",
    end: "i32",
    m: "i32",
    panels: "i32",
    k: "i32",
    a: "i32",
    aRow: "i32",
    aStep: "i32",
    b: "i32",
    bPanel: "i32",
    bStep: "i32",
    c: "i32",
    cRow: "i32",
    finish: "i32",
    bias: "i32",
  } as const;
  module.define("run", parameters, (f, p) => {
    const block = f.keep(p.begin);
    const blockEnd = f.variable("i32");
    const wholeEnd = f.variable("i32");
    const row = f.variable("i32");
    const perBlock = Math.floor(ROW_BLOCK / height);
    f.while(
      () => i32.ltU(block, p.end),
      () => {
        f.set(blockEnd, i32.add(block, perBlock));
        f.set(blockEnd, i32.minU(blockEnd, p.end));
        f.set(wholeEnd, i32.divU(p.m, i32.const(height)));
        f.set(wholeEnd, i32.minU(wholeEnd, blockEnd));
        f.times(p.panels, (panel) => {
          const across = f.keep(i32.mul(panel, 4 * width));
          const argumentsFrom = (tile: I32) => {
            f.set(row, i32.mul(tile, height));
            return [
              i32.add(p.a, i32.mul(row, p.aRow)),
              p.aRow,
              p.aStep,
              i32.add(p.b, i32.mul(panel, p.bPanel)),
              p.bStep,
              p.k,
              i32.add(i32.add(p.c, i32.mul(row, p.cRow)), across),
              p.cRow,
              p.finish,
              i32.add(p.bias, across),
            ];
          };
          f.if(i32.ltU(block, wholeEnd), () =>
            f.call(tiles.at(-1)!, ...argumentsFrom(block), i32.sub(wholeEnd, block)),
          );
          f.if(i32.ltU(wholeEnd, blockEnd), () => {
            const args = argumentsFrom(wholeEnd);
            callTile(f, tiles, i32.sub(p.m, row), [...args, i32.const(1)]);
          });
        });
        f.set(block, blockEnd);
      },
    );
  });
}

/** Bytes of a row of B that are copied at once: a panel alone would read half a line of the cache, and leave the rest. */
const GROUP_BYTES = 128;

/**
 * Panels begin … end of B [k, n], element (i, j) at b + i·kStep + j·nStep: each becomes k rows of a tile's width,
 * zeros where n ends. With layout "rows" neighbours in n are neighbours in memory, with "columns" neighbours in k are: then 4 × 4 blocks
 * are transposed.
 */
export function definePackB(module: ModuleBuilder, features: Features, layout: "rows" | "columns" | "any"): void {
  const width = tileColumns(features);
  const parameters = {
    begin: "i32",
    end: "i32",
    k: "i32",
    n: "i32",
    b: "i32",
    kStep: "i32",
    nStep: "i32",
    out: "i32",
  } as const;
  module.define("run", parameters, (f, p) => {
    const panel = f.keep(p.begin);
    const source = f.variable("i32");
    const target = f.variable("i32");
    const columns = f.variable("i32");
    if (layout === "rows") copyGroups();
    f.while(
      () => i32.ltU(panel, p.end),
      () => {
        f.set(source, i32.add(p.b, i32.mul(i32.mul(panel, width), p.nStep)));
        f.set(target, i32.add(p.out, i32.mul(i32.mul(panel, p.k), 4 * width)));
        f.set(columns, i32.sub(p.n, i32.mul(panel, width)));
        f.if(
          i32.geU(columns, width),
          () => (layout === "rows" ? copyRows() : layout === "columns" ? transposeBlocks() : copyElements()),
          () => {
            f.do(memoryFill(target, i32.const(0), i32.mul(p.k, 4 * width)));
            copyElements();
          },
        );
        f.increase(panel, 1);
      },
    );

    function copyRows(): void {
      f.times(p.k, () => {
        for (let at = 0; at < 4 * width; at += 16) f.do(v128.store(target, v128.load(source, at), at));
        f.increase(source, p.kStep);
        f.increase(target, 4 * width);
      });
    }

    /** Whole panels, as many at a time as fill two lines of the cache. */
    function copyGroups(): void {
      const group = GROUP_BYTES / (4 * width);
      const targets = Array.from({ length: group }, () => f.variable("i32"));
      const groupEnd = f.keep(i32.divU(p.n, i32.const(width)));
      f.set(groupEnd, i32.minU(groupEnd, p.end));
      f.while(
        () => i32.leU(i32.add(panel, group), groupEnd),
        () => {
          f.set(source, i32.add(p.b, i32.mul(panel, 4 * width)));
          for (const [i, to] of targets.entries()) {
            f.set(to, i32.add(p.out, i32.mul(i32.mul(i32.add(panel, i), p.k), 4 * width)));
          }
          f.times(p.k, () => {
            for (const [i, to] of targets.entries()) {
              for (let at = 0; at < 4 * width; at += 16) {
                f.do(v128.store(to, v128.load(source, 4 * width * i + at), at));
              }
              f.increase(to, 4 * width);
            }
            f.increase(source, p.kStep);
          });
          f.increase(panel, group);
        },
      );
    }

    /** kStep is 4 here: four k of four columns at a time. */
    function transposeBlocks(): void {
      const k = f.keep(p.k);
      const pointer = f.variable("i32");
      f.while(
        () => i32.geU(k, 4),
        () => {
          f.set(pointer, source);
          for (let quad = 0; quad < width / 4; quad++) {
            const rows = Array.from({ length: 4 }, () => {
              const row = f.keep(v128.load(pointer));
              f.increase(pointer, p.nStep);
              return row;
            });
            const [a, b, c, d] = rows as readonly V128[] as [V128, V128, V128, V128];
            const columns = transpose4(f, a, b, c, d);
            for (const [i, column] of columns.entries()) {
              f.do(v128.store(target, column, i * 4 * width + quad * 16));
            }
          }
          f.increase(source, 16);
          f.increase(target, 16 * width);
          f.increase(k, -4);
        },
      );
      f.while(
        () => k,
        () => {
          f.set(pointer, source);
          for (let j = 0; j < width; j++) {
            f.do(i32.store(target, i32.load(pointer), 4 * j));
            f.increase(pointer, p.nStep);
          }
          f.increase(source, 4);
          f.increase(target, 4 * width);
          f.increase(k, -1);
        },
      );
    }

    function copyElements(): void {
      f.times(p.k, () => {
        const pointer = f.keep(source);
        f.times(i32.minU(columns, i32.const(width)), (j) => {
          f.do(i32.store(i32.add(target, i32.shl(j, 2)), i32.load(pointer)));
          f.increase(pointer, p.nStep);
        });
        f.increase(source, p.kStep);
        f.increase(target, 4 * width);
      });
    }
  });
}

/**
 * Tiles begin … end of A [m, k] as panels: for each k the elements of all rows of the tile side by side. Rows behind the last
 * are whatever the memory holds: no tile of C reads them.
 * @param layout "rows": neighbours in k are neighbours in memory; "columns": neighbours in m are
 */
export function definePackA(module: ModuleBuilder, features: Features, layout: "rows" | "columns"): void {
  const height = tileRows(features);
  const parameters = { begin: "i32", end: "i32", k: "i32", a: "i32", aRow: "i32", aStep: "i32", out: "i32" } as const;
  module.define("run", parameters, (f, p) => {
    const tile = f.keep(p.begin);
    const target = f.variable("i32");
    const source = f.variable("i32");
    f.while(
      () => i32.ltU(tile, p.end),
      () => {
        f.set(target, i32.add(p.out, i32.mul(i32.mul(tile, p.k), 4 * height)));
        f.set(source, i32.add(p.a, i32.mul(i32.mul(tile, height), p.aRow)));
        if (layout === "columns") copyColumns(p.k);
        else interleave(p.k);
        f.increase(tile, 1);
      },
    );

    /** One k after the other: its elements are neighbours already. */
    function copyColumns(k: I32): void {
      f.times(k, () => {
        f.do(v128.store(target, v128.load(source)));
        // the last four of six overlap the first four
        if (height > 4) f.do(v128.store(target, v128.load(source, 4 * (height - 4)), 4 * (height - 4)));
        f.increase(source, p.aStep);
        f.increase(target, 4 * height);
      });
    }

    /** Four k of all rows at a time, transposed in registers. */
    function interleave(total: I32): void {
      const k = f.keep(total);
      f.while(
        () => i32.geU(k, 4),
        () => {
          const pointer = f.keep(source);
          const rows = Array.from({ length: height }, () => {
            const row = f.keep(v128.load(pointer));
            f.increase(pointer, p.aRow);
            return row;
          });
          // of six rows the last two go first: storing four rows at once spills over their places
          if (height > 4) storePairs(rows[4]!, rows[5]!);
          const [a, b, c, d] = rows as readonly V128[] as [V128, V128, V128, V128];
          const columns = transpose4(f, a, b, c, d);
          for (const [i, column] of columns.entries()) f.do(v128.store(target, column, 4 * height * i));
          f.increase(source, 16);
          f.increase(target, 16 * height);
          f.increase(k, -4);
        },
      );
      f.while(
        () => k,
        () => {
          const pointer = f.keep(source);
          for (let i = 0; i < height; i++) {
            f.do(i32.store(target, i32.load(pointer), 4 * i));
            f.increase(pointer, p.aRow);
          }
          f.increase(source, 4);
          f.increase(target, 4 * height);
          f.increase(k, -1);
        },
      );
    }

    function storePairs(a: V128, b: V128): void {
      const low = f.keep(v128.shuffle32(a, b, [0, 4, 1, 5]));
      const high = f.keep(v128.shuffle32(a, b, [2, 6, 3, 7]));
      for (let i = 0; i < 4; i++) f.do(v128.store64Lane(target, i < 2 ? low : high, i % 2, 4 * height * i + 16));
    }
  });
}

/** The columns of four rows. */
function transpose4(f: FunctionBuilder, a: V128, b: V128, c: V128, d: V128): V128[] {
  const lowAB = f.keep(v128.shuffle32(a, b, [0, 4, 1, 5]));
  const highAB = f.keep(v128.shuffle32(a, b, [2, 6, 3, 7]));
  const lowCD = f.keep(v128.shuffle32(c, d, [0, 4, 1, 5]));
  const highCD = f.keep(v128.shuffle32(c, d, [2, 6, 3, 7]));
  return [
    v128.shuffle32(lowAB, lowCD, [0, 1, 4, 5]),
    v128.shuffle32(lowAB, lowCD, [2, 3, 6, 7]),
    v128.shuffle32(highAB, highCD, [0, 1, 4, 5]),
    v128.shuffle32(highAB, highCD, [2, 3, 6, 7]),
  ];
}

/** Rows begin … end of `rest` elements from a matrix of a tile's width to one with rows `cRow` bytes apart. */
export function defineEdge(module: ModuleBuilder, features: Features): void {
  const width = tileColumns(features);
  const parameters = { begin: "i32", end: "i32", from: "i32", rest: "i32", c: "i32", cRow: "i32" } as const;
  module.define("run", parameters, (f, p) => {
    const row = f.keep(p.begin);
    f.while(
      () => i32.ltU(row, p.end),
      () => {
        const source = f.keep(i32.add(p.from, i32.mul(row, 4 * width)));
        const target = f.keep(i32.add(p.c, i32.mul(row, p.cRow)));
        f.times(p.rest, (i) => {
          f.do(i32.store(i32.add(target, i32.shl(i, 2)), i32.load(i32.add(source, i32.shl(i, 2)))));
        });
        f.increase(row, 1);
      },
    );
  });
}
