/**
 * Text in, as it is written; text and tool calls out. A model's own form is expected; those that models fall into are
 * understood too: another dialect's body, function tags, a fenced JSON block that names one of the tools. What stands in a
 * thought is no call: the model only weighs it.
 */
import { escapeRegExp } from '../../base/escape-regexp.ts';
import type { ToolCall, ToolDefinition } from '../../protocol/daemon.ts';
import type { ToolDialect } from './dialect.ts';
import { DIALECTS } from './dialects.ts';
import { FUNCTION_BEGIN, FUNCTION_END, isInParameter, readFunctionTags } from './function-tags.ts';
import { hermes } from './hermes.ts';
import { broken } from './read-call.ts';

export type AnswerPart = { kind: 'text'; text: string } | ToolCall;

/** Something with a beginning and an end that may be a call. */
interface Envelope {
  begin: string;
  end: RegExp;
  /** Belongs to it where it stands behind the end. */
  trail?: string;
  /** It may as well be text: a call in the model's own form ends it. */
  isLoose?: boolean;
  isInValue(body: string): boolean;
  /** []: it is text after all. */
  read(body: string, isWhole: boolean): ToolCall[];
}

export class CallReader {
  readonly #envelopes: readonly Envelope[];
  /** Text that is no part yet: the start of a marker, or what follows the one of `#open`. */
  #held = '';
  #open: Envelope | null = null;
  /** Of the envelope before; empty when something else came. */
  #trail = '';

  constructor(dialect: ToolDialect, tools: readonly ToolDefinition[]) {
    this.#envelopes = envelopes(dialect, tools);
  }

  /** Adds text; returns the parts that it completes. */
  push(text: string): AnswerPart[] {
    this.#held += text;
    const parts: AnswerPart[] = [];
    while (this.#open ? this.#closed(parts) : this.#opened(parts));
    return parts;
  }

  /** What is left. `isCut`: the model did not end the answer itself. */
  end(isCut: boolean): AnswerPart[] {
    const body = this.#held;
    const open = this.#open;
    this.#held = '';
    this.#open = null;
    if (!open) return textPart(body);
    return partsOf(open, body, '', !isCut);
  }

  /** Looks for the beginning of an envelope; true if there was one. */
  #opened(parts: AnswerPart[]): boolean {
    if (this.#isInTrail()) return false;
    let [at, found] = [-1, null as Envelope | null];
    for (const envelope of this.#envelopes) {
      const start = this.#held.indexOf(envelope.begin);
      if (start >= 0 && (at < 0 || start < at)) [at, found] = [start, envelope];
    }
    const shown = found ? at : this.#held.length - this.#beginningLength();
    parts.push(...textPart(this.#held.slice(0, shown)));
    this.#held = this.#held.slice(shown + (found?.begin.length ?? 0));
    this.#open = found;
    return found !== null;
  }

  /** Leaves out what may trail the envelope before; whether its rest is still to come. */
  #isInTrail(): boolean {
    if (this.#trail === '') return false;
    const held = this.#held.trimStart();
    if (held.length < this.#trail.length && this.#trail.startsWith(held)) return true;
    if (held.startsWith(this.#trail)) this.#held = held.slice(this.#trail.length);
    this.#trail = '';
    return false;
  }

  /** Looks for the end of the open envelope; true if it is there. */
  #closed(parts: AnswerPart[]): boolean {
    const open = this.#open!;
    const end = this.#outsideValues(open.end);
    const [own] = this.#envelopes;
    const call = open.isLoose ? this.#outsideValues(own!.begin) : null;
    if (call && (!end || call.at < end.at)) {
      parts.push(...textPart(open.begin + this.#held.slice(0, call.at)));
      this.#held = this.#held.slice(call.at);
    } else if (end) {
      const body = this.#held.slice(0, end.at);
      this.#held = this.#held.slice(end.at + end.text.length);
      parts.push(...partsOf(open, body, end.text, true));
      this.#trail = open.trail ?? '';
    } else return false;
    this.#open = null;
    return true;
  }

  /** Where this first stands in the held text outside of the open envelope's values. */
  #outsideValues(what: string | RegExp): { at: number; text: string } | null {
    for (const { index: at, 0: text } of this.#held.matchAll(
      typeof what === 'string' ? literally(what) : what,
    ))
      if (!this.#open!.isInValue(this.#held.slice(0, at))) return { at, text };
    return null;
  }

  /** Length of the longest end of the held text that begins a marker. */
  #beginningLength(): number {
    let longest = 0;
    for (const { begin } of this.#envelopes) {
      for (let n = Math.min(begin.length - 1, this.#held.length); n > longest; n--)
        if (this.#held.endsWith(begin.slice(0, n))) longest = n;
    }
    return longest;
  }
}

function envelopes(dialect: ToolDialect, tools: readonly ToolDefinition[]): Envelope[] {
  const own: Envelope = {
    begin: dialect.begin,
    end: literally(dialect.end),
    isInValue: body => writerOf(body, dialect)?.isInValue(body) ?? false,
    read(body, isWhole) {
      const writer = writerOf(body, dialect);
      if (writer) return writer.read(body, tools, isWhole);
      return [broken(body.trim(), `The call can't be read. Write it as ${dialect.example}`)];
    },
  };
  const functionTags: Envelope = {
    begin: FUNCTION_BEGIN,
    end: literally(FUNCTION_END),
    // Models forget the marker before it, and remember the one behind.
    trail: dialect.end,
    isInValue: isInParameter,
    read: (body, isWhole) => [readFunctionTags(body, tools, isWhole)],
  };
  const fences = ['```json\n', '```tool\n', '```tool_call\n'].map(begin => ({
    begin,
    // Indented in a list.
    end: /\n[ \t]*```/g,
    isLoose: true,
    isInValue: hermes.isInValue,
    // Answers hold JSON of all kinds: only what can be carried out is taken for a call.
    read(body: string, isWhole: boolean) {
      const calls = hermes.isBody(body) ? hermes.read(body, tools, isWhole) : [];
      return calls.every(call => call.kind === 'call') ? calls : [];
    },
  }));
  const thought: Envelope = { begin: '<think>', end: /<\/think>/g, isInValue: () => false, read: () => [] };
  return [own, functionTags, ...fences, thought];
}

const literally = (text: string): RegExp => new RegExp(escapeRegExp(text), 'g');

const writerOf = (body: string, own: ToolDialect): ToolDialect | undefined =>
  [own, ...DIALECTS].find(dialect => dialect.isBody(body));

function partsOf(envelope: Envelope, body: string, end: string, isWhole: boolean): AnswerPart[] {
  const calls = envelope.read(body, isWhole);
  return calls.length > 0 ? calls : textPart(envelope.begin + body + end);
}

const textPart = (text: string): AnswerPart[] => (text === '' ? [] : [{ kind: 'text', text }]);
