/**
 * A conversation as an append-only list of events. The events are what is stored, one JSON line each; the transcript is
 * what they add up to. Pure: no file, no model, no editor.
 */
import type { ChatMessage, ExpertLevel, FinishReason, Usage } from '../protocol/daemon.ts';
import { isAgentEvent } from './event-schema.ts';
import type { AgentEvent } from './ports.ts';
import { addStep, unfinishedCalls, withHistory } from './steps.ts';

export interface Attachment {
  id: string;
  kind: 'file' | 'folder' | 'symbol' | 'selection' | 'problems' | 'text';
  /** How it is named to the model and to the user, e.g. `src/a.ts:10-20`. */
  label: string;
  language: string;
  text: string;
  /** null while no model has counted it. */
  tokens: number | null;
  /** What was left out, as a sentence. */
  cut: string | null;
}

export interface Ask {
  kind: 'ask';
  id: string;
  at: number;
  text: string;
  /** What the model reads instead: the prompt file or skill that `text` names. null: the text itself. */
  expanded: string | null;
  attachments: Attachment[];
}
export interface Answer {
  kind: 'answer';
  id: string;
  askId: string;
  at: number;
  model: string;
  level: ExpertLevel;
  text: string;
  /** null: still being written, or the editor ended before it was. */
  finish: FinishReason | 'error' | null;
  usage: Usage | null;
  error: { code: string; message: string } | null;
  /** Tokens of each message of its prompt, system prompt first; the messages follow from the transcript. */
  promptCounts: number[];
  /** The first message that was sent after the system prompt. */
  sentFrom: string | null;
  /** What the agent did, in order; empty for an answer without tools. Its words are in `text` too. */
  steps: AgentEvent[];
  /** Paths whose changes by this answer the user has taken back. */
  undone: string[];
  /** Paths whose changes the user has looked through and wants. */
  kept: string[];
}
export type Entry = Ask | Answer;

export interface Transcript {
  id: string;
  title: string;
  createdAt: number;
  entries: Entry[];
  /** Entries before this one are no longer sent: they did not fit any more. null: everything is sent. */
  sentFrom: string | null;
  /** What ask mode heeds, as it was read for its first answer; null: there is none yet. */
  rules: string | null;
}

/** `at` in milliseconds since 1970. */
export type TranscriptEvent =
  | { type: 'chat'; version: 1; id: string; at: number; title: string }
  | { type: 'ask'; id: string; at: number; text: string; expanded?: string; attachments: Attachment[] }
  /** The tokens of a question's attachments, for those that were attached before a model could count. */
  | { type: 'counted'; id: string; tokens: number[] }
  | {
      type: 'answer';
      id: string;
      askId: string;
      at: number;
      model: string;
      level: ExpertLevel;
      promptCounts: number[];
    }
  | { type: 'text'; id: string; text: string }
  /** Of an answer by the agent. Written before what it tells is done. */
  | { type: 'step'; id: string; event: AgentEvent }
  /** The user took back what this answer did to these files. */
  | { type: 'undone'; id: string; paths: string[] }
  /** The user keeps what this answer did to these files. */
  | { type: 'kept'; id: string; paths: string[] }
  | { type: 'end'; id: string; finish: FinishReason | 'error'; usage: Usage | null; error: Answer['error'] }
  /** This message was taken back before it was answered. */
  | { type: 'drop'; id: string }
  /** This entry and all that follow are gone. */
  | { type: 'truncate'; id: string }
  /** Read for the first answer in ask mode; the rest of the conversation goes on with it, byte for byte. */
  | { type: 'rules'; text: string }
  /** From here on entries before `id` are not sent. */
  | { type: 'sentFrom'; id: string };

export function emptyTranscript(id: string, at: number): Transcript {
  return { id, title: '', createdAt: at, entries: [], sentFrom: null, rules: null };
}

