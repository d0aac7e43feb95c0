/** Tasks that the model is to solve at a level, and who answers them: an engine in this process. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { askContent, SYSTEM_PROMPT } from '../../src/agent/chat-prompt.ts';
import { runBatch } from '../../src/cli/batch.ts';
import type { BatchRecord } from '../../src/cli/batch-record.ts';
import { hooksFor } from '../../src/cli/engine-session.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { readCorpus } from '../bench/corpus.ts';
import { scoreSuite } from '../eval/score.ts';
import { readSuite, type SuiteName } from '../eval/suites.ts';
import type { Answer } from '../eval/task.ts';
import { ASKED } from './points.ts';

export interface PassRate {
  passed: number;
  judged: number;
}

/**
 * Read before every program of a suite, as the earlier part of its file would be: the suites' own prompts are shorter than
 * the exact tail, so that no level would read a row of them sparsely.
 */
const PREAMBLE = 'bisect.py';
const ATTACHED = [
  ...['linecache.py', 'codeop.py', 'quopri.py', 'graphlib.py', 'timeit.py', 'code.py'],
  'fnmatch.py',
];

/** The share of a suite's programs that pass. */
export async function measureSuite(
  engine: Engine,
  suite: SuiteName,
  folder: string,
  limit: number,
): Promise<PassRate> {
  const tasks = readSuite(suite, folder, limit);
  const answers = await answer(
    engine,
    tasks.map(({ id, request }) => ({ ...behindPreamble(request), id })),
  );
  const { passed, judged } = await scoreSuite(suite, 'moebius', tasks, answers, 0);
  return { passed, judged };
}

function behindPreamble(request: BatchRecord): BatchRecord {
  const { text } = readCorpus([PREAMBLE]);
  if (request.kind === 'generate') return { ...request, prompt: `${text}\n\n${request.prompt}` };
  if (request.kind === 'infill') return { ...request, prefix: `${text}\n\n${request.prefix}` };
  throw new Error('A question has no file to stand in.');
}

interface Question {
  file: string;
  text: string;
  question: string;
  answer: string;
}

/** The share of questions about an attached file whose answer holds the name or number that is in the file. */
export async function measureAttached(engine: Engine, limit: number): Promise<PassRate> {
  const script = join(__dirname, 'questions.py');
  const questions: Question[] = JSON.parse(
    execFileSync('python3', [script, ...ATTACHED], { encoding: 'utf8', maxBuffer: 2 ** 26 }),
  ).slice(0, limit);
  const answers = await answer(engine, questions.map(chatOf));
  const failed = answers.find(({ error }) => error);
  if (failed) throw new Error(`A question could not be asked: ${failed.error}`);
  const passed = questions.filter((question, i) => isRight(answers[i]!.text, question.answer)).length;
  return { passed, judged: questions.length };
}

function chatOf({ file, text, question }: Question, index: number): BatchRecord {
  const attachment = { kind: 'file', label: file, language: 'python', text, cut: null } as const;
  const attachments = [{ ...attachment, id: file, tokens: null }];
  return {
    ...{ kind: 'chat', id: String(index), maxTokens: 32 },
    messages: [
      { role: 'system', content: SYSTEM_PROMPT },
      { role: 'user', content: askContent({ text: question, attachments }) },
    ],
  };
}

/** Whether `answer` stands in `text` as a word of its own. */
export const isRight = (text: string, answer: string): boolean =>
  new RegExp(`(?<!\\w)${answer}(?!\\w)`).test(text);

const nothing = { text: '', promptTokens: 0, outputTokens: 0 };

async function answer(engine: Engine, requests: BatchRecord[]): Promise<Answer[]> {
  const answers: Answer[] = [];
  async function* lines() {
    for (const request of requests) yield JSON.stringify(request);
  }
  await runBatch(lines(), engine, {
    level: ASKED,
    hooks: hooksFor(new AbortController().signal),
    write: async result => {
      const id = String(result.id);
      if ('error' in result) answers.push({ ...nothing, id, error: result.error.message });
      else answers.push({ ...result, id });
    },
  });
  return answers;
}
