/** Errors thrown at the front door: they say which op, which argument, what was expected, what came, and what to do. */

const BRAND = Symbol.for("neurite.error");

/** What an error knows about its cause. Every field is part of the message. */
export interface ErrorInfo {
  /** The op or function that refused, e.g. `"matmul"`. */
  readonly op: string;
  readonly argument?: string;
  readonly expected?: string;
  readonly received?: string;
  readonly remedy?: string;
}

export type ErrorCode =
  | "ERR_SHAPE"
  | "ERR_DTYPE"
  | "ERR_DEVICE"
  | "ERR_DISPOSED"
  | "ERR_UNSUPPORTED"
  | "ERR_INDEX"
  | "ERR_VALUE"
  | "ERR_NON_FINITE"
  | "ERR_CHECKPOINT"
  | "ERR_VERSION";

function compose(info: ErrorInfo): string {
  const subject = info.argument ? `${info.op}: ${info.argument}` : `${info.op}:`;
  const expected = info.expected ? ` expects ${info.expected}` : "";
  const joint = info.expected ? ", but received" : info.argument ? " is" : " received";
  const received = info.received ? `${joint} ${info.received}` : "";
  return `${subject}${expected}${received}.${info.remedy ? ` ${info.remedy}` : ""}`;
}

/** Base of all errors of this library. Recognise it with {@link isNeuriteError}, which also works across copies of the package. */
export class NeuriteError extends Error {
  readonly [BRAND] = true;
  readonly code: ErrorCode;
  readonly info: ErrorInfo;
  /** Path of the module whose `forward` threw, outermost first, e.g. `["encoder", "lstm"]`. */
  readonly modulePath: string[] = [];
  readonly #text: string;

  constructor(code: ErrorCode, info: ErrorInfo, options?: ErrorOptions) {
    const text = compose(info);
    super(text, options);
    this.code = code;
    this.info = info;
    this.#text = text;
  }

  /** Puts a module's name in front of the path; called while the error travels outward through nested modules. */
  prependModule(name: string): void {
    this.modulePath.unshift(name);
    this.message = `${this.#text} (in module ${this.modulePath.join(".")})`;
  }
}

function errorClass(name: string, code: ErrorCode) {
  return class extends NeuriteError {
    override readonly name = name;
    constructor(info: ErrorInfo, options?: ErrorOptions) {
      super(code, info, options);
    }
  };
}

/** Shapes, ranks or axis counts that do not fit together. */
export class ShapeError extends /* @__PURE__ */ errorClass("ShapeError", "ERR_SHAPE") {}
/** Element types that do not fit together; nothing is promoted silently. */
export class DTypeError extends /* @__PURE__ */ errorClass("DTypeError", "ERR_DTYPE") {}
/** Tensors of different devices in one op, or no device at all. */
export class DeviceError extends /* @__PURE__ */ errorClass("DeviceError", "ERR_DEVICE") {}
/** Use of a tensor whose storage was given back. */
export class DisposedError extends /* @__PURE__ */ errorClass("DisposedError", "ERR_DISPOSED") {}
/** Something this backend or package does not offer. */
export class UnsupportedError extends /* @__PURE__ */ errorClass("UnsupportedError", "ERR_UNSUPPORTED") {}
/** An axis or an element index out of range. */
export class IndexError extends /* @__PURE__ */ errorClass("IndexError", "ERR_INDEX") {}
/** An argument whose value makes no sense. */
export class ValueError extends /* @__PURE__ */ errorClass("ValueError", "ERR_VALUE") {}
/** A NaN or an infinity where a finite number is needed. */
export class NonFiniteError extends /* @__PURE__ */ errorClass("NonFiniteError", "ERR_NON_FINITE") {}
/** A checkpoint that is damaged, truncated, foreign, or could not be written. */
export class CheckpointError extends /* @__PURE__ */ errorClass("CheckpointError", "ERR_CHECKPOINT") {}
/** Two copies of the library that cannot share a process. */
export class VersionError extends /* @__PURE__ */ errorClass("VersionError", "ERR_VERSION") {}

/** Whether `error` comes from this library, from whichever copy of it. */
export function isNeuriteError(error: unknown): error is NeuriteError {
  return typeof error === "object" && error !== null && (error as { [BRAND]?: boolean })[BRAND] === true;
}
