/** The data sets: how a record becomes a task. The files and fields are described in the data folder's README. */
import { join } from 'node:path';
import { WINDOW_LIMITS } from '../../src/completion/prompt-window.ts';
import { beforeStop, codeBlock, firstLine, functionBody } from './cut.ts';
import { readRecords } from './records.ts';
import type { Task } from './task.ts';

interface PythonRecord {
  id: string;
  prompt: string;
  suffix: string;
  canonical_solution: string;
  entry_point: string;
  test: string;
}
interface JavaScriptRecord {
  id: string;
  prompt: string;
  tests: string;
  stop_tokens: string[];
}

/** Ends of a Python function's body as stop strings; what they miss is cut by functionBody. */
const PYTHON_STOPS = ['\ndef ', '\nclass ', '\nif ', '\nprint', '\nassert', '\n#', '\n@', '\n```'];

const checked = (code: string, { test, entry_point }: PythonRecord): string =>
  `${code}\n${test}\ncheck(${entry_point})\n`;

function completion(record: PythonRecord): Task {
  return {
    id: record.id,
    request: { kind: 'generate', prompt: record.prompt, maxTokens: 400, stop: PYTHON_STOPS },
    cut: functionBody,
    program: answer => checked(record.prompt + functionBody(answer), record),
    language: 'python',
  };
}

function question(record: PythonRecord): Task {
  const ask =
    'Complete this Python function. Answer with the whole function in one code block, without tests.';
  const content = `${ask}\n\n\`\`\`python\n${record.prompt}\`\`\``;
  return {
    id: record.id,
    request: { kind: 'chat', messages: [{ role: 'user', content }], maxTokens: 600 },
    cut: codeBlock,
    program: answer => checked(`${importsOf(record.prompt)}\n${codeBlock(answer)}`, record),
    language: 'python',
  };
}

/** Import lines of a prompt: answers often leave them out, which is not what is measured. */
const importsOf = (prompt: string): string =>
  prompt
    .split('\n')
    .filter(line => /^(import|from) /.test(line))
    .join('\n');

function singleLine(record: PythonRecord): Task {
  const { prompt, suffix } = record;
  return {
    id: record.id,
    request: { kind: 'infill', prefix: prompt, suffix, maxTokens: 96, stop: ['\n'] },
    cut: firstLine,
    program: answer => checked(prompt + firstLine(answer) + suffix, record),
    language: 'python',
    expected: record.canonical_solution,
  };
}

/** The same line, with the lines before it at the prompt's end, as the editor's completions ask (prompt-window.ts). */
function singleLineBelow(record: PythonRecord): Task {
  const { prompt, suffix } = record;
  const start = prompt.lastIndexOf('\n', Math.max(0, prompt.length - WINDOW_LIMITS.middleStartChars)) + 1;
  const [prefix, middle] = [prompt.slice(0, start), prompt.slice(start)];
  return {
    ...singleLine(record),
    request: { kind: 'infill', prefix, suffix, middle, maxTokens: 96, stop: ['\n'] },
  };
}

function randomSpan(record: PythonRecord): Task {
  const { prompt, suffix } = record;
  return {
    id: record.id,
    request: { kind: 'infill', prefix: prompt, suffix, maxTokens: 256 },
    cut: answer => answer,
    program: answer => checked(prompt + answer + suffix, record),
    language: 'python',
    expected: record.canonical_solution,
  };
}

function javaScript({ id, prompt, tests, stop_tokens }: JavaScriptRecord): Task {
  const cut = (answer: string) => beforeStop(answer, stop_tokens);
  return {
    id,
    request: { kind: 'generate', prompt, maxTokens: 400, stop: stop_tokens },
    cut,
    program: answer => `${prompt}${cut(answer)}\n${tests}\n`,
    language: 'javascript',
  };
}

export const SUITES = {
  humaneval: { file: 'humaneval.jsonl', task: completion },
  'humaneval-chat': { file: 'humaneval.jsonl', task: question },
  'infill-line': { file: 'infilling_single_line.jsonl', task: singleLine },
  'infill-middle': { file: 'infilling_single_line.jsonl', task: singleLineBelow },
  'infill-span': { file: 'infilling_random_span_light.jsonl', task: randomSpan },
  'multipl-e-js': { file: 'multipl_e_humaneval_js.jsonl', task: javaScript },
} as const;
export type SuiteName = keyof typeof SUITES;

export function readSuite(name: SuiteName, folder: string, limit: number): Task[] {
  const { file, task } = SUITES[name];
  // Every file holds the records of its own suite, so the record is what the suite's function takes.
  return readRecords(join(folder, file), limit).map(task as (record: unknown) => Task);
}
