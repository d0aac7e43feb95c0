import assert from 'node:assert/strict';
import { emptyTranscript, readTranscript, type TranscriptEvent } from '../../../src/agent/transcript.ts';
import { MoebiusError } from '../../../src/base/errors.ts';
import { sentParts } from '../../../src/host/chat/sent-parts.ts';
import { ChatSession } from '../../../src/host/chat/session.ts';
import type { HostMessage, Phase, Row } from '../../../src/protocol/webview.ts';
import { ScriptedAgent } from './scripted-agent.ts';
import { hangsAfter, modelInfo, type Script, ScriptedBackend, says, tokensOf, until } from './support.ts';

function open(script: Script, { contextTokens = 8192, transcript = emptyTranscript('chat', 0) } = {}) {
  const agent = new ScriptedAgent(async () => 'done');
  agent.shownMode = 'ask';
  const backend = new ScriptedBackend(script);
  const posted: HostMessage[] = [];
  const stored: TranscriptEvent[] = [];
  const phases: Phase[] = [];
  let ids = 0;
  const session = new ChatSession(transcript, {
    backend,
    model: async () => modelInfo(contextTokens),
    options: () => ({ level: 'balanced', maxTokens: 400, temperature: 0, isThinking: true }),
    store: event => stored.push(event),
    post: message => posted.push(message),
    onPhase: phase => phases.push(phase),
    agent,
    chat: { isShown: () => true, show: async () => undefined },
    newId: () => `id${++ids}`,
  });
  const idle = () => until(() => !session.isBusy);
  return { session, agent, backend, posted, stored, phases, idle };
}

/** Rows as `kind:text`, with how an answer ended. */
const sketch = (rows: Row[]) =>
  rows.map(row => {
    if (row.kind === 'answer') return `${row.text}|${row.finish ?? 'writing'}`;
    const mark = { sent: '', queued: '?', unsent: '!' };
    return row.kind === 'user' ? row.text + mark[row.state] : row.text;
  });

