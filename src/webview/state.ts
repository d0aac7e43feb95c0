/** What the page shows, as signals, and how the host's messages change it. No DOM here. */
import { batch, type Signal, signal } from '@preact/signals';
import type { AgentPicker, WorkView } from '../protocol/agent-view.ts';
import type {
  AnswerRow,
  ChatEntry,
  Chip,
  HostMessage,
  Meter,
  NoticeRow,
  Phase,
  Picker,
  Row,
  SentPart,
  Suggestion,
  UserRow,
} from '../protocol/webview.ts';
import { withReturned } from './draft.ts';
import { MarkdownStream } from './markdown-stream.ts';
import {
  announcementOfFacts,
  announcementOfPart,
  applyWorkMessage,
  replaceWork,
  type WorkItem,
  workItemOf,
} from './work-state.ts';

export interface AnswerItem {
  kind: 'answer';
  id: string;
  row: Signal<AnswerRow>;
  stream: MarkdownStream;
  /** Counts changes of `stream`, which is not a signal itself. */
  revision: Signal<number>;
  /** null until asked for. */
  sent: Signal<SentPart[] | null>;
  /** What the agent did; null for an answer that is only text. */
  work: Signal<WorkItem | null>;
}
export interface UserItem {
  kind: 'user';
  id: string;
  row: Signal<UserRow>;
}
export interface NoticeItem {
  kind: 'notice';
  id: string;
  row: Signal<NoticeRow>;
}
export type Item = AnswerItem | UserItem | NoticeItem;

export interface PageState {
  title: Signal<string>;
  /** A new array when rows come or go; a change inside a row changes only that row's signals. */
  items: Signal<Item[]>;
  phase: Signal<Phase>;
  meter: Signal<Meter | null>;
  chips: Signal<Chip[]>;
  picker: Signal<Picker | null>;
  /** null until the host has said what the agent may do here. */
  agent: Signal<AgentPicker | null>;
  /** null while the list is closed. */
  history: Signal<ChatEntry[] | null>;
  suggestions: Signal<{ requestId: number; items: Suggestion[] }>;
  /** A short message of the host, e.g. why a file was not attached. */
  toast: Signal<string>;
  /** Text on its way into the input: what the host gives back, or an idea. */
  returnedDraft: Signal<string>;
  /** What happened last that can't be seen without looking for it, for screen readers. */
  announcement: Signal<string>;
  /** The user row that is being edited. */
  editing: Signal<string | null>;
  /** What that message is to become; null while it is as it was. */
  editedText: Signal<string | null>;
  /** Counts the host's wishes to move the focus into the input. */
  focusRequests: Signal<number>;
}

export function createState(): PageState {
  return {
    title: signal(''),
    items: signal([]),
    phase: signal({ kind: 'idle' }),
    meter: signal(null),
    chips: signal([]),
    picker: signal(null),
    agent: signal(null),
    history: signal(null),
    suggestions: signal({ requestId: 0, items: [] }),
    toast: signal(''),
    returnedDraft: signal(''),
    announcement: signal(''),
    editing: signal(null),
    editedText: signal(null),
    focusRequests: signal(0),
  };
}

export function applyMessage(state: PageState, message: HostMessage): void {
  batch(() => apply(state, message));
}

function apply(state: PageState, message: HostMessage): void {
  const { items } = state;
  switch (message.type) {
    case 'open':
      state.title.value = message.title;
      items.value = message.rows.map(itemOf);
      state.chips.value = message.draftChips;
      state.phase.value = message.phase;
      state.history.value = null;
      keepEdit(state);
      return;
    case 'row':
      putRow(state, message.row, message.after);
      return;
    case 'text': {
      const streams = items.value.flatMap(item => (item.kind === 'answer' ? [item, ...textsOf(item)] : []));
      const grown = streams.find(({ id }) => id === message.id);
      if (!grown) return;
      grown.stream.push(message.text);
      grown.revision.value++;
      return;
    }
    case 'part':
    case 'output':
    case 'facts': {
      const item = items.value.find(({ id }) => id === message.id);
      if (item?.kind !== 'answer') return;
      item.work.value ??= workItemOf(NO_WORK, false);
      const { facts } = item.work.value;
      if (message.type === 'part') announce(state, announcementOfPart(message.part));
      if (message.type === 'facts') announce(state, announcementOfFacts(facts.value, message.facts));
      applyWorkMessage(item.work.value, message);
      return;
    }
    case 'agent':
      state.agent.value = message.picker;
      return;
    case 'truncate': {
      const start = items.value.findIndex(({ id }) => id === message.id);
      if (start >= 0) items.value = items.value.slice(0, start);
      keepEdit(state);
      return;
    }
    case 'remove':
      items.value = items.value.filter(({ id }) => id !== message.id);
      keepEdit(state);
      return;
    case 'title':
      state.title.value = message.title;
      return;
    case 'phase':
      state.phase.value = message.phase;
      return;
    case 'meter':
      state.meter.value = message.meter;
      return;
    case 'chips':
      state.chips.value = message.chips;
      return;
    case 'picker':
      state.picker.value = message.picker;
      return;
    case 'history':
      // A late answer must not open a list that was closed meanwhile.
      if (state.history.value) state.history.value = message.chats;
      return;
    case 'suggest':
      // The answer to an earlier letter may come after that to a later one.
      if (message.requestId >= state.suggestions.value.requestId)
        state.suggestions.value = { requestId: message.requestId, items: message.items };
      return;
    case 'sent': {
      const item = items.value.find(({ id }) => id === message.id);
      if (item?.kind === 'answer') item.sent.value = message.parts;
      return;
    }
    case 'notify':
      state.toast.value = message.text;
      return;
    case 'draft':
      giveBack(state, message.text);
      return;
    case 'focus':
      state.focusRequests.value++;
  }
}

