import assert from 'node:assert/strict';
import type { AgentEvent, ApprovalRequest } from '../../../../src/agent/ports.ts';
import {
  type Answer,
  applyEvent,
  emptyTranscript,
  type TranscriptEvent,
} from '../../../../src/agent/transcript.ts';
import { applyAgentEvent, emptyWork, newsSince, workOf } from '../../../../src/host/agent/work.ts';

const call = (callId: string, name: string, title = name): AgentEvent => ({
  type: 'call',
  callId,
  call: { kind: 'call', name, arguments: {} },
  title,
});
const result = (
  callId: string,
  changes: { path: string; kind?: 'edit' | 'create' | 'delete' }[] = [],
): AgentEvent => ({
  type: 'result',
  callId,
  ok: true,
  text: '',
  summary: 'fine',
  changes: changes.map(({ path, kind = 'edit' }) => ({ path, kind, addedLines: 2, removedLines: 1 })),
});
const request: ApprovalRequest = {
  callId: 'c',
  capability: 'edit-protected',
  title: 'Edit',
  detail: 'diff',
  warning: 'git runs it',
  fingerprint: 'f',
  remember: null,
};

function worked(...events: AgentEvent[]) {
  const work = emptyWork();
  const changes = events.map(event => applyAgentEvent(work, event, 'a').kind);
  return { work, changes };
}
const sketch = ({ work }: ReturnType<typeof worked>) =>
  work.parts.map(part => (part.kind === 'step' ? `${part.title}|${part.state}|${part.summary}` : part.kind));

