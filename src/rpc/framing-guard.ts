/**
 * A gate in front of vscode-jsonrpc's reader. That reader never recovers from a bad header: after one stray line on
 * the stream no later frame is delivered, an absurd Content-Length waits for ever without an error, and scanning
 * unterminated garbage is quadratic. Here every header is checked before its frame is let through, with caps on
 * both, and the first violation ends the stream with an error that shows what arrived.
 */
import { Transform, type TransformCallback } from 'node:stream';
import { MoebiusError } from '../base/errors.ts';
import { LIMITS } from '../protocol/daemon.ts';

const HEADER_END = Buffer.from('\r\n\r\n');
/** Every header line starts so; used to refuse garbage at its first bytes instead of at the next frame. */
const HEADER_START = Buffer.from('Content-');

export interface FramingLimits {
  headerBytes: number;
  messageBytes: number;
}

export class FramingGuard extends Transform {
  readonly #limits: FramingLimits;
  #header: Buffer = Buffer.alloc(0);
  /** Bytes of the current frame's body that are still to come; 0 while a header is read. */
  #bodyLeft = 0;

  constructor(limits: FramingLimits = LIMITS) {
    super();
    this.#limits = limits;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    try {
      for (let rest = chunk; rest.length > 0; )
        rest = this.#bodyLeft > 0 ? this.#body(rest) : this.#head(rest);
      done();
    } catch (error) {
      done(error as Error);
    }
  }

  override _flush(done: TransformCallback): void {
    const isInFrame = this.#bodyLeft > 0 || this.#header.length > 0;
    // Not `format-invalid`: nothing is wrong with the other side's format, it died while it wrote.
    const error = new MoebiusError('daemon-down', 'The stream ended in the middle of a message.');
    done(isInFrame ? error : null);
  }

  /** Lets body bytes through; returns what lies behind the body. */
  #body(bytes: Buffer): Buffer {
    const taken = bytes.subarray(0, this.#bodyLeft);
    this.#bodyLeft -= taken.length;
    this.push(taken);
    return bytes.subarray(taken.length);
  }

  /** Collects header bytes; lets the header through when it is whole and valid; returns what lies behind it. */
  #head(bytes: Buffer): Buffer {
    const seen = this.#header.length;
    const { headerBytes } = this.#limits;
    this.#header = Buffer.concat([this.#header, bytes.subarray(0, headerBytes + HEADER_END.length - seen)]);
    const start = this.#header.subarray(0, HEADER_START.length);
    if (!start.equals(HEADER_START.subarray(0, start.length)))
      throw this.#violation('is not a message header');
    const end = this.#header.indexOf(HEADER_END, Math.max(0, seen - HEADER_END.length));
    if (end < 0) {
      if (this.#header.length > headerBytes)
        throw this.#violation(`is a header longer than ${headerBytes} bytes`);
      return Buffer.alloc(0);
    }
    const headerLength = end + HEADER_END.length;
    this.#bodyLeft = this.#contentLength(this.#header.toString('latin1', 0, end));
    this.push(this.#header.subarray(0, headerLength));
    this.#header = Buffer.alloc(0);
    return bytes.subarray(headerLength - seen);
  }

  #contentLength(header: string): number {
    let length: number | null = null;
    for (const line of header.split('\r\n')) {
      const match = /^Content-(Length: *(\d{1,15})|Type: [ -~]*)$/.exec(line);
      if (!match) throw this.#violation('is not a message header');
      if (match[2] === undefined) continue;
      if (length !== null) throw this.#violation('names two lengths');
      length = Number(match[2]);
    }
    if (length === null) throw this.#violation('names no length');
    if (length === 0) throw this.#violation('names an empty message');
    if (length > this.#limits.messageBytes) {
      throw this.#violation(`announces ${length} bytes; at most ${this.#limits.messageBytes} are accepted`);
    }
    return length;
  }

  #violation(what: string): MoebiusError {
    const shown = JSON.stringify(this.#header.toString('latin1', 0, 80));
    return new MoebiusError('format-invalid', `What arrived on the connection ${what}: ${shown}`);
  }
}
