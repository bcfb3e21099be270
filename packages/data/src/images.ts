/** Images in host memory, and their augmentation. Everything random comes from the generator given, so it can be repeated. */
import { type Generator, ShapeError, UnsupportedError } from "@neurite/core";
import {
  badValue,
  expectFinite,
  expectFunction,
  expectInteger,
  expectNumbers,
  expectOneOf,
  expectOptions,
  expectRecord,
  type OptionKinds,
} from "@neurite/core/expect";

/** [height, width, channels], channels last. */
export interface HostImage {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly data: Float32Array;
}

/** A change of an image, random or not. */
export type ImageChange = (image: HostImage, generator: Generator) => HostImage;

/** An image from its numbers. @throws ShapeError when their count does not fit, ValueError for sizes that are none */
export function hostImage(data: ArrayLike<number>, height: number, width: number, channels: number): HostImage {
  for (const [argument, value] of Object.entries({ height, width, channels })) {
    expectInteger("hostImage", argument, value, 0);
  }
  expectNumbers("hostImage", "data", data);
  if (data.length !== height * width * channels) {
    throw new ShapeError({
      op: "hostImage",
      argument: "data",
      expected: `${height * width * channels} numbers for [${height}, ${width}, ${channels}]`,
      received: String(data.length),
    });
  }
  return { height, width, channels, data: Float32Array.from(data) };
}

/** Decoded pixels, as canvases and PNG decoders give them: four bytes each. */
export interface RGBAPixels {
  readonly width: number;
  readonly height: number;
  readonly data: ArrayLike<number>;
}

export interface FromRGBAOptions {
  /** 1: grey (Rec. 601 luma), 3: colours (default), 4: with opacity. */
  readonly channels?: 1 | 3 | 4;
  /** Grey, 0 … 1, behind what is not opaque, for 1 and 3 channels. Default 1. */
  readonly background?: number;
}

const FROM_RGBA: OptionKinds<FromRGBAOptions> = { channels: "any", background: "number" };

/** An image, 0 … 1, of decoded RGBA pixels. @throws ShapeError when their count does not fit */
export function fromRGBA(pixels: RGBAPixels, options: FromRGBAOptions = {}): HostImage {
  expectRecord("fromRGBA", "pixels", pixels, "{ width, height, data }");
  expectOptions("fromRGBA", options, FROM_RGBA);
  const { channels = 3, background = 1 } = options;
  const { width, height } = pixels;
  expectOneOf("fromRGBA", "channels", channels, [1, 3, 4]);
  const rgba = hostImage(pixels.data, height, width, 4).data;
  const data = new Float32Array(height * width * channels);
  for (let i = 0; i < height * width; i++) {
    const [r, g, b, a] = Array.from(rgba.subarray(4 * i, 4 * i + 4), (value) => value / 255) as [
      number,
      number,
      number,
      number,
    ];
    const over = (value: number) => value * a + background * (1 - a);
    if (channels === 4) data.set([r, g, b, a], 4 * i);
    else if (channels === 3) data.set([over(r), over(g), over(b)], 3 * i);
    else data[i] = over(0.299 * r + 0.587 * g + 0.114 * b);
  }
  return { height, width, channels, data };
}

/** Most numbers of an image that is made here, a gigabyte of them. */
const MOST_NUMBERS = 2 ** 28;

/** Throws unless `value` is an image. */
function expectImage(op: string, value: unknown): asserts value is HostImage {
  const { height, width, channels, data } = Object(value ?? {}) as Partial<HostImage>;
  const whole = [height, width, channels].every(Number.isSafeInteger);
  if (whole && data instanceof Float32Array && data.length === height! * width! * channels!) return;
  throw badValue(op, "image", "{ height, width, channels, data }", value, "Make one with hostImage.");
}

/** A new image whose pixel (y, x) comes from `source`, which writes its channels at the place given. */
function build(
  { channels }: HostImage,
  height: number,
  width: number,
  write: (y: number, x: number, out: Float32Array, at: number) => void,
): HostImage {
  if (height * width * channels > MOST_NUMBERS) {
    throw new UnsupportedError({
      op: "image",
      argument: "height and width",
      expected: `at most ${MOST_NUMBERS} numbers in an image`,
      received: `${height} × ${width} × ${channels}`,
    });
  }
  const data = new Float32Array(height * width * channels);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) write(y, x, data, (y * width + x) * channels);
  }
  return { height, width, channels, data };
}