describe('host/agent/work', () => {
  it('joins the text of one answer of the model, not that of two', () => {
    const { work, changes } = worked(
      { type: 'turn', turn: 1 },
      { type: 'text', text: 'a' },
      { type: 'text', text: 'b' },
      { type: 'turn', turn: 2 },
      { type: 'text', text: 'c' },
    );
    assert.deepEqual(
      work.parts.map(part => part.kind === 'text' && part.text),
      ['ab', 'c'],
    );
    assert.deepEqual(changes, ['none', 'part', 'text', 'none', 'part']);
    assert.equal(new Set(work.parts.map(({ id }) => id)).size, 2);
  });

  it('tells what became of a request', () => {
    const asked = worked(call('c', 'edit_file'), { type: 'approval', request });
    assert.deepEqual(sketch(asked), ['edit_file|asking|']);
    const [step] = asked.work.parts;
    assert.ok(step?.kind === 'step' && step.approval?.isDiff && step.approval.warning === 'git runs it');
    const denied = worked(
      call('c', 'edit_file'),
      { type: 'approval', request },
      { type: 'decision', callId: 'c', decision: { kind: 'deny', reason: 'not there' } },
      { ...result('c'), ok: false } as AgentEvent,
    );
    assert.deepEqual(sketch(denied), ['edit_file|denied|not there']);
  });

  it('needs no card for the plan and the end, whose words are shown if they were not said', () => {
    const { work } = worked(
      { type: 'todo', items: [{ text: 'one', state: 'done' }] },
      call('t', 'todo'),
      result('t'),
      call('d', 'task_done'),
      { type: 'end', reason: 'done', text: 'All is well.' },
    );
    assert.deepEqual(work.todo, [{ text: 'one', state: 'done' }]);
    assert.deepEqual(
      work.parts.map(part => part.kind === 'text' && part.text),
      ['All is well.'],
    );
    const could = worked({ type: 'end', reason: 'unfinished', text: 'There is no such file.' });
    assert.equal(could.work.parts.length, 1);
    const said = worked(
      { type: 'text', text: 'All is well. ' },
      { type: 'end', reason: 'answered', text: 'All is well.' },
    );
    assert.equal(said.work.parts.length, 1);
    const given = worked(
      { type: 'text', text: 'Install it.' },
      { type: 'end', reason: 'limit', text: 'Nothing is changed.\n\nInstall it.' },
    );
    assert.deepEqual(
      given.work.parts.map(part => part.kind === 'text' && part.text),
      ['Install it.', 'Nothing is changed.'],
      'what the host adds to it',
    );
    const failed = worked({ type: 'end', reason: 'error', text: 'The model is gone.' });
    assert.equal(failed.work.parts.length, 0, 'the error has a place of its own');
  });

  it('adds up the changes of a file', () => {
    const { work } = worked(
      call('1', 'write_file'),
      result('1', [{ path: 'new.ts', kind: 'create' }, { path: 'a.ts' }]),
      call('2', 'edit_file'),
      result('2', [{ path: 'new.ts' }, { path: 'a.ts', kind: 'delete' }]),
    );
    assert.deepEqual(
      work.changed.map(({ path, kind, addedLines }) => `${path} ${kind} ${addedLines}`),
      ['new.ts create 4', 'a.ts delete 4'],
    );
    assert.deepEqual(sketch({ work, changes: [] }).at(-1), 'edit_file|ok|+4 −2');
  });

  it('keeps the newest output', () => {
    const { work } = worked(
      call('c', 'run_command'),
      { type: 'output', callId: 'c', text: 'x'.repeat(30_000) },
      { type: 'output', callId: 'c', text: 'end' },
    );
    const [step] = work.parts;
    assert.ok(step?.kind === 'step' && step.output.length === 20_000 && step.output.endsWith('xend'));
  });

  const transcriptOf = (...events: TranscriptEvent[]) => {
    const transcript = emptyTranscript('chat', 0);
    const level = 'exact' as const;
    const all: TranscriptEvent[] = [
      { type: 'ask', id: 'q', at: 0, text: '', attachments: [] },
      { type: 'answer', id: 'a', askId: 'q', at: 0, model: 'm', level, promptCounts: [] },
      ...events,
      { type: 'ask', id: 'q2', at: 0, text: '', attachments: [] },
    ];
    for (const event of all) applyEvent(transcript, event);
    return transcript;
  };
  const step = (event: AgentEvent): TranscriptEvent => ({ type: 'step', id: 'a', event });

  it('shows a torn answer as interrupted, and a chat answer as no work', () => {
    const torn = transcriptOf(step(call('c', 'run_command')), step({ type: 'approval', request }));
    const work = workOf(torn.entries[1] as Answer, false);
    assert.ok(work?.parts[0]?.kind === 'step' && work.parts[0].state === 'interrupted');
    assert.equal(workOf(transcriptOf().entries[1] as Answer, false), null);
  });

  it('tells the model what was taken back, of its last answer only', () => {
    const events = [step(call('c', 'edit_file')), step(result('c', [{ path: 'a.ts' }]))];
    assert.equal(newsSince(transcriptOf(...events), 'q2').text, '');
    const undone = transcriptOf(...events, { type: 'undone', id: 'a', paths: ['a.ts'] });
    assert.equal(newsSince(undone, 'q2').text, 'I took back your changes of a.ts.');
    assert.equal(newsSince(undone, 'q').text, '');
  });

  it('tells the model what was talked about without it', () => {
    const talked = transcriptOf(
      { type: 'ask', id: 'q1', at: 0, text: 'Tabs or spaces?', attachments: [] },
      { type: 'answer', id: 'a1', askId: 'q1', at: 0, model: 'm', level: 'exact', promptCounts: [] },
      { type: 'text', id: 'a1', text: 'Spaces.' },
    );
    const { text, cut } = newsSince(talked, 'q2');
    assert.equal(text, 'Before this:\nI asked: Tabs or spaces?\n\nYou answered: Spaces.');
    assert.equal(cut, null);
  });

  it('tells the model and the user that the beginning of a long talk is left out', () => {
    const talked = transcriptOf(
      { type: 'ask', id: 'q1', at: 0, text: 'Tell a story.', attachments: [] },
      { type: 'answer', id: 'a1', askId: 'q1', at: 0, model: 'm', level: 'exact', promptCounts: [] },
      { type: 'text', id: 'a1', text: `${'😀'.repeat(3000)}.` },
    );
    const { text, cut } = newsSince(talked, 'q2');
    assert.match(text, /^Before this, of which the beginning is left out:\n…(?:😀){1999}\.$/u);
    assert.match(cut!, /the newest 4,000 characters; the rest was left out/);
  });
});
