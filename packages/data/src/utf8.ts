/**
 * UTF-8 that keeps every JavaScript string: a lone surrogate, which TextEncoder would replace, takes three bytes of its own
 * (as in WTF-8).
 */

/** Bytes of a string. */
export function toBytes(text: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of text) {
    const code = character.codePointAt(0)!;
    if (code < 0x80) bytes.push(code);
    else if (code < 0x800) bytes.push(0xc0 | (code >> 6), 0x80 | (code & 63));
    else if (code < 0x10000) bytes.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
    else {
      bytes.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 63), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
    }
  }
  return Uint8Array.from(bytes);
}

/** Smallest code of each length in bytes; less is an overlong form. */
const SMALLEST = [0, 0, 0x80, 0x800, 0x10000];
const REPLACEMENT = "\ufffd";

/** The string of bytes; a byte that belongs to no character becomes U+FFFD. */
export function fromBytes(bytes: readonly number[]): string {
  const parts: string[] = [];
  for (let i = 0; i < bytes.length; ) {
    const lead = bytes[i]!;
    const length = lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 0;
    let code = length === 1 ? lead : lead & (0x7f >> length);
    let ok = length > 0 && lead < 0xf8 && i + length <= bytes.length;
    for (let k = 1; ok && k < length; k++) {
      const next = bytes[i + k]!;
      ok = (next & 0xc0) === 0x80;
      code = (code << 6) | (next & 63);
    }
    ok &&= code >= SMALLEST[length]! && code <= 0x10ffff;
    parts.push(ok ? String.fromCodePoint(code) : REPLACEMENT);
    i += ok ? length : 1;
  }
  return parts.join("");
}
