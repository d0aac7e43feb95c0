/** One question of the evaluation and how its answer is judged. */
import type { BatchRecord } from '../../src/cli/batch-record.ts';

export interface Task {
  id: string;
  request: BatchRecord;
  /** The program that passes exactly when the answer is right. */
  program(answer: string): string;
  language: 'python' | 'javascript';
  /** What was there in the source, for exact match; absent where there is no single answer. */
  expected?: string;
  /** The part of the answer that counts, as compared with `expected`. */
  cut(answer: string): string;
}

export interface Answer {
  id: string;
  text: string;
  promptTokens: number;
  outputTokens: number;
  /** Set instead of a text when the engine failed; such a task counts as an error, not as a wrong answer. */
  error?: string;
}

/** Who answers. Resolves with one answer a task, in order. */
export type Answerer = (tasks: readonly Task[], log: (line: string) => void) => Promise<Answer[]>;
