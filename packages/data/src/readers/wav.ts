/** WAV files (RIFF): PCM of 8, 16, 24 or 32 bits and float32, any number of channels. And µ-law companding. */
import { ValueError } from "@neurite/core";
import {
  describeValue,
  expectBytes,
  expectInteger,
  expectNumbers,
  expectOneOf,
  expectRecord,
} from "@neurite/core/expect";

/** Sound as numbers. */
export interface Sound {
  /** Samples a second. */
  readonly sampleRate: number;
  readonly channels: number;
  /** −1 … 1; [frames, channels], so channels alternate. */
  readonly samples: Float32Array;
}

export type WavFormat = "pcm8" | "pcm16" | "pcm24" | "pcm32" | "float32";

interface Codec {
  readonly bits: number;
  readonly read: (view: DataView, offset: number) => number;
  readonly write: (view: DataView, offset: number, value: number) => void;
}

/** An integer of the range of `bits` for a sample, which is cut to −1 … 1. */
function quantize(value: number, bits: number): number {
  const scale = 2 ** (bits - 1);
  return Math.max(-scale, Math.min(scale - 1, Math.round(value * scale)));
}

const CODECS: Readonly<Record<WavFormat, Codec>> = {
  // 8 bits are unsigned
  pcm8: {
    bits: 8,
    read: (view, offset) => (view.getUint8(offset) - 128) / 128,
    write: (view, offset, value) => view.setUint8(offset, quantize(value, 8) + 128),
  },
  pcm16: {
    bits: 16,
    read: (view, offset) => view.getInt16(offset, true) / 2 ** 15,
    write: (view, offset, value) => view.setInt16(offset, quantize(value, 16), true),
  },
  pcm24: {
    bits: 24,
    read: (view, offset) => (view.getInt8(offset + 2) * 2 ** 16 + view.getUint16(offset, true)) / 2 ** 23,
    write: (view, offset, value) => {
      const level = quantize(value, 24);
      view.setUint16(offset, level & 0xffff, true);
      view.setInt8(offset + 2, level >> 16);
    },
  },
  pcm32: {
    bits: 32,
    read: (view, offset) => view.getInt32(offset, true) / 2 ** 31,
    write: (view, offset, value) => view.setInt32(offset, quantize(value, 32), true),
  },
  float32: {
    bits: 32,
    read: (view, offset) => view.getFloat32(offset, true),
    write: (view, offset, value) => view.setFloat32(offset, value, true),
  },
};

const PCM = 1;
const FLOAT = 3;
const EXTENSIBLE = 0xfffe;

function refuse(argument: string, expected: string, received: string): never {
  throw new ValueError({
    op: "readWav",
    argument,
    expected,
    received,
    remedy: "Check that the file is whole and a WAV file.",
  });
}

function nameAt(bytes: Uint8Array, offset: number): string {
  return String.fromCharCode(...bytes.subarray(offset, offset + 4));
}

/**
 * The sound in a WAV file.
 * @throws ValueError for a file that is cut or foreign, and for codings other than PCM and float32
 */