export function openEdit(state: PageState, id: string): void {
  state.editing.value = id;
  state.editedText.value = null;
}

export function closeEdit(state: PageState): void {
  state.editing.value = null;
  state.editedText.value = null;
}

/** What a message was to become goes into the input when that message is gone. */
function keepEdit(state: PageState): void {
  const { editing, editedText, items } = state;
  if (items.value.some(({ kind, id }) => kind === 'user' && id === editing.value)) return;
  if (editedText.value !== null) giveBack(state, editedText.value);
  closeEdit(state);
}

function giveBack(state: PageState, text: string): void {
  state.returnedDraft.value = withReturned(text, state.returnedDraft.value);
  announce(state, 'Your message is back in the input.');
}

function putRow(state: PageState, row: Row, after: string | undefined): void {
  const known = state.items.value.find(({ id }) => id === row.id);
  announce(state, announcementOfRow(row, known));
  if (known) {
    replaceRow(known, row);
  } else {
    const rest = [...state.items.value];
    const at = after === undefined ? -1 : rest.findIndex(({ id }) => id === after);
    rest.splice(at < 0 ? rest.length : at + 1, 0, itemOf(row));
    state.items.value = rest;
  }
}

function replaceRow(item: Item, row: Row): void {
  if (item.kind === 'answer' && row.kind === 'answer') {
    item.row.value = row;
    if (item.stream.text !== row.text) item.stream.reset(row.text);
    if (row.finish !== null) item.stream.finish();
    if (row.work && item.work.value) replaceWork(item.work.value, row.work, row.finish !== null);
    else item.work.value = row.work && workItemOf(row.work, row.finish !== null);
    item.revision.value++;
  } else if (item.kind === 'user' && row.kind === 'user') {
    item.row.value = row;
  } else if (item.kind === 'notice' && row.kind === 'notice') {
    item.row.value = row;
  }
}

function itemOf(row: Row): Item {
  switch (row.kind) {
    case 'user':
      return { kind: 'user', id: row.id, row: signal(row) };
    case 'notice':
      return { kind: 'notice', id: row.id, row: signal(row) };
    case 'answer': {
      const stream = new MarkdownStream();
      stream.push(row.text);
      if (row.finish !== null) stream.finish();
      return {
        kind: 'answer',
        id: row.id,
        row: signal(row),
        stream,
        revision: signal(0),
        sent: signal(null),
        work: signal(row.work && workItemOf(row.work, row.finish !== null)),
      };
    }
  }
}

const NO_WORK: WorkView = { parts: [], todo: [], changed: [] };

const textsOf = (item: AnswerItem) => item.work.value?.parts.value.filter(part => part.kind === 'text') ?? [];

/** Has it read out, also when it is what was read out last: screen readers hear a text only when it is another one. */
export function announce(state: PageState, text: string | null): void {
  const { announcement } = state;
  if (text !== null) announcement.value = announcement.value === text ? `${text}${NO_BREAK_SPACE}` : text;
}
const NO_BREAK_SPACE = '\u00a0';

/** What is read out of a row that comes or changes. `known`: what was shown of it before. */
function announcementOfRow(row: Row, known: Item | undefined): string | null {
  if (row.kind === 'notice') return row.text;
  if (row.kind === 'user' || row.finish === null) return null;
  const before = known?.kind === 'answer' ? known : undefined;
  if (before && before.row.value.finish !== null) {
    // It was read out when it ended. What comes now is what the user decided about it.
    const facts = before.work.value?.facts.value;
    return facts && row.work ? announcementOfFacts(facts, row.work) : null;
  }
  return announcementOf(row);
}

/** Read out once, when an answer is complete: its beginning, not every token. */
const ANNOUNCED_CHARS = 400;

function announcementOf(row: AnswerRow): string {
  if (row.canGoOn && row.finish === 'length')
    return 'Moebius stopped: it has done as much as it may at once. Continue?';
  if (row.error) return `Moebius could not ${row.canGoOn ? 'go on' : 'answer'}: ${row.error.message}`;
  const text = row.text
    .replace(/```[\s\S]*?(```|$)/g, ' (code block) ')
    .replace(/\s+/g, ' ')
    .trim();
  const start = text.length > ANNOUNCED_CHARS ? `${text.slice(0, ANNOUNCED_CHARS)}…` : text;
  return row.finish === 'cancelled' ? `Stopped. ${start}` : `Moebius answered: ${start}`;
}
