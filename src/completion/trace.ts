/** What became of the last requests, and why: the pipeline's own record, for the user who wonders. */
import type { Usage } from '../protocol/daemon.ts';
import type { FilterName } from './post/post-process.ts';
import type { PromptText } from './prompt-window.ts';
import type { Silence } from './silence.ts';

/** What keeps suggestions from coming by themselves, whatever the text says. */
export type Quiet =
  | 'completions are off'
  | 'completions come only by hand'
  | 'completions are snoozed'
  | 'completions are off in this language'
  | 'the window is in Restricted Mode'
  | 'the document is none of yours'
  | 'the line is too long'
  | 'there is no model'
  | 'the model could not be started'
  | 'the model was stopped';

/** Whether the model was waited for. */
export type Source = 'cache' | 'running' | 'model';

export type Outcome =
  | { kind: 'shown'; source: Source; text: string }
  | { kind: 'silent'; reason: Silence | Quiet | 'a suggestion was dismissed here' }
  | { kind: 'unsure'; source: Source; text: string }
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
  /** The run that wrote what is shown, of an earlier keystroke where it was known already; else the run that was started. */
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
