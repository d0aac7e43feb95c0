/**
 * What the page shows of the agent at work. An answer of the agent is a list of parts in the order in which they happened; the host
 * sends a part again when it changes. Names are those of `agent/ports.ts`; the page knows no more of the agent than this.
 */

/** `ask`: no tools. `plan`: reads, changes nothing. `agent`: everything, with approval. */
export type Mode = 'ask' | 'plan' | 'agent';
export const MODES: readonly Mode[] = ['ask', 'plan', 'agent'];

/**
 * What is asked for. `ask`: edits and commands, but for what was allowed before. `ask-everything`: also what was allowed and what only
 * reads. `auto-edit`: commands, and edits of protected files. `read-only`: nothing, there are no edits and no commands.
 */
export type ApprovalPolicy = 'ask' | 'ask-everything' | 'auto-edit' | 'read-only';
export const APPROVAL_POLICIES: readonly ApprovalPolicy[] = [
  'ask',
  'ask-everything',
  'auto-edit',
  'read-only',
];

export interface AgentPicker {
  mode: Mode;
  policy: ApprovalPolicy;
  /** Why only `ask` can be chosen, as a sentence; null: everything can. */
  locked: string | null;
}

export interface ChangedFileView {
  path: string;
  kind: 'edit' | 'create' | 'delete';
  addedLines: number;
  removedLines: number;
  /** Put back to what it was before. */
  isUndone: boolean;
  /** Looked through and wanted. */
  isKept: boolean;
}
export interface TodoView {
  text: string;
  state: 'open' | 'doing' | 'done';
}

/** What the user is asked for. `detail` is the exact command or a unified diff, in full. */
export interface ApprovalView {
  title: string;
  detail: string;
  isDiff: boolean;
  warning: string | null;
  /** What "always" would allow, in words; null: it can't be remembered. */
  remember: string | null;
}

/** `asking`: waits for the user. `interrupted`: the answer ended before the step did. */
export type StepState = 'running' | 'asking' | 'ok' | 'failed' | 'denied' | 'interrupted';
export interface StepPart {
  kind: 'step';
  id: string;
  /** Name of the tool, for the icon. */
  tool: string;
  title: string;
  state: StepState;
  /** Of a command, its newest part. */
  output: string;
  /** One line: what came of it. */
  summary: string;
  /** null: it was never asked for. Stays when it is decided, to show what was decided about. */
  approval: ApprovalView | null;
}
export interface TextPart {
  kind: 'text';
  id: string;
  text: string;
}
/** A question of the model. `answer` is null until there is one; `isOpen` says whether one can still be given. */
export interface QuestionPart {
  kind: 'question';
  id: string;
  question: string;
  options: string[];
  isOpen: boolean;
  answer: string | null;
}
export interface NotePart {
  kind: 'note';
  id: string;
  text: string;
}
export type Part = TextPart | StepPart | QuestionPart | NotePart;

/** What an answer of the agent adds up to, besides its parts. */
export interface WorkFacts {
  todo: TodoView[];
  changed: ChangedFileView[];
}
export interface WorkView extends WorkFacts {
  parts: Part[];
}
