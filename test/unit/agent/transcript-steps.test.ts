import assert from 'node:assert/strict';
import type { AgentEvent } from '../../../src/agent/ports.ts';
import { addStep, historyEvent, withHistory } from '../../../src/agent/steps.ts';
import {
  agentHistory,
  findAnswer,
  readTranscript,
  resumeText,
  type Transcript,
  type TranscriptEvent,
} from '../../../src/agent/transcript.ts';
import type { ChatMessage } from '../../../src/protocol/daemon.ts';

const message = (role: ChatMessage['role'], content: string): ChatMessage => ({ role, content });
const call: AgentEvent = {
  type: 'call',
  callId: 'c1',
  call: { kind: 'call', name: 'run_command', arguments: { command: 'npm test' } },
  title: 'Run npm test',
};
const result: AgentEvent = {
  type: 'result',
  callId: 'c1',
  ok: true,
  text: 'passed',
  summary: 'exit code 0',
  changes: [],
};

const begin: TranscriptEvent[] = [
  { type: 'ask', id: 'q', at: 1, text: 'fix it', attachments: [] },
  { type: 'answer', id: 'a', askId: 'q', at: 2, model: 'm', level: 'exact', promptCounts: [] },
];
const steps = (...events: AgentEvent[]): TranscriptEvent[] =>
  events.map(event => ({ type: 'step', id: 'a', event }));
const linesOf = (events: TranscriptEvent[]): string =>
  events.map(event => `${JSON.stringify(event)}\n`).join('');
const read = (events: TranscriptEvent[]): Transcript => readTranscript('chat', linesOf(events));

describe('agent steps in the transcript', () => {
  it('are read back in order, streamed pieces put together', () => {
    const events: AgentEvent[] = [
      { type: 'turn', turn: 1 },
      { type: 'text', text: 'I run ' },
      { type: 'text', text: 'the tests.' },
      call,
      { type: 'output', callId: 'c1', text: 'one ' },
      { type: 'output', callId: 'c1', text: 'two' },
      result,
      { type: 'turn', turn: 2 },
      { type: 'text', text: 'Done.' },
    ];
    const answer = findAnswer(read([...begin, ...steps(...events)]), 'a')!;
    assert.deepEqual(
      answer.steps.map(step => step.type),
      ['turn', 'text', 'call', 'output', 'result', 'turn', 'text'],
    );
    assert.deepEqual(answer.steps[1], { type: 'text', text: 'I run the tests.' });
    assert.deepEqual(answer.steps[3], { type: 'output', callId: 'c1', text: 'one two' });
    assert.equal(answer.text, 'I run the tests.\n\nDone.');
  });

  it('does not change the events that are added', () => {
    const list: AgentEvent[] = [];
    const first: AgentEvent = { type: 'text', text: 'a' };
    addStep(list, first);
    addStep(list, { type: 'text', text: 'b' });
    assert.deepEqual([first, list], [{ type: 'text', text: 'a' }, [{ type: 'text', text: 'ab' }]]);
  });

  it('keeps the end of long output only', () => {
    const list: AgentEvent[] = [];
    for (let i = 0; i < 100; i++) addStep(list, { type: 'output', callId: 'c', text: 'x'.repeat(10_000) });
    addStep(list, { type: 'output', callId: 'c', text: 'end' });
    const [output] = list;
    assert.ok(output?.type === 'output' && output.text.endsWith('end') && output.text.length <= 65_536);
  });

  it('skips steps of a wrong shape, and only those', () => {
    const damaged = [
      '{"type":"step","id":"a","event":{"type":"text","text":7}}',
      '{"type":"step","id":"a","event":{"type":"unheard-of"}}',
      '{"type":"step","id":"a","event":null}',
      '{"type":"step","id":"a","event":{"type":"result","callId":"c","ok":true,"text":"","summary":"","changes":[{}]}}',
    ].join('\n');
    const lines = `${linesOf(begin)}${damaged}\n${linesOf(steps({ type: 'text', text: 'whole' }))}`;
    assert.deepEqual(findAnswer(readTranscript('chat', lines), 'a')!.steps, [
      { type: 'text', text: 'whole' },
    ]);
  });
});

describe('agent history', () => {
  const system = message('system', 's');
  const first = [system, message('user', 'fix it'), message('assistant', 'I look.')];
  const grown = [...first, message('tool', 'file')];
  const shortened = [
    system,
    message('user', 'fix it'),
    message('assistant', 'I look.'),
    message('tool', '(gone)'),
  ];

  it('is stored as what changed', () => {
    assert.deepEqual(historyEvent([], first), { type: 'history', kept: 0, messages: first });
    assert.deepEqual(historyEvent(first, grown), { type: 'history', kept: 3, messages: grown.slice(3) });
    assert.deepEqual(historyEvent(grown, shortened), {
      type: 'history',
      kept: 3,
      messages: shortened.slice(3),
    });
    assert.deepEqual(historyEvent(grown, [system]), { type: 'history', kept: 1, messages: [] });
    for (const [before, after] of [
      [first, grown],
      [grown, shortened],
      [grown, [system]],
    ] as const)
      assert.deepEqual(withHistory(before, historyEvent(before, after)), after);
  });

  it('comes back from the file byte for byte, up to a question', () => {
    const later: TranscriptEvent[] = [
      { type: 'ask', id: 'q2', at: 3, text: 'more', attachments: [] },
      { type: 'answer', id: 'a2', askId: 'q2', at: 4, model: 'm', level: 'exact', promptCounts: [] },
      { type: 'step', id: 'a2', event: historyEvent(grown, [...grown, message('user', 'more')]) },
    ];
    const transcript = read([
      ...begin,
      ...steps(historyEvent([], first), historyEvent(first, grown)),
      ...later,
    ]);
    assert.deepEqual(agentHistory(transcript, null), [...grown, message('user', 'more')]);
    assert.deepEqual(agentHistory(transcript, 'q2'), grown);
    assert.deepEqual(agentHistory(transcript, 'q'), []);
  });

  it('forgets what was truncated', () => {
    const events = [...begin, ...steps(historyEvent([], first))];
    assert.deepEqual(agentHistory(read([...events, { type: 'truncate', id: 'a' }]), null), []);
  });
});

describe('a torn answer', () => {
  const whole = linesOf([...begin, ...steps({ type: 'turn', turn: 1 }, call, result)]);

  it('is read wherever the process ended, without a finish', () => {
    for (let length = linesOf(begin).length; length <= whole.length; length += 7) {
      const answer = findAnswer(readTranscript('chat', whole.slice(0, length)), 'a')!;
      assert.equal(answer.finish, null);
      assert.ok(answer.steps.length <= 3);
    }
  });

  it('names the call of which nobody knows whether it was carried out', () => {
    const torn = read([...begin, ...steps({ type: 'turn', turn: 1 }, call)]);
    assert.match(resumeText(findAnswer(torn, 'a')!), /Run npm test.*not known whether it took effect/);
    assert.doesNotMatch(resumeText(findAnswer(readTranscript('chat', whole), 'a')!), /interrupted/);
  });
});