/** Adds one event, in place. Events about entries that are gone are ignored: a stopped answer may still send text. */
export function applyEvent(transcript: Transcript, event: TranscriptEvent): void {
  const { entries } = transcript;
  switch (event.type) {
    case 'chat':
      Object.assign(transcript, { id: event.id, title: event.title, createdAt: event.at });
      return;
    case 'ask':
      entries.push({
        kind: 'ask',
        id: event.id,
        at: event.at,
        text: event.text,
        expanded: event.expanded ?? null,
        attachments: event.attachments,
      });
      return;
    case 'counted':
      for (const [index, attachment] of (findAsk(transcript, event.id)?.attachments ?? []).entries()) {
        attachment.tokens = event.tokens[index] ?? null;
      }
      return;
    case 'answer': {
      // Right after its question: later questions may already wait behind it.
      const ask = entries.findIndex(entry => entry.id === event.askId);
      if (ask < 0) return;
      const { type: _, ...fields } = event;
      const { sentFrom } = transcript;
      const fresh = { text: '', finish: null, usage: null, error: null, sentFrom, steps: [] };
      entries.splice(ask + 1, 0, { kind: 'answer', ...fields, ...fresh, undone: [], kept: [] });
      return;
    }
    case 'text': {
      const answer = findAnswer(transcript, event.id);
      if (answer) answer.text += event.text;
      return;
    }
    case 'undone':
    case 'kept': {
      const answer = findAnswer(transcript, event.id);
      if (answer) answer[event.type] = [...new Set([...answer[event.type], ...event.paths])];
      return;
    }
    case 'step': {
      const answer = findAnswer(transcript, event.id);
      if (answer) applyStep(answer, event.event);
      return;
    }
    case 'end': {
      const answer = findAnswer(transcript, event.id);
      if (answer) Object.assign(answer, { finish: event.finish, usage: event.usage, error: event.error });
      return;
    }
    case 'drop': {
      const at = entries.findIndex(entry => entry.id === event.id);
      if (at >= 0 && !isAnswered(transcript, event.id)) removeEntries(transcript, at, 1);
      return;
    }
    case 'truncate': {
      const start = entries.findIndex(entry => entry.id === event.id);
      if (start >= 0) removeEntries(transcript, start, entries.length);
      return;
    }
    case 'rules':
      transcript.rules = event.text;
      return;
    case 'sentFrom':
      if (entries.some(entry => entry.id === event.id)) transcript.sentFrom = event.id;
  }
}

function removeEntries(transcript: Transcript, start: number, count: number): void {
  const removed = transcript.entries.splice(start, count);
  if (removed.some(entry => entry.id === transcript.sentFrom)) transcript.sentFrom = null;
}

function applyStep(answer: Answer, event: AgentEvent): void {
  addStep(answer.steps, event);
  if (event.type === 'text') answer.text += event.text;
  else if (event.type === 'turn' && answer.text !== '') answer.text += '\n\n';
}

/**
 * The messages of the conversation as the agent sent them, byte for byte, so that what comes next finds their keys and values in
 * the cache. Of the entries before `askId` (null: all). Empty if the agent has not answered yet.
 */
export function agentHistory({ entries }: Transcript, askId: string | null): ChatMessage[] {
  const end = askId === null ? entries.length : entries.findIndex(entry => entry.id === askId);
  const steps = entries.slice(0, end).flatMap(entry => (entry.kind === 'answer' ? entry.steps : []));
  return steps.reduce<ChatMessage[]>(
    (messages, step) => (step.type === 'history' ? withHistory(messages, step) : messages),
    [],
  );
}

const GO_ON = 'Go on with the task where you left off.';

/** Asked by *Continue*, and not in the user's words. */
export const isGoOn = ({ text }: Ask): boolean => text.startsWith(GO_ON);

/**
 * What the agent is told when it goes on with an answer that was stopped, ran into a limit, or was torn by the end of the process.
 * A call without a result may have been carried out or not: it is named, never repeated unasked.
 */
