/**
 * What of a command's live output goes into the file of the chat: as it comes while there is little of it, of more only the end, when
 * the call is over. What a program prints in the background after that is in its terminal and nowhere else.
 */
import { OUTPUT_CHARS } from '../../agent/steps.ts';

/** As it comes, and of the end: together what the steps of an answer keep. */
const HALF = OUTPUT_CHARS / 2;
const CUT = '\n[the middle is left out]\n';
const END_CHARS = HALF - CUT.length;

interface Call {
  /** What may still be stored as it comes. */
  room: number;
  end: string;
  isCut: boolean;
}

export class OutputRecord {
  readonly #calls = new Map<string, Call>();
  readonly #store: (callId: string, text: string) => void;

  constructor(store: (callId: string, text: string) => void) {
    this.#store = store;
  }

  begin(callId: string): void {
    this.#calls.set(callId, { room: HALF, end: '', isCut: false });
  }

  add(callId: string, text: string): void {
    const call = this.#calls.get(callId);
    if (!call) return;
    const now = text.slice(0, call.room);
    call.room -= now.length;
    if (now !== '') this.#store(callId, now);
    call.end += text.slice(now.length);
    // Not with every line: each time, all of it is copied.
    if (call.end.length > 2 * END_CHARS) this.#cut(call);
  }

  end(callId: string): void {
    const call = this.#calls.get(callId);
    this.#calls.delete(callId);
    if (!call || call.end === '') return;
    this.#cut(call);
    this.#store(callId, call.isCut ? CUT + call.end : call.end);
  }

  endAll(): void {
    for (const callId of [...this.#calls.keys()]) this.end(callId);
  }

  #cut(call: Call): void {
    call.isCut ||= call.end.length > END_CHARS;
    call.end = call.end.slice(-END_CHARS);
  }
}
