/** Prompts for the commands that change code: short, since every token of them is read before the first is written. */

import { fenceFor } from '../../agent/code/fence.ts';
import { dedent } from '../../agent/code/indentation.ts';
import type { ChatMessage } from '../../protocol/daemon.ts';

export interface CodeTask {
  /** Relative path, for the model's sense of where it is. */
  path: string;
  languageId: string;
  /** Whole lines, `\n` line ends. */
  code: string;
}
export interface EditPrompt {
  messages: ChatMessage[];
  /** The answer begins inside a fenced block, so that no prose comes before the code. */
  answerPrefix: string;
  fence: string;
  stop: string[];
  maxTokens: number;
}

const SYSTEM =
  'You change code. Answer with the complete new version of the given code in one fenced block and nothing else. ' +
  'Keep everything that the task does not mention: names, behaviour, comments, order and style.';

/** Code has some 3 characters a token; an answer may be half as long again as the question, and then some. */
const CHARS_PER_TOKEN = 3;
const SPARE_TOKENS = 256;
const MOST_TOKENS = 4096;

/** Asks for the whole replacement of `task.code`. */
export function editPrompt(task: CodeTask, instruction: string): EditPrompt {
  const fence = fenceFor(task.code);
  const code = dedent(task.code);
  const content = `${instruction}\n\n${task.path}\n${fence}${task.languageId}\n${code}\n${fence}`;
  const maxTokens = Math.min(MOST_TOKENS, Math.ceil((code.length / CHARS_PER_TOKEN) * 1.5) + SPARE_TOKENS);
  return promptOf(SYSTEM, content, fence, task.languageId, maxTokens);
}

/** Where new code goes. */
export interface Gap extends Omit<CodeTask, 'code'> {
  /** Whole lines of the file, as they are. */
  before: string;
  after: string;
}

const WRITING_SYSTEM =
  'You write code into a file. Answer with the new code in one fenced block and nothing else. ' +
  'Do not repeat what is in the file already.';
const HERE = '[WRITE HERE]';
/** Some hundred lines. */
const NEW_TOKENS = 2048;

/** Asks for code where there is none yet. */
export function writingPrompt({ path, languageId, before, after }: Gap, instruction: string): EditPrompt {
  const around = `${before}\n${HERE}\n${after}`;
  const fence = fenceFor(around);
  const content =
    `${before}${after}`.trim() === ''
      ? `Write the code of ${path}, which is empty yet: ${instruction}`
      : `${path}\n${fence}${languageId}\n${around}\n${fence}\n\nWrite what belongs in the place of ${HERE}: ${instruction}`;
  return promptOf(WRITING_SYSTEM, content, fence, languageId, NEW_TOKENS);
}

const promptOf = (
  system: string,
  content: string,
  fence: string,
  languageId: string,
  maxTokens: number,
): EditPrompt => ({
  messages: [
    { role: 'system', content: system },
    { role: 'user', content },
  ],
  answerPrefix: `${fence}${languageId}\n`,
  fence,
  stop: [`\n${fence}`],
  maxTokens,
});

export interface Problem {
  message: string;
  /** Who found it, e.g. `ts`. */
  source: string;
  /** The line's text. */
  line: string;
}

/**
 * Errors and warnings in the code, worst first: those that are touched, or all if none is.
 * `severity` as the editor has it: 0 is an error, 1 a warning, and what is above needs no fix.
 */
export function problemsToFix<D extends { severity: number }>(
  inside: readonly D[],
  isTouched: (one: D) => boolean,
): D[] {
  const serious = inside.filter(one => one.severity <= 1);
  const touched = serious.filter(isTouched);
  return (touched.length > 0 ? touched : serious)
    .sort((a, b) => a.severity - b.severity)
    .slice(0, MOST_PROBLEMS);
}
const MOST_PROBLEMS = 8;

/** Problems named by the text of their line: a small model can't count lines. */
export function fixInstruction(problems: readonly Problem[]): string {
  if (problems.length === 0) return 'Find and fix the bugs in this code.';
  const list = problems.map(({ message, source, line }) => {
    const by = source ? ` (${source})` : '';
    return `- ${oneLine(message)}${by}, at: ${line.trim()}`;
  });
  return `Fix ${problems.length === 1 ? 'this problem' : 'these problems'} in the code:\n${list.join('\n')}`;
}

export function documentInstruction(languageId: string): string {
  const style = DOCUMENTATION[languageId] ?? 'comments in the usual style of the language';
  return `Add ${style} to this code: what it does, its parameters and what it returns. Change nothing else.`;
}

const DOCUMENTATION: Readonly<Record<string, string>> = {
  python: 'docstrings',
  javascript: 'JSDoc comments',
  javascriptreact: 'JSDoc comments',
  typescript: 'TSDoc comments',
  typescriptreact: 'TSDoc comments',
  java: 'Javadoc comments',
  rust: 'doc comments (///)',
  go: 'doc comments in the Go style',
  csharp: 'XML documentation comments',
  php: 'PHPDoc comments',
  ruby: 'YARD comments',
  c: 'Doxygen comments',
  cpp: 'Doxygen comments',
};

const oneLine = (text: string): string => text.replace(/\s*\n\s*/g, ' ').trim();
