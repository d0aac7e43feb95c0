/**
 * The wire between the host (extension) and the chat page (webview): typed both ways.
 * Host -> page: one `open` with everything when the page loads or another chat is shown, then increments only.
 * Page -> host: untrusted, so it has a schema; the page itself imports only types from here.
 */
import * as z from 'zod/mini';
import type { AgentPicker, Part, WorkFacts, WorkView } from './agent-view.ts';
import type { ExpertLevel, FinishReason, Usage } from './daemon.ts';
import { MAX_MESSAGE_CHARS } from './message-length.ts';

/** Something attached to a message, without its text. `tokens` is null until the model has counted it. */
export interface Chip {
  id: string;
  kind: 'file' | 'folder' | 'symbol' | 'selection' | 'problems' | 'text';
  label: string;
  tokens: number | null;
  /** What was left out, as a sentence; null when the text is whole. */
  cut: string | null;
}

/** What a button of an error row does. `retry` is a `regenerate` of that row, the rest are an `action`. */
export type ErrorAction = 'retry' | 'restart' | 'show-log' | 'download' | 'new-chat';

export interface UserRow {
  kind: 'user';
  id: string;
  text: string;
  chips: Chip[];
  /** `queued`: waits for the answers before it. `unsent`: it did when the editor ended; the user sends or drops it. */
  state: 'sent' | 'queued' | 'unsent';
}
export interface AnswerRow {
  kind: 'answer';
  id: string;
  text: string;
  /** null while it is being written. `interrupted`: the editor ended before the answer did. */
  finish: FinishReason | 'interrupted' | 'error' | null;
  /** The agent ended before it was done, so it can go on: a budget was used up, it was stopped, it failed or went in circles. */
  canGoOn: boolean;
  model: string;
  level: ExpertLevel;
  usage: Usage | null;
  error: { message: string; actions: ErrorAction[] } | null;
  /** What the agent did, its text included; null for an answer that is only text. */
  work: WorkView | null;
}
/** A fact about the conversation, between two messages. */
export interface NoticeRow {
  kind: 'notice';
  id: string;
  text: string;
}
export type Row = UserRow | AnswerRow | NoticeRow;

/** What the model is doing, for the line above the input. */
export type Phase =
  | { kind: 'idle' }
  /** The daemon gave up; nothing can be answered until it is restarted. */
  | { kind: 'down'; reason: string }
  | { kind: 'starting' }
  | { kind: 'loading'; percent: number }
  | { kind: 'queued'; position: number }
  | { kind: 'reading'; done: number; total: number; reused: number }
  /** The model thinks aloud before it answers; `words` of that so far. */
  | { kind: 'thinking'; words: number }
  | { kind: 'writing'; tokensPerSecond: number | null }
  /** A step of the agent runs, e.g. a command. */
  | { kind: 'working'; title: string }
  /** Nothing goes on until the user has decided or answered. */
  | { kind: 'asking' };

/** Tokens that the next message would send, of the model's window. `exact` is false while they are estimated. */
export interface Meter {
  usedTokens: number;
  windowTokens: number;
  reusedTokens: number;
  exact: boolean;
}

export interface ModelChoice {
  id: string;
  name: string;
}
/** `auto`: as the model was measured to stand it. */
export type ChatLevel = ExpertLevel | 'auto';

export interface Picker {
  models: ModelChoice[];
  current: string | null;
  levels: ChatLevel[];
  level: ChatLevel;
  /** Set when no model is installed: what the download button offers. */
  download: { name: string; sizeBytes: number } | null;
}

export interface ChatEntry {
  id: string;
  title: string;
  /** Milliseconds since 1970. */
  changedAt: number;
}

export interface Suggestion {
  /** What can be attached, or what a message that begins with `/` can mean. */
  kind: 'selection' | 'problems' | 'file' | 'folder' | 'symbol' | 'pick' | 'command' | 'prompt' | 'skill';
  label: string;
  detail: string;
  /** Workspace-relative path of a file or folder, or of the file that has a symbol. */
  path?: string;
  /** Where a symbol begins, from 1. */
  line?: number;
}

/** One part of what was sent to the model for an answer. */
export interface SentPart {
  label: string;
  tokens: number;
  text: string;
}

