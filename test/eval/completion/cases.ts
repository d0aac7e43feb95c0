/** The sets of the completion evaluation: a cursor in a document, and how what is written there is judged. */
import { join } from 'node:path';
import { transformSync } from 'esbuild';
import type { BatchRecord } from '../../../src/cli/batch-record.ts';
import type { Cursor } from '../../../src/completion/cursor.ts';
import { beforeStop, firstLine } from '../cut.ts';
import { readRecords } from '../records.ts';
import type { Judgement } from '../sandbox.ts';
import { runProgram } from '../sandbox.ts';

export interface Case {
  id: string;
  cursor: Cursor;
  /** The same place, asked for as infilling is asked for without a pipeline, and the part of the answer that counts. */
  raw: Extract<BatchRecord, { kind: 'infill' }>;
  cutRaw(answer: string): string;
  /** What stood there; absent where there is no single answer. */
  expected?: string;
  /** Judges the text between before and after the cursor; `after` is what is left of what follows it. */
  judge(text: string, after: string): Promise<Judgement>;
}

interface PythonRecord {
  id: string;
  prompt: string;
  suffix: string;
  canonical_solution: string;
  entry_point: string;
  test: string;
}
interface ScriptRecord {
  id: string;
  prompt: string;
  tests: string;
  stop_tokens: string[];
}
interface CallRecord {
  id: string;
  prompt: string;
  suffix: string;
  ground_truth: string;
  language: string;
}

const cursor = (
  id: string,
  languageId: string,
  extension: string,
  before: string,
  after: string,
): Cursor => ({
  uri: id,
  path: `program.${extension}`,
  languageId,
  before,
  after,
});

const runPython = (code: string, { test, entry_point }: PythonRecord) =>
  runProgram(`${code}\n${test}\ncheck(${entry_point})\n`, 'python');

/** One line was taken out: the cursor stands on the empty line. */
function line(record: PythonRecord): Case {
  const { id, prompt, suffix, canonical_solution } = record;
  return {
    id,
    cursor: cursor(id, 'python', 'py', prompt, `\n${suffix}`),
    raw: { kind: 'infill', prefix: prompt, suffix, maxTokens: 96, stop: ['\n'] },
    cutRaw: answer => firstLine(answer).trimEnd(),
    expected: canonical_solution.trimEnd(),
    judge: (text, after) => runPython(prompt + text + after, record),
  };
}

/** A span was taken out, from anywhere to anywhere. */
function span(record: PythonRecord): Case {
  const { id, prompt, suffix, canonical_solution } = record;
  return {
    id,
    cursor: cursor(id, 'python', 'py', prompt, suffix),
    raw: { kind: 'infill', prefix: prompt, suffix, maxTokens: 256 },
    cutRaw: answer => answer,
    expected: canonical_solution,
    judge: (text, after) => runPython(prompt + text + after, record),
  };
}

const EXTENSIONS: Readonly<Record<string, string>> = { python: 'py', java: 'java', cpp: 'cpp', csharp: 'cs' };

/** A call was taken out. Nothing is run: right is what equals it but for white space, with nothing behind the call. */
function call({ id, prompt, suffix, ground_truth, language }: CallRecord): Case {
  const verdict = (text: string) => (isCall(text, ground_truth) ? 'pass' : 'fail');
  return {
    id,
    cursor: cursor(id, language, EXTENSIONS[language] ?? language, prompt, suffix),
    raw: { kind: 'infill', prefix: prompt, suffix, maxTokens: 96 },
    expected: ground_truth,
    cutRaw: answer => answer,
    judge: async text => ({ verdict: verdict(text), detail: '' }),
  };
}

function isCall(text: string, truth: string): boolean {
  const [written, wanted] = [text.replace(/\s/g, ''), truth.replace(/\s/g, '')];
  if (!written.startsWith(wanted)) return false;
  // What goes on with `.` or `(` is another expression; a `;` or a closer behind the call is the next thing.
  return !/^[\w.([]/.test(written.slice(wanted.length));
}

/** A function is written from its head on. */
function body(languageId: 'javascript' | 'typescript') {
  return ({ id, prompt, tests, stop_tokens }: ScriptRecord): Case => ({
    id,
    cursor: cursor(id, languageId, languageId === 'javascript' ? 'js' : 'ts', prompt, ''),
    raw: { kind: 'infill', prefix: prompt, suffix: '', maxTokens: 256, stop: stop_tokens },
    cutRaw: answer => beforeStop(answer, stop_tokens),
    async judge(text, after) {
      const program = `${prompt}${text}${after}\n${tests}\n`;
      if (languageId === 'javascript') return runProgram(program, 'javascript');
      try {
        return await runProgram(transformSync(program, { loader: 'ts' }).code, 'javascript');
      } catch (error) {
        return { verdict: 'fail', detail: (error as Error).message };
      }
    },
  });
}

export const SETS = {
  'infill-line': { file: 'infilling_single_line.jsonl', make: line },
  'infill-span': { file: 'infilling_random_span_light.jsonl', make: span },
  safim: { file: 'safim_api_completion.jsonl', make: call },
  javascript: { file: 'multipl_e_humaneval_js.jsonl', make: body('javascript') },
  typescript: { file: 'multipl_e_humaneval_ts.jsonl', make: body('typescript') },
} as const;
export type SetName = keyof typeof SETS;

export function readCases(name: SetName, folder: string, limit: number): Case[] {
  const { file, make } = SETS[name];
  // Every file holds the records of its own set, so the record is what the set's function takes.
  return readRecords(join(folder, file), limit).map(make as (record: unknown) => Case);
}
