/** The events of the agent as what the page shows of them. Pure: the same fold serves a running answer and a stored one. */
import type { AgentEvent, ChangedFile, StopReason } from '../../agent/ports.ts';
import { type Answer, isAnswered, type Transcript, wordsOf } from '../../agent/transcript.ts';
import type {
  ChangedFileView,
  NotePart,
  Part,
  QuestionPart,
  StepPart,
  TextPart,
  WorkView,
} from '../../protocol/agent-view.ts';

/** Of a command's output the page keeps this much, the newest: the rest is in the terminal. */
const OUTPUT_CHARS = 20_000;

/** `turn`: answers of the model so far; the text of one is a part of its own. */
export interface Work extends WorkView {
  turn: number;
}

export const emptyWork = (): Work => ({
  turn: 0,
  parts: [],
  todo: [],
  changed: [],
});

/** What an event changed: a part to send again, more of a text or of an output, or only the facts. */
export type WorkChange =
  | { kind: 'part'; part: Part }
  | { kind: 'text'; part: TextPart; text: string }
  | { kind: 'output'; part: StepPart; text: string }
  | { kind: 'facts' }
  | { kind: 'none' };

/** Tools that need no card: the plan has a place of its own, and the end shows by itself. */
const SHOWN_OTHERWISE: ReadonlySet<string> = new Set(['todo', 'task_done']);

const NONE: WorkChange = { kind: 'none' };

/** Adds one event, in place. `answerId` makes the ids of parts unique in the page. */
export function applyAgentEvent(work: Work, event: AgentEvent, answerId: string): WorkChange {
  switch (event.type) {
    case 'turn':
      work.turn = event.turn;
      return NONE;
    case 'history':
      return NONE;
    case 'text':
      return addText(work, event.text, answerId);
    case 'call': {
      const tool = event.call.kind === 'call' ? event.call.name : 'broken';
      if (SHOWN_OTHERWISE.has(tool)) return NONE;
      return add(work, { ...newStep(event.callId, tool, event.title), state: 'running' });
    }
    case 'approval': {
      const { callId, capability, title, detail, warning, remember } = event.request;
      const isDiff = capability === 'edit' || capability === 'edit-protected';
      return change(work, callId, step => {
        step.state = 'asking';
        step.approval = { title, detail, isDiff, warning, remember };
      });
    }
    case 'decision':
      return change(work, event.callId, step => {
        step.state = event.decision.kind === 'deny' ? 'denied' : 'running';
        if (event.decision.kind === 'deny') step.summary = event.decision.reason ?? 'You did not allow this';
      });
    case 'output':
      return addOutput(work, event.callId, event.text);
    case 'result': {
      mergeChanges(work.changed, event.changes);
      const question = find<QuestionPart>(work, event.callId, 'question');
      if (question) {
        question.isOpen = false;
        question.answer ??= event.summary;
      }
      return change(work, event.callId, step => {
        // What the user said when they denied it says more than that it was denied.
        if (step.state === 'denied') return;
        step.state = event.ok ? 'ok' : 'failed';
        step.summary = event.changes.length > 0 ? linesOf(event.changes) : event.summary;
      });
    }
    case 'todo':
      work.todo = event.items.map(item => ({ ...item }));
      return { kind: 'facts' };
    case 'question': {
      const { callId: id, question, options } = event;
      // A question has a card of its own; the call that asks it needs none.
      work.parts = work.parts.filter(part => part.id !== id);
      return add(work, { kind: 'question', id, question, options, isOpen: true, answer: null });
    }
    case 'notice':
      return add(work, note(`${answerId}:${work.parts.length}`, event.text));
    case 'end':
      closeOpen(work);
      return addLastWords(work, event, answerId);
  }
}

/** A stored answer; null if it did nothing but answer. `isRunning`: it is being worked on. */
export function workOf(answer: Answer, isRunning: boolean): WorkView | null {
  if (answer.steps.length === 0) return null;
  const work = emptyWork();
  for (const step of answer.steps) applyAgentEvent(work, step, answer.id);
  if (!isRunning) closeOpen(work);
  return decided(work, answer);
}

/** The same of an answer that is being worked on, from what was shown of it: what is stored comes later. */
export function liveWorkOf(answer: Answer, work: Readonly<Work>): WorkView {
  return decided(structuredClone(work), answer);
}

/** With what the user decided about its files, in place. */
function decided({ turn: _, ...view }: Work, { undone, kept }: Answer): WorkView {
  for (const file of view.changed) {
    file.isUndone = undone.includes(file.path);
    file.isKept = kept.includes(file.path);
  }
  return view;
}

/** Paths that an answer changed and that were not put back. */
export function liveChanges({ steps, undone }: Answer): string[] {
  const changed = steps.flatMap(step => (step.type === 'result' ? step.changes.map(({ path }) => path) : []));
  return [...new Set(changed)].filter(path => !undone.includes(path));
}

/** Of what was talked about in between, the agent is told this much, the newest. About 1,000 tokens. */
const TALK_CHARS = 4000;

export interface News {
  /** In words for the model; '' if nothing. */
  text: string;
  /** What of it was left out, for the user; null: nothing. */
  cut: string | null;
}

