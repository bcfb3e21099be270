/** Pictures of pixels. */
import { PNG } from "pngjs";

/** Rows of pixels, 0 … 1: one number each (grey) or three (red, green, blue). */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  readonly data: ArrayLike<number>;
}

export function encodePNG({ width, height, channels, data }: Pixels): Uint8Array {
  const png = new PNG({ width, height });
  for (let pixel = 0; pixel < width * height; pixel++) {
    for (let c = 0; c < 3; c++) {
      const value = data[pixel * channels + (channels === 3 ? c : 0)]!;
      png.data[4 * pixel + c] = Math.round(255 * Math.min(1, Math.max(0, value)));
    }
    png.data[4 * pixel + 3] = 255;
  }
  return PNG.sync.write(png);
}

export interface TileOptions {
  readonly columns: number;
  /** Each pixel becomes a square of this many. Default 2. */
  readonly scale?: number;
  /** Pixels between tiles. Default 2. */
  readonly gap?: number;
}

/** Images of one size side by side on white, row after row. */
export function tile(images: readonly Pixels[], { columns, scale = 2, gap = 2 }: TileOptions): Pixels {
  const [first] = images;
  if (!first) return { width: 1, height: 1, channels: 1, data: [1] };
  const [cellWidth, cellHeight] = [first.width * scale + gap, first.height * scale + gap];
  const width = columns * cellWidth + gap;
  const height = Math.ceil(images.length / columns) * cellHeight + gap;
  const data = new Float32Array(width * height * 3).fill(1);
  images.forEach(({ channels, data: source }, i) => {
    const left = gap + (i % columns) * cellWidth;
    const top = gap + Math.floor(i / columns) * cellHeight;
    for (let y = 0; y < first.height * scale; y++) {
      for (let x = 0; x < first.width * scale; x++) {
        const from = (Math.floor(y / scale) * first.width + Math.floor(x / scale)) * channels;
        const to = ((top + y) * width + left + x) * 3;
        for (let c = 0; c < 3; c++) data[to + c] = source[from + (channels === 3 ? c : 0)]!;
      }
    }
  });
  return { width, height, channels: 3, data };
}

/** Numbers stretched to 0 … 1, the smallest black. */
export function stretched(data: ArrayLike<number>): Float32Array {
  const values = Float32Array.from(data);
  const low = values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const high = values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  return values.map((value) => (high > low ? (value - low) / (high - low) : 0.5));
}
