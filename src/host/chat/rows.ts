/** A transcript as the rows that the page shows. Pure. */

import type { Answer, Ask, Attachment, Transcript } from '../../agent/transcript.ts';
import type { ErrorCode } from '../../base/errors.ts';
import type { AnswerRow, Chip, ErrorAction, NoticeRow, Row, UserRow } from '../../protocol/webview.ts';
import { liveWorkOf, type Work, workOf } from '../agent/work.ts';

export const NOTICE_ID = 'not-sent';

export function chipOf({ id, kind, label, tokens, cut }: Attachment): Chip {
  return { id, kind, label, tokens, cut };
}

export function userRow(ask: Ask, state: UserRow['state']): UserRow {
  return {
    kind: 'user',
    id: ask.id,
    text: ask.text,
    chips: ask.attachments.map(chipOf),
    state,
  };
}

/**
 * `isRunning`: an answer without an end that nobody writes any more was interrupted. `isGoingOn`: it goes on with another. `live`: what
 * the agent has done for a running one, of which the transcript may still lack some.
 */
export function answerRow(
  answer: Answer,
  { isRunning, isGoingOn, live }: { isRunning: boolean; isGoingOn: boolean; live?: Readonly<Work> },
): AnswerRow {
  const { id, text, model, level, usage, error } = answer;
  const finish = answer.finish ?? (isRunning ? null : 'interrupted');
  const hasBegun = answer.steps.length > 0;
  // Of the agent only, and after every end but that of a task that is done, or has no room to go on in.
  const isOver = finish === null || finish === 'stop' || error?.code === 'context-full';
  const canGoOn = (hasBegun || (isGoingOn && text === '')) && !isOver;
  return {
    kind: 'answer',
    id,
    text,
    model,
    level,
    usage,
    finish,
    work: live ? liveWorkOf(answer, live) : workOf(answer, isRunning),
    canGoOn,
    error: error && { message: error.message, actions: actionsFor(error.code, canGoOn, hasBegun) },
  };
}

export function noticeRow(windowTokens: number | null): NoticeRow {
  const size = windowTokens === null ? '' : ` (${windowTokens.toLocaleString('en')} tokens)`;
  return {
    kind: 'notice',
    id: NOTICE_ID,
    text: `The messages above no longer fit into the model's window${size} and are not sent.`,
  };
}

export function rowsOf(
  transcript: Transcript,
  rowOf: (answer: Answer) => AnswerRow,
  stateOf: (ask: Ask) => UserRow['state'],
  windowTokens: number | null,
): Row[] {
  return transcript.entries.flatMap((entry): Row[] => {
    const row = entry.kind === 'ask' ? userRow(entry, stateOf(entry)) : rowOf(entry);
    return entry.id === transcript.sentFrom ? [noticeRow(windowTokens), row] : [row];
  });
}

const ACTIONS: Partial<Record<ErrorCode, ErrorAction[]>> = {
  'model-missing': ['download', 'retry'],
  'model-invalid': ['download', 'show-log'],
  'hash-mismatch': ['download', 'show-log'],
  'context-full': ['new-chat'],
  'daemon-down': ['restart', 'show-log'],
  'version-mismatch': ['restart', 'show-log'],
  'out-of-memory': ['restart', 'show-log'],
  timeout: ['retry', 'show-log'],
  busy: ['retry'],
};

/** What helps after an error of this kind. Where the agent can go on, trying again would throw away what it has done. */
function actionsFor(code: string, canGoOn: boolean, hasBegun: boolean): ErrorAction[] {
  const actions = ACTIONS[code as ErrorCode] ?? ['retry', 'show-log'];
  if (!canGoOn) return actions;
  // A daemon that dies at work is started again by itself; one that can't be waited for is not.
  if (code === 'daemon-down' && hasBegun) return [];
  return actions.filter(action => action !== 'retry');
}