/**
 * What happened since the agent's last answer before `askId` that it does not know: what the user took back, and what was asked and
 * answered in ask mode.
 */
export function newsSince(transcript: Transcript, askId: string): News {
  const { entries } = transcript;
  const earlier = entries.slice(
    0,
    entries.findIndex(entry => entry.id === askId),
  );
  const last = earlier.findLastIndex(entry => entry.kind === 'answer' && entry.steps.length > 0);
  const { undone = [] } = (earlier[last] as Answer | undefined) ?? {};
  const back = undone.length > 0 ? [`I took back your changes of ${undone.join(', ')}.`] : [];
  const talk = earlier
    .slice(last + 1)
    .filter(entry => entry.text !== '' && (entry.kind === 'answer' || isAnswered(transcript, entry.id)))
    .map(entry => (entry.kind === 'ask' ? `I asked: ${wordsOf(entry)}` : `You answered: ${entry.text}`))
    .join('\n\n');
  const isCut = talk.length > TALK_CHARS;
  // Not from the middle of a character.
  const newest = talk.slice(-TALK_CHARS).replace(/^[\u{dc00}-\u{dfff}]/u, '');
  const before = isCut ? 'Before this, of which the beginning is left out' : 'Before this';
  const heard = talk === '' ? [] : [`${before}:\n${isCut ? '…' : ''}${newest}`];
  return { text: [...back, ...heard].join('\n\n'), cut: isCut ? LEFT_OUT : null };
}

const LEFT_OUT =
  `Of what was said since its last task the agent reads the newest ${TALK_CHARS.toLocaleString('en')} characters; the rest was left out. ` +
  'If something in it matters now, say it again.';

/** Nothing runs or waits any more: what was open was interrupted. */
export function closeOpen(work: WorkView): void {
  for (const part of work.parts) {
    if (part.kind === 'question') part.isOpen = false;
    if (part.kind === 'step' && (part.state === 'running' || part.state === 'asking'))
      part.state = 'interrupted';
  }
}

function addText(work: Work, text: string, answerId: string): WorkChange {
  if (text === '') return NONE;
  const last = work.parts.at(-1);
  const start = `${answerId}:${work.turn}.`;
  if (last?.kind === 'text' && last.id.startsWith(start)) {
    last.text += text;
    return { kind: 'text', part: last, text };
  }
  return add(work, { kind: 'text', id: `${start}${work.parts.length}`, text });
}

/** Ends whose text is said to the user; that of an error stands in the box of the error. */
const FOR_USER: ReadonlySet<StopReason> = new Set(['done', 'answered', 'unfinished', 'limit']);

/** What is said at the end may be an argument of the model's last call, or the host's own words: what of it was not streamed as text. */
function addLastWords(
  work: Work,
  { reason, text }: Extract<AgentEvent, { type: 'end' }>,
  answerId: string,
): WorkChange {
  const isForUser = FOR_USER.has(reason);
  const said = (work.parts.findLast(part => part.kind === 'text')?.text ?? '').trim();
  const words = text.trim();
  const unsaid = words.endsWith(said) ? words.slice(0, words.length - said.length).trimEnd() : words;
  if (!isForUser || unsaid === '' || said.includes(words)) return { kind: 'facts' };
  return add(work, { kind: 'text', id: `${answerId}:${work.parts.length}`, text: unsaid });
}

function addOutput(work: Work, id: string, text: string): WorkChange {
  const step = find<StepPart>(work, id, 'step');
  if (!step) return NONE;
  step.output = (step.output + text).slice(-OUTPUT_CHARS);
  return { kind: 'output', part: step, text };
}

function add(work: Work, part: Part): WorkChange {
  work.parts.push(part);
  return { kind: 'part', part };
}

function change(work: Work, id: string, apply: (step: StepPart) => void): WorkChange {
  const step = find<StepPart>(work, id, 'step');
  if (step) apply(step);
  const part = step ?? work.parts.find(one => one.id === id);
  return part ? { kind: 'part', part } : NONE;
}

function find<T extends Part>(work: Work, id: string, kind: T['kind']): T | undefined {
  return work.parts.find((part): part is T => part.id === id && part.kind === kind);
}

const newStep = (id: string, tool: string, title: string): StepPart => ({
  kind: 'step',
  id,
  tool,
  title,
  state: 'running',
  output: '',
  summary: '',
  approval: null,
});

const note = (id: string, text: string): NotePart => ({ kind: 'note', id, text });

/** `+3 −1` */
function linesOf(changes: readonly ChangedFile[]): string {
  const sum = (count: (file: ChangedFile) => number) =>
    changes.reduce((total, file) => total + count(file), 0);
  return `+${sum(file => file.addedLines)} −${sum(file => file.removedLines)}`;
}

/** Several changes of a file are one in the list: lines add up, and a file that was created stays one. */
function mergeChanges(files: ChangedFileView[], changes: ChangedFile[]): void {
  for (const next of changes) {
    const known = files.find(file => file.path === next.path);
    if (!known) {
      files.push({ ...next, isUndone: false, isKept: false });
      continue;
    }
    known.addedLines += next.addedLines;
    known.removedLines += next.removedLines;
    if (next.kind === 'delete' || known.kind === 'delete')
      known.kind = next.kind === 'delete' ? 'delete' : 'edit';
  }
}