export function resumeText(answer: Answer): string {
  const [call] = unfinishedCalls(answer.steps);
  const doubt = call
    ? ` While you were doing "${call.title}" you were interrupted: it is not known whether it took effect. Check before you repeat it.`
    : '';
  return `${GO_ON}${doubt}`;
}

/** Each label once: what was attached first stays as it was read. */
export function joinAttachments(first: Attachment[], more: Attachment[]): Attachment[] {
  const known = new Set(first.map(({ label }) => label));
  return [...first, ...more.filter(({ label }) => !known.has(label))];
}

/** What the user says to the model. */
export const wordsOf = ({ text, expanded }: Ask): string => expanded ?? text;

export function findAnswer(transcript: Transcript, id: string): Answer | undefined {
  return transcript.entries.find((entry): entry is Answer => entry.kind === 'answer' && entry.id === id);
}

export function findAsk(transcript: Transcript, id: string): Ask | undefined {
  return transcript.entries.find((entry): entry is Ask => entry.kind === 'ask' && entry.id === id);
}

/** A message without an answer waits: for its turn, or, since the editor ended before that came, for the user. */
export const isAnswered = ({ entries }: Transcript, askId: string): boolean =>
  entries.some(entry => entry.kind === 'answer' && entry.askId === askId);

/**
 * The events of a file of JSON lines. A line that is not an event is skipped: the last one may be torn, because the
 * process can end in the middle of a write, and no damaged line may cost the rest of the conversation.
 */
export function parseEvents(lines: string): TranscriptEvent[] {
  const events: TranscriptEvent[] = [];
  for (const line of lines.split('\n')) {
    if (line.trim() === '') continue;
    try {
      const value: unknown = JSON.parse(line);
      if (isEvent(value)) events.push(value);
    } catch {
      // Torn line.
    }
  }
  return events;
}

export function readTranscript(id: string, lines: string): Transcript {
  const transcript = emptyTranscript(id, 0);
  for (const event of parseEvents(lines)) applyEvent(transcript, event);
  return transcript;
}

const eventFields: Record<TranscriptEvent['type'], string[]> = {
  chat: ['id', 'title'],
  ask: ['id', 'text'],
  counted: ['id'],
  answer: ['id', 'askId', 'model', 'level'],
  text: ['id', 'text'],
  step: ['id'],
  undone: ['id'],
  kept: ['id'],
  drop: ['id'],
  end: ['id', 'finish'],
  truncate: ['id'],
  rules: ['text'],
  sentFrom: ['id'],
};

/** Own storage, so only its shape is checked: every field that the view would render as text is a string. */
function isEvent(value: unknown): value is TranscriptEvent {
  if (typeof value !== 'object' || value === null) return false;
  const record = value as Record<string, unknown>;
  const fields = Object.hasOwn(eventFields, String(record.type))
    ? eventFields[record.type as 'ask']
    : undefined;
  if (!fields?.every(field => typeof record[field] === 'string')) return false;
  if (record.type === 'ask') {
    const { expanded, attachments } = record;
    return Array.isArray(attachments) && (expanded === undefined || typeof expanded === 'string');
  }
  if (record.type === 'undone' || record.type === 'kept') {
    return Array.isArray(record.paths) && record.paths.every(path => typeof path === 'string');
  }
  if (record.type === 'step') return isAgentEvent(record.event);
  if (record.type === 'counted') return Array.isArray(record.tokens);
  return record.type !== 'answer' || Array.isArray(record.promptCounts);
}

const TITLE_CHARS = 60;

/** The first line of the first question, shortened. */
export function titleOf(text: string): string {
  const line = text.trim().split('\n', 1)[0]!.replace(/\s+/g, ' ');
  return line.length <= TITLE_CHARS ? line || 'Untitled' : `${line.slice(0, TITLE_CHARS - 1).trimEnd()}…`;
}