export type HostMessage =
  | { type: 'open'; chatId: string; title: string; rows: Row[]; draftChips: Chip[]; phase: Phase }
  /** Adds a row at the end, or after `after`; a row of the same id is replaced where it is. */
  | { type: 'row'; row: Row; after?: string }
  /** `id`: of an answer, or of a text among the parts of one. */
  | { type: 'text'; id: string; text: string }
  /** Adds a part to an answer of the agent, or replaces the one of this id. */
  | { type: 'part'; id: string; part: Part }
  /** More output of a step. */
  | { type: 'output'; id: string; partId: string; text: string }
  | { type: 'facts'; id: string; facts: WorkFacts }
  | { type: 'agent'; picker: AgentPicker }
  /** The row of this id and everything below it is gone. */
  | { type: 'truncate'; id: string }
  | { type: 'remove'; id: string }
  | { type: 'title'; title: string }
  | { type: 'phase'; phase: Phase }
  | { type: 'meter'; meter: Meter | null }
  | { type: 'chips'; chips: Chip[] }
  | { type: 'picker'; picker: Picker }
  | { type: 'history'; chats: ChatEntry[] }
  | { type: 'suggest'; requestId: number; items: Suggestion[] }
  | { type: 'sent'; id: string; parts: SentPart[] }
  | { type: 'notify'; text: string }
  /** A message that was not sent goes back into the input. */
  | { type: 'draft'; text: string }
  | { type: 'focus' };

// Compiled parsers would need `eval`, and the extension host warns about the way zod looks for it.
z.config({ jitless: true });

const id = z.string().check(z.maxLength(100));
const text = z.string().check(z.maxLength(MAX_MESSAGE_CHARS));
const short = z.string().check(z.maxLength(4096));

export const webviewMessage = z.discriminatedUnion('type', [
  /** The page is there and wants everything. */
  z.object({ type: z.literal('ready') }),
  z.object({ type: z.literal('send'), text }),
  z.object({ type: z.literal('stop') }),
  /** Answers the message of this answer (or unanswered message) again; only the last. */
  z.object({ type: z.literal('regenerate'), id }),
  /** Replaces an earlier message of the user; what follows it is dropped. */
  z.object({ type: z.literal('edit'), id, text }),
  /** Takes a message back that was not answered yet. */
  z.object({ type: z.literal('unqueue'), id }),
  /** Sends a message that waited when the editor ended. */
  z.object({ type: z.literal('sendUnsent'), id }),
  z.object({ type: z.literal('newChat') }),
  z.object({ type: z.literal('openChat'), id }),
  z.object({ type: z.literal('deleteChat'), id }),
  z.object({ type: z.literal('history'), query: short }),
  z.object({
    type: z.literal('suggest'),
    requestId: z.number(),
    list: z.enum(['context', 'slash']),
    query: short,
  }),
  z.object({
    type: z.literal('attach'),
    kind: z.enum(['selection', 'problems', 'file', 'folder', 'symbol', 'pick']),
    path: z.optional(short),
    line: z.optional(z.int().check(z.gte(1))),
  }),
  z.object({ type: z.literal('drop'), uris: z.array(short).check(z.maxLength(50)) }),
  z.object({ type: z.literal('detach'), id }),
  /** The unsent text, for the meter. */
  z.object({ type: z.literal('draft'), text }),
  z.object({ type: z.literal('copy'), text }),
  z.object({ type: z.literal('insert'), text }),
  z.object({ type: z.literal('newFile'), text, language: short }),
  z.object({ type: z.literal('openLink'), href: short }),
  z.object({ type: z.literal('chooseModel'), id }),
  z.object({
    type: z.literal('chooseLevel'),
    level: z.enum(['auto', 'exact', 'balanced', 'fast', 'frugal']),
  }),
  z.object({ type: z.literal('sent'), id }),
  z.object({ type: z.literal('chooseMode'), mode: z.enum(['ask', 'plan', 'agent']) }),
  z.object({
    type: z.literal('choosePolicy'),
    policy: z.enum(['ask', 'ask-everything', 'auto-edit', 'read-only']),
  }),
  /** Of the request that `id` waits for. */
  z.object({
    type: z.literal('decide'),
    id,
    decision: z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('once') }),
      z.object({ kind: z.literal('always') }),
      z.object({ kind: z.literal('deny'), reason: z.nullable(short) }),
    ]),
  }),
  /** Answers the model's question; null: the user does not want to. */
  z.object({ type: z.literal('reply'), id, answer: z.nullable(short) }),
  z.object({ type: z.literal('showTerminal'), id }),
  /** Goes on with the task of this answer, which ended before it was done. */
  z.object({ type: z.literal('goOn'), id }),
  /** `id`: of the answer whose changes are meant. */
  z.object({ type: z.literal('openDiff'), id, path: short }),
  z.object({ type: z.literal('undoFile'), id, path: short }),
  z.object({ type: z.literal('undoTurn'), id }),
  z.object({ type: z.literal('keepTurn'), id }),
  /** `id`: of the message before which everything was as it shall be again. */
  z.object({ type: z.literal('restore'), id }),
  z.object({
    type: z.literal('action'),
    action: z.enum(['restart', 'show-log', 'download', 'new-chat']),
  }),
]);
export type WebviewMessage = z.infer<typeof webviewMessage>;