export function readWav(bytes: Uint8Array): Sound {
  expectBytes("readWav", "bytes", bytes);
  if (bytes.length < 12 || nameAt(bytes, 0) !== "RIFF" || nameAt(bytes, 8) !== "WAVE") {
    refuse("bytes", "a RIFF file of type WAVE", JSON.stringify(nameAt(bytes, 0)));
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let head: { codec: Codec; channels: number; sampleRate: number } | null = null;
  for (let at = 12; at + 8 <= bytes.length; ) {
    const name = nameAt(bytes, at);
    const length = view.getUint32(at + 4, true);
    const body = at + 8;
    if (body + length > bytes.length) refuse(`chunk ${name}`, `${length} bytes`, String(bytes.length - body));
    if (name === "fmt ") head = readFormat(view, body, length);
    if (name === "data") {
      if (!head) return refuse("bytes", 'a chunk "fmt " before the data', "none");
      return { ...readSamples(view, body, length, head) };
    }
    // chunks begin at even places
    at = body + length + (length % 2);
  }
  return refuse("bytes", 'a chunk "data"', "none");
}

function readFormat(view: DataView, at: number, length: number) {
  if (length < 16) refuse('chunk "fmt "', "at least 16 bytes", String(length));
  const tag = view.getUint16(at, true);
  const channels = view.getUint16(at + 2, true);
  const sampleRate = view.getUint32(at + 4, true);
  const bits = view.getUint16(at + 14, true);
  const coding = tag === EXTENSIBLE && length >= 26 ? view.getUint16(at + 24, true) : tag;
  const name = coding === FLOAT ? `float${bits}` : `pcm${bits}`;
  const codec = coding === PCM || coding === FLOAT ? CODECS[name as WavFormat] : undefined;
  if (!codec) return refuse("format", Object.keys(CODECS).join(", "), `coding ${coding} with ${bits} bits`);
  if (channels === 0 || sampleRate === 0) {
    refuse("format", "at least one channel and a sample rate", `${channels} channels at ${sampleRate} Hz`);
  }
  return { codec, channels, sampleRate };
}

function readSamples(
  view: DataView,
  at: number,
  length: number,
  { codec, channels, sampleRate }: { codec: Codec; channels: number; sampleRate: number },
): Sound {
  const width = codec.bits / 8;
  if (length % (width * channels) !== 0) {
    refuse("data", `a multiple of ${width * channels} bytes, one frame`, String(length));
  }
  const samples = new Float32Array(length / width);
  for (let i = 0; i < samples.length; i++) samples[i] = codec.read(view, at + i * width);
  return { sampleRate, channels, samples };
}

function expectFrames(op: string, channels: number, samples: Float32Array): void {
  expectNumbers(op, "samples", samples);
  if (Number.isInteger(channels) && channels > 0 && samples.length % channels === 0) return;
  throw new ValueError({
    op,
    argument: "samples",
    expected: "whole frames of at least one channel",
    received: `${samples.length} samples for ${describeValue(channels)} channels`,
  });
}

/**
 * A WAV file; integer formats cut samples to −1 … 1.
 * @param format default `pcm16`
 * @throws ValueError for samples that do not fill whole frames
 */
export function writeWav(sound: Sound, format: WavFormat = "pcm16"): Uint8Array {
  expectRecord("writeWav", "sound", sound, "{ sampleRate, channels, samples }");
  const { sampleRate, channels, samples } = sound;
  expectFrames("writeWav", channels, samples);
  expectOneOf("writeWav", "format", format, Object.keys(CODECS));
  expectInteger("writeWav", "sampleRate", sampleRate, 1);
  const codec = CODECS[format];
  const width = codec.bits / 8;
  const length = samples.length * width;
  const bytes = new Uint8Array(44 + length + (length % 2));
  const view = new DataView(bytes.buffer);
  const text = (at: number, name: string) =>
    bytes.set(
      Array.from(name, (c) => c.charCodeAt(0)),
      at,
    );
  text(0, "RIFF");
  view.setUint32(4, bytes.length - 8, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, format === "float32" ? FLOAT : PCM, true);
  view.setUint16(22, channels, true);
  view.setUint32(24, sampleRate, true);
  view.setUint32(28, sampleRate * channels * width, true);
  view.setUint16(32, channels * width, true);
  view.setUint16(34, codec.bits, true);
  text(36, "data");
  view.setUint32(40, length, true);
  samples.forEach((value, i) => void codec.write(view, 44 + i * width, value));
  return bytes;
}

/** One channel: the mean of all. @throws ValueError for samples that do not fill whole frames */
export function toMono(sound: Sound): Sound {
  expectRecord("toMono", "sound", sound, "{ sampleRate, channels, samples }");
  const { sampleRate, channels, samples } = sound;
  expectFrames("toMono", channels, samples);
  expectInteger("toMono", "sampleRate", sampleRate, 1);
  const mono = new Float32Array(samples.length / channels);
  samples.forEach((value, i) => {
    mono[Math.floor(i / channels)]! += value / channels;
  });
  return { sampleRate, channels: 1, samples: mono };
}

/**
 * µ-law companding to classes 0 … µ, WaveNet's targets: f = sign(x)·ln(1 + µ|x|)/ln(1 + µ), then ⌊(f + 1)/2·µ + ½⌋
 * (ITU-T G.711; van den Oord et al. 2016, §2.2). Samples are cut to −1 … 1.
 */
export function muLawEncode(samples: ArrayLike<number>, mu = 255): Int32Array {
  expectNumbers("muLawEncode", "samples", samples);
  expectInteger("muLawEncode", "mu", mu, 1);
  return Int32Array.from(samples, (sample) => {
    const x = Math.max(-1, Math.min(1, sample));
    const f = (Math.sign(x) * Math.log1p(mu * Math.abs(x))) / Math.log1p(mu);
    return Math.floor(((f + 1) / 2) * mu + 0.5);
  });
}

/** Samples of classes 0 … µ: the inverse of {@link muLawEncode}, up to rounding. */
export function muLawDecode(codes: ArrayLike<number>, mu = 255): Float32Array {
  expectNumbers("muLawDecode", "codes", codes);
  expectInteger("muLawDecode", "mu", mu, 1);
  return Float32Array.from(codes, (code) => {
    const f = (2 * code) / mu - 1;
    return (Math.sign(f) * Math.expm1(Math.abs(f) * Math.log1p(mu))) / mu;
  });
}
