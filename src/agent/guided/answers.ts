/** Answers with code: how one is begun and cut off, and what it makes of a file. */
import { type ChatMessage, type FinishReason, LIMITS } from '../../protocol/daemon.ts';
import { fenceFor } from '../code/fence.ts';
import { codeIn, type Placed, placeCode } from './code-answer.ts';
import { begun, type Head, isWritten, markOf } from './heads.ts';
import { withoutMarkers } from './markers.ts';
import { codeOf, type Region } from './region.ts';
import { withoutSelfImports } from './self-imports.ts';
import { languageOf } from './source-paths.ts';
import type { Workbench } from './workbench.ts';
import type { Writer, Written } from './writer.ts';

/** A file as it would be, or why the answer can't be used. */
export interface Draft {
  path: string;
  placed: Placed;
}

export interface Sampling {
  temperature: number;
  topP: number;
  seed: number;
}

const CHARS_PER_TOKEN = 3;
/** An answer to a stub is as long as what it implements. */
export const LEAST_ANSWER_TOKENS = 1200;
const MOST_ANSWER_TOKENS = 4096;

export class Answers {
  /** The task is to take something away: an answer may leave out what the code defines. */
  mayLose = false;
  private readonly writer: Writer;
  private readonly workbench: Workbench;

  constructor(writer: Writer, workbench: Workbench) {
    this.writer = writer;
    this.workbench = workbench;
  }

  /** `start`: what the code begins with. `select`: the part of the answer that was asked for. */
  async written(
    messages: ChatMessage[],
    path: string,
    region: Region,
    sampling: Sampling,
    start = '',
    select: (code: string) => string = code => code,
  ): Promise<Draft> {
    const code = codeOf(await this.workbench.best(path), region);
    const fence = fenceFor(code);
    const { text: answer, finish } = await this.writer.write({
      messages,
      answerPrefix: `${fence}${languageOf(path)}\n${start}`,
      stop: [`\n${fence}`],
      maxTokens: answerTokens(code),
      ...sampling,
    });
    return this.draftOf(answer, finish, path, region, select);
  }

  /** A whole file, one function after the other, each begun with its head; what stands between them the model may add to. */
  async writtenInParts(
    messages: ChatMessage[],
    path: string,
    heads: readonly Head[],
    sampling: Sampling,
  ): Promise<Draft> {
    const text = await this.workbench.best(path);
    const fence = fenceFor(text);
    const opening = `${fence}${languageOf(path)}\n`;
    let answer = '';
    let finish: FinishReason = 'stop';
    let previous: Head | null = null;
    for (const [index, head] of heads.entries()) {
      if (isWritten(answer, heads, index)) continue;
      const marks = heads.slice(index + 1).map(next => `\n${markOf(next)}`);
      const stop = [`\n${fence}`, ...marks.filter(mark => mark.length <= LIMITS.stopChars)];
      const written: Written = await this.writer.write({
        messages,
        answerPrefix: opening + begun(answer.slice(opening.length), previous, head),
        goesOnFrom: answer,
        stop: stop.slice(0, LIMITS.stopStrings),
        maxTokens: answerTokens(text),
        ...sampling,
      });
      ({ text: answer, finish } = written);
      previous = head;
      if (finish !== 'stop') break;
    }
    const region = { first: 0, last: text.split('\n').length - 1, isWholeFile: true };
    return this.draftOf(answer, finish, path, region);
  }

  /** `select`: the part of the answer that was asked for. */
  private async draftOf(
    answer: string,
    finish: FinishReason,
    path: string,
    region: Region,
    select: (code: string) => string = code => code,
  ): Promise<Draft> {
    const refused = (reason: string): Draft => ({ path, placed: { kind: 'refused', reason } });
    if (finish !== 'stop') return refused('The answer did not come to its end.');
    const text = await this.workbench.best(path);
    const written = codeIn(answer);
    if (written === null) return refused('There is no code in the answer.');
    const { code, missing } = withoutSelfImports(withoutMarkers(select(written), text), path, text);
    if (missing.length > 0)
      return refused(
        `The answer imports ${missing.map(name => `\`${name}\``).join(', ')} from ${path} itself. Write it there.`,
      );
    return { path, placed: placeCode(text, region, code, this.mayLose) };
  }
}

/** An answer may be half as long again as the code is. */
const answerTokens = (code: string): number =>
  Math.min(
    MOST_ANSWER_TOKENS,
    Math.max(LEAST_ANSWER_TOKENS, Math.ceil((code.length / CHARS_PER_TOKEN) * 1.5)),
  );
