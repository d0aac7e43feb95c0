/** Bytes of a text file to text and back, byte for byte. What can't come back exactly is refused, not mended. */
import { MoebiusError } from '../base/errors.ts';

type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be';
export interface DecodedText {
  /** Without byte order mark, line ends as stored. */
  text: string;
  encoding: Encoding;
  hasBom: boolean;
}

const BOMS: readonly (readonly [Encoding, readonly number[]])[] = [
  ['utf-8', [0xef, 0xbb, 0xbf]],
  ['utf-16le', [0xff, 0xfe]],
  ['utf-16be', [0xfe, 0xff]],
];

/** @throws MoebiusError `unsupported` for binary data and for encodings other than UTF-8 and UTF-16 with a byte order mark. */
export function decodeText(bytes: Uint8Array, path: string): DecodedText {
  const found = BOMS.find(([, bom]) => bom.every((byte, index) => bytes[index] === byte));
  const [encoding, bom] = found ?? ['utf-8', []];
  let text: string;
  try {
    text = new TextDecoder(encoding, { fatal: true, ignoreBOM: true }).decode(bytes.subarray(bom.length));
  } catch {
    throw new MoebiusError('unsupported', `${path} is not UTF-8 text. Convert it to UTF-8 to work with it.`);
  }
  if (text.includes('\0')) throw new MoebiusError('unsupported', `${path} is a binary file.`);
  return { text, encoding, hasBom: Boolean(found) };
}

/** @throws MoebiusError `bad-request` for half a surrogate pair, which no encoding can hold. */
export function encodeText({ text, encoding, hasBom }: DecodedText): Buffer {
  if (/\p{Cs}/u.test(text)) throw new MoebiusError('bad-request', 'The new text has half a character in it.');
  const bom = Buffer.from(hasBom ? BOMS.find(([name]) => name === encoding)![1] : []);
  if (encoding === 'utf-8') return Buffer.concat([bom, Buffer.from(text, 'utf8')]);
  const units = Buffer.from(text, 'utf16le');
  return Buffer.concat([bom, encoding === 'utf-16be' ? units.swap16() : units]);
}