function copyPixel(image: HostImage, y: number, x: number, fill: number, out: Float32Array, at: number): void {
  const { height, width, channels, data } = image;
  const inside = y >= 0 && y < height && x >= 0 && x < width;
  const from = (y * width + x) * channels;
  for (let c = 0; c < channels; c++) out[at + c] = inside ? data[from + c]! : fill;
}

/** Moves the image down and right by whole pixels; what comes in is `fill`. */
export function shiftImage(image: HostImage, down: number, right: number, fill = 0): HostImage {
  expectImage("shiftImage", image);
  expectInteger("shiftImage", "down", down);
  expectInteger("shiftImage", "right", right);
  expectFinite("shiftImage", "fill", fill);
  return build(image, image.height, image.width, (y, x, out, at) =>
    copyPixel(image, y - down, x - right, fill, out, at),
  );
}

/** The part from (top, left) of the size given; what lies outside of the image is `fill`. */
export function cropImage(
  image: HostImage,
  top: number,
  left: number,
  height: number,
  width: number,
  fill = 0,
): HostImage {
  expectImage("cropImage", image);
  expectInteger("cropImage", "top", top);
  expectInteger("cropImage", "left", left);
  expectInteger("cropImage", "height", height, 0);
  expectInteger("cropImage", "width", width, 0);
  expectFinite("cropImage", "fill", fill);
  return build(image, height, width, (y, x, out, at) => copyPixel(image, y + top, x + left, fill, out, at));
}

/** Left and right exchanged. */
export function flipHorizontal(image: HostImage): HostImage {
  expectImage("flipHorizontal", image);
  return build(image, image.height, image.width, (y, x, out, at) =>
    copyPixel(image, y, image.width - 1 - x, 0, out, at),
  );
}

/** Top and bottom exchanged. */
export function flipVertical(image: HostImage): HostImage {
  expectImage("flipVertical", image);
  return build(image, image.height, image.width, (y, x, out, at) =>
    copyPixel(image, image.height - 1 - y, x, 0, out, at),
  );
}

/**
 * Turns the image counter-clockwise about its centre, each pixel mixed of the four nearest (bilinear); what comes in is `fill`.
 * @param angle in degrees
 */
export function rotateImage(image: HostImage, angle: number, fill = 0): HostImage {
  expectImage("rotateImage", image);
  expectFinite("rotateImage", "angle", angle);
  expectFinite("rotateImage", "fill", fill);
  const { height, width, channels, data } = image;
  const [sin, cos] = [Math.sin((angle * Math.PI) / 180), Math.cos((angle * Math.PI) / 180)];
  const [cy, cx] = [(height - 1) / 2, (width - 1) / 2];
  const valueAt = (y: number, x: number, c: number) =>
    y >= 0 && y < height && x >= 0 && x < width ? data[(y * width + x) * channels + c]! : fill;
  return build(image, height, width, (y, x, out, at) => {
    // rows count downwards; the rounding keeps quarter turns exact
    const fromX = round(cx + (x - cx) * cos - (y - cy) * sin);
    const fromY = round(cy + (x - cx) * sin + (y - cy) * cos);
    const [y0, x0] = [Math.floor(fromY), Math.floor(fromX)];
    const [v, u] = [fromY - y0, fromX - x0];
    for (let c = 0; c < channels; c++) {
      const top = valueAt(y0, x0, c) * (1 - u) + valueAt(y0, x0 + 1, c) * u;
      const bottom = valueAt(y0 + 1, x0, c) * (1 - u) + valueAt(y0 + 1, x0 + 1, c) * u;
      out[at + c] = top * (1 - v) + bottom * v;
    }
  });
}

function round(value: number): number {
  return Math.round(value * 1e9) / 1e9;
}

// ---- random changes

/** Uniform in [−range, range]. */
function within(generator: Generator, range: number): number {
  return (2 * generator.uniform() - 1) * range;
}

function integerWithin(generator: Generator, range: number): number {
  return generator.integer(2 * range + 1) - range;
}

/** Shifts by up to `range` pixels either way, along both axes. @throws ValueError unless `range` is an integer of at least 0 */
export function randomShift(range: number, fill = 0): ImageChange {
  expectInteger("randomShift", "range", range, 0);
  expectFinite("randomShift", "fill", fill);
  return (image, generator) =>
    shiftImage(image, integerWithin(generator, range), integerWithin(generator, range), fill);
}

export interface RandomCropOptions {
  /** Pixels around the image. Default 0. */
  readonly padding?: number;
  /** Their value. Default 0. */
  readonly fill?: number;
}

const RANDOM_CROP: OptionKinds<RandomCropOptions> = { padding: "count", fill: "number" };

