import assert from 'node:assert/strict';
import {
  applyEvent,
  emptyTranscript,
  parseEvents,
  readTranscript,
  type TranscriptEvent,
  titleOf,
} from '../../../src/agent/transcript.ts';

const ask = (id: string, text = id): TranscriptEvent => ({ type: 'ask', id, at: 1, text, attachments: [] });
const answer = (id: string, askId: string): TranscriptEvent => ({
  type: 'answer',
  id,
  askId,
  at: 2,
  model: 'm',
  level: 'exact',
  promptCounts: [],
});
const text = (id: string, piece: string): TranscriptEvent => ({ type: 'text', id, text: piece });

/** Entries as `id` for a question, `id=text` for an answer. */
function fold(...events: TranscriptEvent[]): string {
  const transcript = emptyTranscript('c', 0);
  for (const event of events) applyEvent(transcript, event);
  return transcript.entries
    .map(entry => (entry.kind === 'ask' ? entry.id : `${entry.id}=${entry.text}`))
    .join(' ');
}

describe('transcript', () => {
  it('adds up to its entries', () => {
    assert.equal(fold(ask('q'), answer('a', 'q'), text('a', 'x'), text('a', 'y')), 'q a=xy');
  });

  it('puts an answer after its question, before those that wait', () => {
    assert.equal(
      fold(ask('q1'), ask('q2'), answer('a1', 'q1'), text('a1', 'x'), answer('a2', 'q2')),
      'q1 a1=x q2 a2=',
    );
  });

  it('forgets what was truncated, and text that comes for it later', () => {
    const events = [ask('q1'), answer('a1', 'q1'), ask('q2'), answer('a2', 'q2')];
    assert.equal(fold(...events, { type: 'truncate', id: 'q2' }, text('a2', 'late')), 'q1 a1=');
    assert.equal(fold(...events, { type: 'truncate', id: 'nothing' }), 'q1 a1= q2 a2=');
  });

  it('sends everything again when the first sent message was truncated', () => {
    const transcript = emptyTranscript('c', 0);
    for (const event of [ask('q1'), ask('q2'), { type: 'sentFrom', id: 'q2' } as const])
      applyEvent(transcript, event);
    assert.equal(transcript.sentFrom, 'q2');
    applyEvent(transcript, { type: 'truncate', id: 'q2' });
    assert.equal(transcript.sentFrom, null);
  });

  it('survives torn, damaged and foreign lines', () => {
    const lines = [
      JSON.stringify({ type: 'chat', version: 1, id: 'c', at: 5, title: 'T' }),
      '{"type":"ask","id":"q0","te',
      JSON.stringify(ask('q1')),
      'null',
      '[]',
      JSON.stringify({ type: 'constructor', id: 'x' }),
      JSON.stringify({ type: '__proto__', id: 'x' }),
      JSON.stringify({ type: 'ask', id: 7, text: {}, attachments: [] }),
      JSON.stringify({ type: 'ask', id: 'q2', text: 'no attachments' }),
      JSON.stringify(answer('a1', 'q1')).slice(0, -3),
    ].join('\n');
    assert.deepEqual(
      parseEvents(lines).map(event => event.type),
      ['chat', 'ask'],
    );
    const transcript = readTranscript('c', lines);
    assert.equal(transcript.title, 'T');
    assert.deepEqual(
      transcript.entries.map(entry => entry.id),
      ['q1'],
    );
  });

  it('is titled by the first line of the first question', () => {
    const check = (question: string, expected: string) => assert.equal(titleOf(question), expected);
    check('  Why?\nBecause', 'Why?');
    check('\n\n', 'Untitled');
    check(`${'word '.repeat(30)}`, `${'word '.repeat(12).slice(0, 59)}…`);
  });
});