describe('chat session', () => {
  it('streams an answer and stores what it shows', async () => {
    const { session, posted, stored, phases, idle } = open(says('Hel', 'lo'));
    session.send('Hi', []);
    await idle();
    assert.deepEqual(sketch(session.rows()), ['Hi', 'Hello|stop']);
    const replayed = readTranscript('chat', stored.map(event => JSON.stringify(event)).join('\n'));
    assert.deepEqual(replayed, session.transcript);
    assert.deepEqual(
      phases.map(phase => phase.kind),
      ['starting', 'reading', 'writing', 'idle'],
    );
    const texts = posted.filter(message => message.type === 'text').map(message => message.text);
    assert.deepEqual(texts, ['Hel', 'lo']);
  });

  it('asks at a level that the model has', async () => {
    const { session, backend, idle } = open(says('x'));
    session.send('Hi', []);
    await idle();
    assert.equal(backend.requests[0]?.level, 'exact');
    assert.equal(backend.requests[0]?.sequence, 'chat');
  });

  it('heeds the rules as they were when it began, also after a reload', async () => {
    const { session, agent, backend, stored, idle } = open(says('x'));
    const system = () => backend.requests.at(-1)!.messages![0]!.content;
    agent.projectRules = 'Rules in AGENTS.md:\nUse tabs.';
    session.send('Hi', []);
    await idle();
    assert.match(system(), /^You are Moebius[\s\S]*\n\nRules in AGENTS\.md:\nUse tabs\.$/);
    const first = system();
    agent.projectRules = 'Other.';
    session.send('And now?', []);
    await idle();
    assert.equal(system(), first);
    const transcript = readTranscript('chat', stored.map(event => JSON.stringify(event)).join('\n'));
    assert.deepEqual(transcript, session.transcript);
    const answer = transcript.entries.at(-1)!;
    assert.equal(sentParts(transcript, answer.id)[0]?.text, first);
  });

  it('answers messages in turn, and takes a waiting one back', async () => {
    const { session, idle, backend } = open(hangsAfter('partial'));
    session.send('one', []);
    await until(() => session.rows().length === 2);
    session.send('two', []);
    session.send('three', []);
    assert.deepEqual(sketch(session.rows()), ['one', 'partial|writing', 'two?', 'three?']);
    session.unqueue(session.rows()[2]!.id);
    backend.script = says('second');
    session.stop();
    await until(() => session.rows().length === 4);
    await idle();
    assert.deepEqual(sketch(session.rows()), ['one', 'partial|cancelled', 'three', 'second|stop']);
  });

  it('is not idle between messages that wait', async () => {
    const { session, phases, idle } = open(says('ok'));
    session.send('one', []);
    session.send('two', []);
    await until(() => session.rows().length === 4);
    await idle();
    assert.equal(phases.filter(({ kind }) => kind === 'idle').length, 1);
  });

  it('does not send along what still waits since the editor ended', async () => {
    const lines = [
      { type: 'chat', version: 1, id: 'chat', at: 0, title: 'one' },
      { type: 'ask', id: 'q1', at: 0, text: 'one', attachments: [] },
    ].map(event => JSON.stringify(event));
    const { session, backend, idle } = open(says('ok'), {
      transcript: readTranscript('chat', lines.join('\n')),
    });
    assert.deepEqual(sketch(session.rows()), ['one!']);
    session.send('two', []);
    await idle();
    assert.deepEqual(backend.requests[0]!.messages!.map(({ content }) => content).slice(1), ['two']);
    session.sendUnsent('q1');
    await idle();
    assert.deepEqual(sketch(session.rows()), ['two', 'ok|stop', 'one', 'ok|stop']);
  });

  it('says that the model thinks, and keeps that out of the answer', async () => {
    const { session, backend, phases, idle } = open(says('Yes'));
    backend.thoughts = 'Let me see ...';
    session.send('one', []);
    await idle();
    assert.equal((backend.requests[0] as { thinking?: boolean }).thinking, true);
    assert.deepEqual(
      phases.find(phase => phase.kind === 'thinking'),
      { kind: 'thinking', words: 4 },
    );
    assert.deepEqual(sketch(session.rows()), ['one', 'Yes|stop']);
  });

  it('edits an earlier message: what follows is gone, the attachments stay', async () => {
    const { session, backend, idle } = open(says('ok'));
    const attachment = {
      id: 'f',
      kind: 'file',
      label: 'a.ts',
      language: 'ts',
      text: 'let a',
      tokens: 3,
      cut: null,
    } as const;
    session.send('one', [attachment]);
    await idle();
    session.send('two', []);
    await idle();
    session.edit(session.rows()[0]!.id, 'uno');
    await idle();
    assert.deepEqual(sketch(session.rows()), ['uno', 'ok|stop']);
    assert.match(backend.requests.at(-1)!.messages!.at(-1)!.content, /let a[\s\S]*uno$/);
  });

  it('sends what a message stands for, and keeps that for later turns and a reload', async () => {
    const { session, backend, stored, idle } = open(says('ok'));
    session.send('/tidy now', [], 'Tidy up.\n\nnow');
    await idle();
    session.send('two', []);
    await idle();
    const contents = backend.requests.at(-1)!.messages!.map(({ content }) => content);
    assert.deepEqual(contents.slice(1), ['Tidy up.\n\nnow', 'ok', 'two']);
    assert.deepEqual(sketch(session.rows()).slice(0, 1), ['/tidy now']);
    const replayed = readTranscript('chat', stored.map(event => JSON.stringify(event)).join('\n'));
    assert.deepEqual(replayed, session.transcript);
  });

  it('edits the message that is being answered', async () => {
    const { session, backend, idle } = open(hangsAfter('old'));
    session.send('one', []);
    await until(() => session.rows().length === 2);
    backend.script = says('new');
    session.edit(session.rows()[0]!.id, 'uno');
    await until(() => session.rows().length === 2);
    await idle();
    assert.deepEqual(sketch(session.rows()), ['uno', 'new|stop']);
  });

  it('regenerates an answer, also one that is being written', async () => {
    const { session, backend, idle } = open(says('first'));
    session.send('one', []);
    await idle();
    backend.script = hangsAfter('second');
    session.regenerate(session.rows()[1]!.id);
    await until(() => session.rows().length === 2);
    backend.script = says('third');
    session.regenerate(session.rows()[1]!.id);
    await until(() => sketch(session.rows())[1] === 'third|stop');
    await idle();
    assert.deepEqual(sketch(session.rows()), ['one', 'third|stop']);
  });

  it('does not answer again what something stands after', async () => {
    const { session, backend, idle } = open(async function* () {
      yield 'half';
      throw new MoebiusError('internal', 'Something broke.');
    });
    session.send('one', []);
    await idle();
    backend.script = hangsAfter('second');
    session.send('two', []);
    await until(() => session.rows().length === 4);
    session.send('three', []);
    const [one, failed, two, second] = session.rows().map(row => row.id);
    for (const id of [one, failed, two, second, 'gone']) session.regenerate(id!);
    assert.deepEqual(sketch(session.rows()), ['one', 'half|error', 'two', 'second|writing', 'three?']);
    assert.equal(backend.requests.length, 2);
    session.dispose();
  });

  it('shows a failure with what helps, and keeps the partial text', async () => {
    const { session, idle } = open(async function* () {
      yield 'half';
      throw new MoebiusError('daemon-down', 'The daemon ended.');
    });
    session.send('one', []);
    await idle();
    const row = session.rows()[1];
    assert.equal(row?.kind, 'answer');
    assert.equal(row?.text, 'half');
    assert.deepEqual(row?.kind === 'answer' && row.error, {
      message: 'The daemon ended.',
      actions: ['restart', 'show-log'],
    });
  });

  it('drops the oldest turns when they no longer fit, and says so', async () => {
    // The system prompt takes about 100 tokens; each turn 200; 600 - 25 % are for the prompt.
    const { session, backend, posted, idle } = open(says('y'.repeat(400)), { contextTokens: 600 });
    for (const letter of ['a', 'b', 'c']) {
      session.send(letter.repeat(400), []);
      await idle();
    }
    const sent = backend.requests.at(-1)!.messages!;
    assert.ok(!sent.some(message => message.content.startsWith('aaa')), 'the oldest turn is not sent');
    const total = sent.reduce((sum, message) => sum + tokensOf(message.content), 0);
    assert.ok(total <= 450, `${total} tokens fit`);
    assert.match(session.rows().find(row => row.kind === 'notice')!.text, /600 tokens.*not sent/);
    const notice = posted.find(message => message.type === 'row' && message.row.kind === 'notice');
    assert.ok(notice, 'the page is told');
  });

  it('refuses a message that does not fit alone', async () => {
    const { session, backend, idle } = open(says('never'), { contextTokens: 600 });
    session.send('a'.repeat(4000), []);
    await idle();
    assert.deepEqual(sketch(session.rows())[1], '|error');
    assert.equal(backend.requests.length, 0);
  });

  it('knows what was sent, in tokens that add up', async () => {
    const { session, idle } = open(says('ok'));
    const attachment = {
      id: 'f',
      kind: 'file',
      label: 'a.ts',
      language: 'ts',
      text: 'let a',
      tokens: null,
      cut: null,
    } as const;
    session.send('one', []);
    await idle();
    session.send('two', [{ ...attachment }]);
    await idle();
    const answer = session.rows().at(-1)!;
    const parts = sentParts(session.transcript, answer.id);
    assert.deepEqual(
      parts.map(part => part.label),
      ['System prompt', 'Earlier message', 'Earlier answer', 'a.ts', 'Your message'],
    );
    assert.ok(parts.every(part => part.tokens > 0));
    const messages = session.draftMessages('', []).slice(0, -1);
    assert.equal(
      parts.reduce((sum, part) => sum + part.tokens, 0),
      messages.reduce((sum, message) => sum + tokensOf(message.content), 0),
    );
  });

  it('stores nothing after it was disposed', async () => {
    const { session, stored, idle } = open(hangsAfter('text'));
    session.send('one', []);
    await until(() => session.rows().length === 2);
    session.dispose();
    const count = stored.length;
    await idle();
    assert.equal(stored.length, count);
    assert.equal(stored.at(-1)?.type, 'text', 'what was written is stored');
  });
});