/** A random part of the size given, of the image with `padding` of `fill` around it. @throws ShapeError when the image is smaller than the part */
export function randomCrop(height: number, width: number, options: RandomCropOptions = {}): ImageChange {
  expectOptions("randomCrop", options, RANDOM_CROP);
  const { padding = 0, fill = 0 } = options;
  expectInteger("randomCrop", "height", height, 1);
  expectInteger("randomCrop", "width", width, 1);
  expectInteger("randomCrop", "padding", padding, 0);
  return (image, generator) => {
    const [down, right] = [image.height + 2 * padding - height, image.width + 2 * padding - width];
    if (down < 0 || right < 0) {
      throw new ShapeError({
        op: "randomCrop",
        argument: "image",
        expected: `at least [${height}, ${width}] with its padding`,
        received: `[${image.height + 2 * padding}, ${image.width + 2 * padding}]`,
      });
    }
    const [top, left] = [generator.integer(down + 1), generator.integer(right + 1)];
    return cropImage(image, top - padding, left - padding, height, width, fill);
  };
}

/** Flips with probability p. @throws ValueError for p outside of [0, 1] */
export function randomFlip(p = 0.5, direction: "horizontal" | "vertical" = "horizontal"): ImageChange {
  expectFinite("randomFlip", "p", p, 0, 1);
  expectOneOf("randomFlip", "direction", direction, ["horizontal", "vertical"]);
  const flip = direction === "horizontal" ? flipHorizontal : flipVertical;
  return (image, generator) => (generator.uniform() < p ? flip(image) : image);
}

/** Turns by up to `degrees` either way. @throws ValueError for negative ones */
export function randomRotation(degrees: number, fill = 0): ImageChange {
  expectFinite("randomRotation", "degrees", degrees, 0);
  expectFinite("randomRotation", "fill", fill);
  return (image, generator) => rotateImage(image, within(generator, degrees), fill);
}

/** Adds a normal number to each value. @throws ValueError for a negative deviation */
export function gaussianNoise(deviation: number): ImageChange {
  expectFinite("gaussianNoise", "deviation", deviation, 0);
  return (image, generator) => ({ ...image, data: image.data.map((value) => value + deviation * generator.normal()) });
}

/** Fills a square of `size` pixels around a random pixel (DeVries & Taylor 2017); it may reach over the edge. */
export function cutout(size: number, fill = 0): ImageChange {
  expectInteger("cutout", "size", size, 0);
  expectFinite("cutout", "fill", fill);
  return (image, generator) => {
    const top = generator.integer(image.height) - (size >> 1);
    const left = generator.integer(image.width) - (size >> 1);
    return build(image, image.height, image.width, (y, x, out, at) => {
      const hidden = y >= top && y < top + size && x >= left && x < left + size;
      copyPixel(image, hidden ? -1 : y, x, fill, out, at);
    });
  };
}

export interface ColorJitterOptions {
  /** The image is multiplied by a number within 1 ± this. Default 0. */
  readonly brightness?: number;
  /** Differences from the mean are multiplied by a number within 1 ± this. Default 0. */
  readonly contrast?: number;
  /** Each channel is multiplied by a number of its own within 1 ± this. Default 0. */
  readonly color?: number;
}

const COLOR_JITTER: OptionKinds<ColorJitterOptions> = { brightness: "number", contrast: "number", color: "number" };

/** Random brightness, contrast and colours; results are cut to 0 … 1. @throws ValueError for negative ranges */
export function colorJitter(options: ColorJitterOptions): ImageChange {
  expectRecord("colorJitter", "options", options, "an object such as { brightness, contrast, color }");
  expectOptions("colorJitter", options, COLOR_JITTER);
  const { brightness = 0, contrast = 0, color = 0 } = options;
  for (const [argument, value] of Object.entries({ brightness, contrast, color })) {
    expectFinite("colorJitter", argument, value, 0);
  }
  return (image, generator) => {
    const light = 1 + within(generator, brightness);
    const spread = 1 + within(generator, contrast);
    const gains = Array.from({ length: image.channels }, () => 1 + within(generator, color));
    const mean = image.data.reduce((sum, value) => sum + value, 0) / Math.max(1, image.data.length);
    const data = image.data.map((value, i) => {
      const changed = (mean + (value - mean) * spread) * light * gains[i % image.channels]!;
      return Math.max(0, Math.min(1, changed));
    });
    return { ...image, data };
  };
}

/** Changes one after another. */
export function inTurn(...changes: readonly ImageChange[]): ImageChange {
  for (const [i, change] of changes.entries()) expectFunction("inTurn", `changes[${i}]`, change);
  return (image, generator) => changes.reduce((changed, change) => change(changed, generator), image);
}
