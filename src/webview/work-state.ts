/** The parts of an answer of the agent as signals: each is drawn again only when it changes itself. No DOM here. */
import { type Signal, signal } from '@preact/signals';
import type { NotePart, Part, QuestionPart, StepPart, WorkFacts, WorkView } from '../protocol/agent-view.ts';
import type { HostMessage } from '../protocol/webview.ts';
import { MarkdownStream } from './markdown-stream.ts';

export interface TextItem {
  kind: 'text';
  id: string;
  stream: MarkdownStream;
  /** Counts changes of `stream`, which is not a signal itself. */
  revision: Signal<number>;
}
export type PartItem =
  | TextItem
  | { kind: 'step'; id: string; part: Signal<StepPart> }
  | { kind: 'question'; id: string; part: Signal<QuestionPart> }
  | { kind: 'note'; id: string; part: Signal<NotePart> };

export interface WorkItem {
  parts: Signal<PartItem[]>;
  facts: Signal<WorkFacts>;
}

/** The page keeps as much of a step's output as the host does. */
const OUTPUT_CHARS = 20_000;

export function workItemOf(view: WorkView, isFinished: boolean): WorkItem {
  const { parts, ...facts } = view;
  const items = parts.map(itemOf);
  if (isFinished) finishTexts(items);
  return { parts: signal(items), facts: signal(facts) };
}

/** The whole view came again, e.g. at the end of the answer. Items that were there stay the same objects. */
export function replaceWork(work: WorkItem, view: WorkView, isFinished: boolean): void {
  const { parts, ...facts } = view;
  work.facts.value = facts;
  const known = new Set(parts.map(part => part.id));
  work.parts.value = work.parts.value.filter(({ id }) => known.has(id));
  for (const part of parts) putPart(work, part);
  if (isFinished) finishTexts(work.parts.value);
}

export function applyWorkMessage(
  work: WorkItem,
  message: Extract<HostMessage, { type: 'part' | 'output' | 'facts' }>,
): void {
  switch (message.type) {
    case 'part':
      putPart(work, message.part);
      return;
    case 'facts':
      work.facts.value = message.facts;
      return;
    case 'output': {
      const item = work.parts.value.find(({ id }) => id === message.partId);
      if (item?.kind !== 'step') return;
      const { value } = item.part;
      item.part.value = { ...value, output: (value.output + message.text).slice(-OUTPUT_CHARS) };
    }
  }
}

/** What a screen reader is told of a part when it changes; null: nothing, its card can be read. */
export function announcementOfPart(part: Part): string | null {
  if (part.kind === 'question' && part.isOpen) return `Moebius asks: ${part.question}`;
  if (part.kind === 'note') return part.text;
  if (part.kind !== 'step') return null;
  if (part.state === 'asking' && part.approval) {
    const warning = part.approval.warning ? `. Careful: ${part.approval.warning}` : '';
    const detail = part.approval.isDiff ? '' : `: ${part.approval.detail}`;
    return `Moebius wants to: ${part.approval.title}${detail}${warning}`;
  }
  // Also that it goes on in the background: until then the user waits for its end.
  if (part.tool === 'run_command' && part.state === 'ok') return `${part.title}: ${part.summary}`;
  return part.state === 'failed' ? `${part.title} failed. ${part.summary}` : null;
}

/** What a screen reader is told of what an answer adds up to: of the plan how far it is, of the files what was decided. */
export function announcementOfFacts(before: WorkFacts, after: WorkFacts): string | null {
  const decided = (what: 'isUndone' | 'isKept') =>
    after.changed
      .filter(file => file[what] && !before.changed.find(({ path }) => path === file.path)?.[what])
      .map(({ path }) => path)
      .join(', ');
  const [undone, kept] = [decided('isUndone'), decided('isKept')];
  if (undone !== '') return `Undone: ${undone}.`;
  if (kept !== '') return `Kept: ${kept}.`;
  if (JSON.stringify(before.todo) === JSON.stringify(after.todo) || after.todo.length === 0) return null;
  const done = after.todo.filter(({ state }) => state === 'done').length;
  const now = after.todo.find(({ state }) => state === 'doing');
  return `Plan: ${done} of ${after.todo.length} done.${now ? ` Now: ${now.text}.` : ''}`;
}

function putPart(work: WorkItem, part: Part): void {
  const items = work.parts.value;
  const index = items.findIndex(({ id }) => id === part.id);
  const known = items[index];
  if (!known) {
    // What comes after a text ends it.
    finishTexts(items);
    work.parts.value = [...items, itemOf(part)];
  } else if (known.kind === 'text' && part.kind === 'text') {
    if (known.stream.text === part.text) return;
    known.stream.reset(part.text);
    known.revision.value++;
  } else if (known.kind === part.kind && known.kind !== 'text') {
    (known.part as Signal<Part>).value = part;
  } else {
    // A call that turned out to be a question.
    work.parts.value = items.toSpliced(index, 1, itemOf(part));
  }
}

function itemOf(part: Part): PartItem {
  if (part.kind === 'step') return { kind: 'step', id: part.id, part: signal(part) };
  if (part.kind === 'question') return { kind: 'question', id: part.id, part: signal(part) };
  if (part.kind === 'note') return { kind: 'note', id: part.id, part: signal(part) };
  const stream = new MarkdownStream();
  stream.push(part.text);
  return { kind: 'text', id: part.id, stream, revision: signal(0) };
}

function finishTexts(items: readonly PartItem[]): void {
  const last = items.findLast(item => item.kind === 'text');
  if (!last) return;
  last.stream.finish();
  last.revision.value++;
}
