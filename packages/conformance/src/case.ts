/**
 * What a case file states about one op: samples with a reference, errors, and checks that fit neither form.
 * Read next: `checks.ts`, which turns a case into checks, and any file of `cases/`.
 */
import type { Device, DType, ErrorCode, Tensor } from "@neurite/core";
import type { InputSpec } from "./inputs.js";
import type { Plain } from "./plain.js";

/** Where and on what a sample runs. */
export interface Env {
  readonly device: Device;
  /** The dtype under test. */
  readonly dtype: DType;
}

/** Largest error allowed, as |actual − expected| / max(1, |expected|). */
export interface Tolerance {
  readonly float32?: number;
  readonly float64?: number;
  /** Why it is wider (or narrower) than the default. */
  readonly reason: string;
}

export type Results = Tensor | readonly Tensor[];

/** One call of the op on given inputs. */
export interface Sample {
  /** Continues a sentence that begins with the op's name: "of a matrix along its first axis". */
  readonly name: string;
  readonly inputs: readonly InputSpec[];
  run(inputs: readonly Tensor[], env: Env): Results;
  /** The same in plain JavaScript, in float64, without core. */
  reference(inputs: readonly Plain[], env: { readonly dtype: DType }): Plain | readonly Plain[];
  /** Dtypes to run it in; default: the case's. */
  readonly dtypes?: readonly DType[];
  /** Dtype of the results, one for all or one each; default: the dtype under test. */
  readonly result?: DType | readonly DType[];
  /** Further dtypes that it makes on the way. */
  readonly needs?: readonly DType[];
  /** Positions of the inputs to differentiate by, or false; default: the case's. */
  readonly gradient?: readonly number[] | false;
  /** False where the op has a first gradient only. */
  readonly second?: false;
  /** Runs it on strided inputs too (default true). */
  readonly layouts?: false;
  /** The sign of zeros counts. */
  readonly signedZeros?: boolean;
  /** Errors count relative to the expected value, however small it is. */
  readonly relative?: boolean;
}

/** A call that must be refused. */
export interface ErrorSample {
  /** What is refused: "shapes that do not broadcast". */
  readonly name: string;
  readonly call: (env: Env) => unknown;
  readonly code: ErrorCode;
  /** Words that the message must contain. */
  readonly words: readonly string[];
  /** Default float32. */
  readonly dtype?: DType;
}

/** A claim that no sample can state. */
export interface FreeCheck {
  /** Continues a sentence that begins with the op's name. */
  readonly name: string;
  /** Throws when the claim does not hold. */
  run(env: Env): void | Promise<void>;
  /** Default: float32 only. */
  readonly dtypes?: readonly DType[];
}

export interface Case {
  /** The function's name. */
  readonly op: string;
  readonly samples?: readonly Sample[];
  readonly errors?: readonly ErrorSample[];
  readonly checks?: readonly FreeCheck[];
  /** Default float32 and float64. */
  readonly dtypes?: readonly DType[];
  /** The op serves dtypes that a backend can only store, too. */
  readonly storage?: boolean;
  /** False: the op has no gradient. Default: by every floating-point input. */
  readonly gradient?: false;
  /** A backend may have a fused kernel for it, which must agree with the composition. */
  readonly fused?: boolean;
  readonly tolerance?: Tolerance;
}

export const FLOATS: readonly DType[] = ["float32", "float64"];
export const NUMBERS: readonly DType[] = ["float32", "float64", "int32"];
export const ALL: readonly DType[] = ["float32", "float64", "int32", "uint8", "bool"];
