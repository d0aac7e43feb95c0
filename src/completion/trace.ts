/** What became of the last requests, and why: the pipeline's own record, for the user who wonders. */
import type { Usage } from '../protocol/daemon.ts';
import type { FilterName } from './post/post-process.ts';
import type { PromptText } from './prompt-window.ts';
import type { Silence } from './silence.ts';

export type Outcome =
  | { kind: 'shown'; source: 'cache' | 'running' | 'model'; text: string }
  | { kind: 'silent'; reason: Silence | 'a suggestion was dismissed here' }
  | { kind: 'unsure'; text: string }
  | { kind: 'dropped'; by: FilterName | 'brackets' }
  | { kind: 'nothing' }
  | { kind: 'overtaken' }
  | { kind: 'failed'; message: string };

/** One run of the model. */
export interface RunTrace {
  prompt: PromptText;
  /** As the model wrote it. */
  written: string;
  changedBy: readonly FilterName[];
  /** null when the run was ended before it could tell. */
  usage: Usage | null;
  meanLogProb: number | null;
}

export interface Trace {
  path: string;
  /** The cursor's line up to the cursor. */
  lineBefore: string;
  isManual: boolean;
  /** From the keystroke to the outcome. */
  ms: number;
  outcome: Outcome;
  /** Absent where the model was not asked, or had been asked at an earlier keystroke. */
  run: RunTrace | null;
}

const KEPT = 10;

export class TraceLog {
  private traces: Trace[] = [];

  /** A request that was overtaken by the next keystroke says nothing unless the model was asked for it. */
  add(trace: Trace): void {
    if (trace.outcome.kind === 'overtaken' && trace.run === null) return;
    this.traces = [trace, ...this.traces].slice(0, KEPT);
  }

  /** Newest first. */
  get all(): readonly Trace[] {
    return this.traces;
  }
}
