/** From a model's answer to the text that takes the place of the old one, or the reason why there is none. */

import { codeOf } from '../../agent/code/fence.ts';
import { indentLike } from '../../agent/code/indentation.ts';
import { MoebiusError } from '../../base/errors.ts';
import type { GenerateResult } from '../../protocol/daemon.ts';
import type { EditPrompt } from './prompts.ts';

/**
 * The replacement of `original`, with `\n` line ends. Throws `context-full` when the answer was cut, `unsupported` when
 * it has no code or changes nothing.
 */
export function replacementOf(
  original: string,
  result: Pick<GenerateResult, 'text' | 'finish'>,
  prompt: Pick<EditPrompt, 'answerPrefix' | 'fence'>,
): string {
  if (result.finish === 'length' || result.finish === 'repetition' || result.finish === 'time') {
    throw new MoebiusError(
      'context-full',
      'The model did not reach the end of its answer, so it is not used. Select less code and try again.',
    );
  }
  const { answerPrefix, fence } = prompt;
  const text = result.text.startsWith(answerPrefix) ? result.text.slice(answerPrefix.length) : result.text;
  const code = codeOf(text, fence);
  if (code === '')
    throw new MoebiusError('unsupported', 'The model answered without code. Try again, or say more.');
  const replacement = placedIn(original, code);
  if (replacement.trimEnd() === original.trimEnd()) {
    throw new MoebiusError('unsupported', 'The model proposes no change to this code.');
  }
  return replacement;
}

/** Code in the place of the original: indented like it, or like a blank line where the editor has indented that. */
export function placedIn(original: string, code: string): string {
  if (original.trim() !== '') return indentLike(original, code);
  const indentation = original.slice(original.lastIndexOf('\n') + 1);
  return indentation === '' ? code : indentLike(`${indentation}.`, code);
}
