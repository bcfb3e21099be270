/** Pictures of sounds. */
import type { Pixels } from "./png.js";

/** Samples of a frame, and from one frame to the next. */
const FRAME = 256;
const HOP = 8;
/** Decibels from black to white. */
const RANGE = 70;
const GAP = 6;

const COSINES = Float64Array.from({ length: FRAME }, (_, t) => Math.cos((2 * Math.PI * t) / FRAME));

/** The decibels of the lower half of the frequencies of 256 samples, from 0 to half the sample rate, under a Hann window. */
export function spectrum(frame: Float32Array): Float64Array {
  const windowed = frame.map((sample, t) => sample * (0.5 - 0.5 * COSINES[t]!));
  return Float64Array.from({ length: FRAME / 2 }, (_, k) => {
    let [re, im] = [0, 0];
    for (let t = 0; t < FRAME; t++) {
      re += windowed[t]! * COSINES[(k * t) % FRAME]!;
      im += windowed[t]! * COSINES[(k * t + FRAME / 4) % FRAME]!;
    }
    return 10 * Math.log10(re * re + im * im + 1e-12);
  });
}

/** Signals above one another: time to the right, frequency upwards from 0 to half the sample rate, loud is dark. */
export function spectrogram(signals: readonly Float32Array[]): Pixels {
  const bands = FRAME / 2;
  const columns = Math.max(...signals.map(({ length }) => Math.floor((length - FRAME) / HOP) + 1));
  const height = signals.length * (2 * bands + GAP) - GAP;
  const data = new Float32Array(columns * height).fill(1);
  signals.forEach((signal, i) => {
    const top = i * (2 * bands + GAP);
    const frames = Array.from({ length: Math.floor((signal.length - FRAME) / HOP) + 1 }, (_, column) =>
      spectrum(signal.subarray(column * HOP, column * HOP + FRAME)),
    );
    const loudest = frames.reduce((most, frame) => Math.max(most, ...frame), Number.NEGATIVE_INFINITY);
    frames.forEach((frame, column) => {
      for (let row = 0; row < 2 * bands; row++) {
        const level = (frame[bands - 1 - Math.floor(row / 2)]! - loudest) / RANGE;
        data[(top + row) * columns + column] = Math.min(1, -level);
      }
    });
  });
  return { width: columns, height, channels: 1, data };
}
