/** Judges the answers of one suite. */
import { availableParallelism } from 'node:os';
import { type Judgement, runProgram, type Verdict } from './sandbox.ts';
import type { Answer, Task } from './task.ts';

export interface Scored {
  id: string;
  verdict: Verdict;
  /** Absent where the suite has no single right text. */
  isExact?: boolean;
  answer: string;
  detail: string;
}
export interface SuiteScore {
  suite: string;
  answerer: string;
  /** Tasks that were answered and judged. */
  judged: number;
  passed: number;
  exact: number | null;
  timeouts: number;
  /** The engine or the judge failed; not in `judged`. */
  errors: number;
  outputTokens: number;
  seconds: number;
  records: Scored[];
}

export async function scoreSuite(
  suite: string,
  answerer: string,
  tasks: readonly Task[],
  answers: readonly Answer[],
  seconds: number,
): Promise<SuiteScore> {
  const records = await inParallel(tasks.length, availableParallelism(), async i =>
    judge(tasks[i]!, answers[i]!),
  );
  const count = (has: (record: Scored) => boolean) => records.filter(has).length;
  const errors = count(record => record.verdict === 'error');
  return {
    suite,
    answerer,
    judged: records.length - errors,
    passed: count(record => record.verdict === 'pass'),
    exact: tasks.some(task => task.expected !== undefined) ? count(record => record.isExact === true) : null,
    timeouts: count(record => record.verdict === 'timeout'),
    errors,
    outputTokens: answers.reduce((sum, answer) => sum + answer.outputTokens, 0),
    seconds,
    records,
  };
}

async function judge(task: Task, answer: Answer): Promise<Scored> {
  if (answer.id !== task.id) throw new Error(`The answer to ${task.id} has the id ${answer.id}.`);
  const { verdict, detail }: Judgement = answer.error
    ? { verdict: 'error', detail: answer.error }
    : await runProgram(task.program(answer.text), task.language);
  const scored: Scored = { id: task.id, verdict, answer: answer.text, detail };
  // White space at the end of a line decides nothing.
  if (task.expected !== undefined)
    scored.isExact = task.cut(answer.text).trimEnd() === task.expected.trimEnd();
  return scored;
}

/** Results of `work(0..count-1)` in order, `width` at a time. */
async function inParallel<T>(
  count: number,
  width: number,
  work: (index: number) => Promise<T>,
): Promise<T[]> {
  const results = new Array<T>(count);
  let next = 0;
  const worker = async () => {
    for (let i = next++; i < count; i = next++) results[i] = await work(i);
  };
  await Promise.all(Array.from({ length: width }, worker));
  return results;
}
