/** A voice: 12 seconds of speech, mono, from the package `audio-lena`. */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { readWav, toMono } from "@neurite/data";

/** Zeros of the low-pass filter's sinc on each side. */
const LOBES = 16;

/** A signal at another rate: a sinc below the lower of both rates' limits, under a Hann window, reads it between its samples. */
export function resample(samples: Float32Array, from: number, to: number): Float32Array {
  const cutoff = Math.min(1, to / from);
  const reach = LOBES / cutoff;
  return Float32Array.from({ length: Math.floor((samples.length * to) / from) }, (_, i) => {
    const center = (i * from) / to;
    let sum = 0;
    const last = Math.min(samples.length - 1, Math.floor(center + reach));
    for (let k = Math.max(0, Math.ceil(center - reach)); k <= last; k++) {
      const x = Math.PI * cutoff * (k - center);
      const window = 0.5 + 0.5 * Math.cos((Math.PI * (k - center)) / reach);
      sum += samples[k]! * cutoff * (x === 0 ? 1 : Math.sin(x) / x) * window;
    }
    return sum;
  });
}

/** The recording at `sampleRate` Hz, its largest sample ±1. */
export async function loadSpeech(sampleRate: number): Promise<Float32Array> {
  const folder = dirname(createRequire(import.meta.url).resolve("audio-lena"));
  const sound = toMono(readWav(await readFile(join(folder, "lena.wav"))));
  const samples = resample(sound.samples, sound.sampleRate, sampleRate);
  const peak = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
  return samples.map((sample) => sample / peak);
}
