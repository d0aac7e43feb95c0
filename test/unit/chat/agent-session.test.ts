/** A chat that an agent answers: sending, stopping, undoing, restoring. One file, as all of it plays with the one scripted agent. */
import assert from 'node:assert/strict';
import {
  agentHistory,
  emptyTranscript,
  findAnswer,
  readTranscript,
  type TranscriptEvent,
} from '../../../src/agent/transcript.ts';
import { Deferred } from '../../../src/base/deferred.ts';
import { MoebiusError } from '../../../src/base/errors.ts';
import { AgentDesk } from '../../../src/host/agent/desk.ts';
import { ChatSession } from '../../../src/host/chat/session.ts';
import type { Part } from '../../../src/protocol/agent-view.ts';
import type { ChatLevel, HostMessage, Phase } from '../../../src/protocol/webview.ts';
import { applyMessage, createState, type PageState } from '../../../src/webview/state.ts';
import { type AgentScript, edits, runs, ScriptedAgent } from './scripted-agent.ts';
import { modelInfo, ScriptedBackend, says, until } from './support.ts';

const MODEL = modelInfo(8192, { shared: 1, routed: 8, perTokenByLevel: {}, chatLevel: 'fast' });

function open(
  script: AgentScript,
  transcript = emptyTranscript('chat', 0),
  level: ChatLevel = 'exact',
  model = async () => MODEL,
) {
  const agent = new ScriptedAgent(script);
  const page = createState();
  const stored: TranscriptEvent[] = [];
  const phases: Phase['kind'][] = [];
  const post = (message: HostMessage) => applyMessage(page, structuredClone(message));
  let ids = transcript.entries.length;
  const session = new ChatSession(transcript, {
    backend: new ScriptedBackend(says('Hello')),
    model,
    options: () => ({ level, maxTokens: 400, temperature: 0, isThinking: false }),
    store: event => stored.push(structuredClone(event)),
    post,
    onPhase: phase => phases.push(phase.kind),
    agent,
    chat: { isShown: () => true, show: async () => undefined },
    newId: () => `id${++ids}`,
  });
  const desk = new AgentDesk(
    agent,
    () => session,
    post,
    async ({ text }) => post({ type: 'draft', text }),
  );
  const idle = () => until(() => !session.isBusy);
  return { agent, page, stored, phases, session, desk, idle };
}

/** A page that is shown the chat as it is now. */
function reload(session: ChatSession): PageState {
  const page = createState();
  const { phase } = session;
  const rows = structuredClone(session.rows());
  applyMessage(page, { type: 'open', chatId: 'chat', title: '', rows, draftChips: [], phase });
  return page;
}

const answers = (page: PageState) => page.items.value.filter(item => item.kind === 'answer');
const parts = (page: PageState, index = 0): Part[] =>
  (answers(page)[index]?.work.value?.parts.value ?? []).map(item =>
    item.kind === 'text' ? { kind: 'text', id: item.id, text: item.stream.text } : item.part.value,
  );
const sketch = (page: PageState, index = 0) =>
  parts(page, index).map(part => {
    if (part.kind === 'step') return `${part.title}|${part.state}`;
    return part.kind === 'question' ? part.question : part.text;
  });
const changed = (page: PageState, index = 0) => answers(page)[index]?.work.value?.facts.value.changed ?? [];

describe('chat session with the agent', () => {
  it('reads a task with all experts unless the user chose fewer, and an answer as the model stands it', async () => {
    for (const [level, mode, read] of [
      ['auto', 'agent', 'exact'],
      ['fast', 'agent', 'fast'],
      ['auto', 'ask', 'fast'],
    ] as const) {
      const { agent, session, idle } = open(async () => 'done', undefined, level);
      agent.shownMode = mode;
      session.send('Do it', []);
      await idle();
      const answer = session.transcript.entries.find(entry => entry.kind === 'answer');
      assert.equal(answer?.level, read, `${level}, ${mode}`);
    }
  });

  it('shows its words and steps in order, and the same after a reload', async () => {
    const { session, page, stored, idle } = open(async task => {
      task.emit({ type: 'text', text: 'I look ' });
      task.emit({ type: 'text', text: 'first.' });
      edits(task, 'a.ts');
      task.emit({ type: 'text', text: 'Done.' });
      return 'done';
    });
    session.send('Fix it', []);
    await idle();
    assert.deepEqual(sketch(page), ['I look first.', 'Edit a.ts|ok', 'Done.']);
    assert.equal(answers(page)[0]?.row.value.finish, 'stop');
    assert.deepEqual(
      changed(page).map(file => `${file.path} +${file.addedLines}`),
      ['a.ts +2'],
    );
    const replayed = readTranscript('chat', stored.map(event => JSON.stringify(event)).join('\n'));
    assert.deepEqual(replayed, session.transcript);
    assert.deepEqual(parts(reload(session)), parts(page));
  });

  it('says what of the talk before it the agent does not read', async () => {
    const { agent, session, page, idle } = open(async () => 'done');
    agent.shownMode = 'ask';
    session.send('x'.repeat(5000), []);
    await idle();
    agent.shownMode = 'agent';
    session.send('Do it', []);
    await idle();
    assert.match(agent.tasks[0]!.news, /^Before this, of which the beginning is left out:\n…xxx/);
    assert.match(sketch(page, 1)[0]!, /^Of what was said since its last task the agent reads the newest/);
  });

  it('shows a page that comes back while it works all there is, also what is not stored yet', async () => {
    const goOn = new Deferred<void>();
    const { session, page, idle } = open(async task => {
      edits(task, 'a.ts');
      const call = { kind: 'call', name: 'run_command', arguments: {} } as const;
      task.emit({ type: 'call', callId: 'run', call, title: 'Run make' });
      for (let line = 0; line < 10_000; line++)
        task.emit({ type: 'output', callId: 'run', text: `${line}\n` });
      task.emit({ type: 'text', text: 'I wait.' });
      await goOn.promise;
      task.emit({ type: 'text', text: ' Done.' });
      return 'done';
    });
    session.send('Make it', []);
    await until(() => sketch(page).at(-1) === 'I wait.');
    const came = reload(session);
    assert.deepEqual(sketch(came), ['Edit a.ts|ok', 'Run make|running', 'I wait.']);
    assert.deepEqual(parts(came), parts(page));
    assert.equal(answers(came)[0]?.row.value.finish, null);
    session.decide(answers(page)[0]!.id, 'kept', ['a.ts']);
    assert.deepEqual(parts(page), parts(came), 'a decision about a file takes nothing away');
    assert.equal(changed(page)[0]?.isKept, true);
    goOn.resolve();
    await idle();
    assert.equal(sketch(page).at(-1), 'I wait. Done.');
  });

  it('waits for the user before a command, with the exact text, and stores the decision first', async () => {
    const { session, page, phases, stored, desk, idle } = open(async task => {
      await runs(task, 'npm test -- --grep "a b"');
      return 'done';
    });
    session.send('Test it', []);
    await until(() => sketch(page)[0]?.endsWith('asking') === true);
    const [asked] = parts(page);
    assert.equal(asked?.kind === 'step' && asked.approval?.detail, 'npm test -- --grep "a b"');
    assert.match(page.announcement.value, /npm test -- --grep/);
    assert.equal(phases.at(-1), 'asking');
    await desk.handle({ type: 'decide', id: 'other', decision: { kind: 'once' } });
    assert.equal(
      sketch(page)[0],
      'Run npm test -- --grep "a b"|asking',
      'a decision about another call is none',
    );
    await desk.handle({ type: 'decide', id: 'run', decision: { kind: 'once' } });
    await idle();
    const [step] = parts(page);
    assert.equal(step?.kind === 'step' && step.output, 'all good\n');
    assert.equal(sketch(page)[0], 'Run npm test -- --grep "a b"|ok');
    const kinds = stored.flatMap(event => (event.type === 'step' ? [event.event.type] : []));
    assert.ok(kinds.indexOf('decision') < kinds.indexOf('output'), kinds.join(' '));
  });

  it('stores a limit of what a command prints, nothing once its call is over, and shows it all the same', async () => {
    let print = (_callId: string, _text: string) => {};
    const { session, page, stored, idle } = open(async task => {
      print = (callId, text) => task.emit({ type: 'output', callId, text });
      for (const callId of ['one', 'two']) {
        const call = { kind: 'call', name: 'run_command', arguments: {} } as const;
        task.emit({ type: 'call', callId, call, title: callId });
        for (let line = 0; line < 30_000; line++) print(callId, `${callId} ${line}\n`);
        const summary = 'Still running';
        task.emit({ type: 'result', callId, ok: true, text: '', summary, changes: [] });
      }
      const call = { kind: 'call', name: 'run_command', arguments: {} } as const;
      task.emit({ type: 'call', callId: 'endless', call, title: 'endless' });
      for (const callId of ['one', 'two', 'one', 'two']) print(callId, 'in the background\n');
      return 'done';
    });
    session.send('Serve', []);
    await idle();
    const count = stored.length;
    for (const callId of ['one', 'two', 'one', 'endless']) print(callId, 'after the task\n');
    // Longer than what is streamed waits for the disk.
    await new Promise(resolve => setTimeout(resolve, 600));
    assert.equal(stored.length, count);
    const steps = stored.flatMap(event => (event.type === 'step' ? [event.event] : []));
    const output = steps.flatMap(step => (step.type === 'output' ? [step.text] : [])).join('');
    assert.ok(output.length > 65_536 && output.length <= 2 * 65_536, String(output.length));
    assert.match(output, /one 29999\n[\s\S]*two 29999\n$/);
    const [one] = parts(page);
    assert.ok(one?.kind === 'step' && one.output.endsWith('one 29999\nafter the task\nafter the task\n'));
  });

  it('a denial says why, and nothing runs', async () => {
    let allowed: boolean | null = null;
    const { session, page, desk, idle } = open(async task => {
      allowed = await runs(task, 'rm -rf build');
      return 'done';
    });
    session.send('Clean', []);
    await until(() => sketch(page).length === 1 && sketch(page)[0]!.endsWith('asking'));
    await desk.handle({ type: 'decide', id: 'run', decision: { kind: 'deny', reason: 'keep the build' } });
    await idle();
    assert.equal(allowed, false);
    const [step] = parts(page);
    assert.equal(step?.kind === 'step' && step.state, 'denied');
  });

  it('stop ends the waiting, and the step is shown as interrupted', async () => {
    const { session, page, idle } = open(async task => {
      await runs(task, 'sleep 99');
      return 'done';
    });
    session.send('Wait', []);
    await until(() => sketch(page)[0]?.endsWith('asking') === true);
    session.stop();
    await idle();
    assert.deepEqual(sketch(page), ['Run sleep 99|interrupted']);
    assert.equal(answers(page)[0]?.row.value.finish, 'cancelled');
    assert.equal(answers(page)[0]?.row.value.canGoOn, true);
  });

  it('asks the question of the model', async () => {
    const { session, page, desk, idle } = open(async task => {
      const call = { kind: 'call', name: 'ask_user', arguments: {} } as const;
      task.emit({ type: 'call', callId: 'q', call, title: 'Ask' });
      task.emit({ type: 'question', callId: 'q', question: 'Tabs?', options: ['yes', 'no'] });
      const answer = await task.questions.ask('Tabs?', ['yes', 'no'], task.signal);
      task.emit({ type: 'result', callId: 'q', ok: true, text: '', summary: `${answer}`, changes: [] });
      return 'answered';
    });
    session.send('Format', []);
    await until(() => parts(page)[0]?.kind === 'question');
    await desk.handle({ type: 'reply', id: 'q', answer: 'no' });
    await idle();
    const [part] = parts(page);
    assert.ok(part?.kind === 'question' && !part.isOpen && part.answer === 'no');
  });

  it('sends the history of before byte for byte, and what was taken back since', async () => {
    const { session, agent, desk, idle } = open(async task => {
      edits(task, 'a.ts');
      return 'done';
    });
    session.send('one', []);
    await idle();
    await desk.undoLastTurn();
    session.send('two', []);
    await idle();
    assert.deepEqual(agent.tasks[0]?.history, []);
    assert.deepEqual(agent.tasks[1]?.history, [{ role: 'user', content: 'one' }]);
    assert.equal(agent.tasks[1]?.news, 'I took back your changes of a.ts.');
    assert.equal(agentHistory(session.transcript, null).length, 2);
  });

  it('goes on after a limit', async () => {
    const todo = [{ text: 'look', state: 'open' as const }];
    const { session, agent, page, desk, idle } = open(async task => {
      task.emit({ type: 'todo', items: task.todo.length > 0 ? task.todo : todo });
      return 'limit';
    });
    session.send('long task', []);
    await idle();
    for (const round of [0, 1]) {
      const answer = answers(page)[round]!;
      assert.equal(answer.row.value.canGoOn, true);
      await desk.handle({ type: 'goOn', id: answer.id });
      await idle();
    }
    assert.match(agent.tasks[2]!.ask.text, /where you left off/);
    assert.deepEqual(
      agent.tasks.map(({ first }) => first.text),
      ['long task', 'long task', 'long task'],
    );
    assert.deepEqual(
      agent.tasks.map(task => task.todo),
      [[], todo, todo],
    );
  });

  it('goes on although the daemon could not be started for that, with what was asked at first', async () => {
    let isDown = false;
    const { session, agent, page, desk, idle } = open(
      async () => (agent.tasks.length === 1 ? 'limit' : 'done'),
      undefined,
      'exact',
      async () => {
        if (isDown) throw new MoebiusError('daemon-down', 'It crashed 5 times.');
        return MODEL;
      },
    );
    session.send('long task', []);
    await idle();
    isDown = true;
    await desk.handle({ type: 'goOn', id: answers(page)[0]!.id });
    await idle();
    const { id, row } = answers(page)[1]!;
    assert.deepEqual(row.value.error?.actions, ['restart', 'show-log']);
    assert.equal(row.value.canGoOn, true);
    isDown = false;
    await desk.handle({ type: 'goOn', id });
    await idle();
    assert.deepEqual(
      answers(page).map(answer => answer.row.value.finish),
      ['length', 'stop'],
      'nothing came of it, so it is replaced',
    );
    assert.deepEqual([agent.tasks[1]!.first.text, agent.tasks[1]!.news], ['long task', '']);
  });

  it('goes on after every end but that of a task that is done, and does not offer to begin anew in its place', async () => {
    for (const [reason, canGoOn] of [
      ['limit', true],
      ['repetition', true],
      ['error', true],
      ['empty', true],
      ['stopped', true],
      ['done', false],
      ['answered', false],
      ['unfinished', false],
    ] as const) {
      const { session, page, idle } = open(async () => reason);
      session.send('long task', []);
      await idle();
      const { value } = answers(page)[0]!.row;
      assert.equal(value.canGoOn, canGoOn, reason);
      assert.ok(!value.error?.actions.includes('retry'), reason);
    }
  });

  it('messages that waited when the editor ended are neither lost nor told to the model unasked', async () => {
    const before = open(async task => {
      await runs(task, 'npm test');
      return 'done';
    });
    before.session.send('one', []);
    before.session.send('two', []);
    before.session.send('/three', [], 'Three, in full.');
    await until(() => sketch(before.page)[0]?.endsWith('asking') === true);
    const lines = before.stored.map(event => JSON.stringify(event)).join('\n');
    before.session.dispose();

    const after = open(async () => 'done', readTranscript('chat', lines));
    const states = () =>
      after.session.rows().flatMap(row => (row.kind === 'user' ? [`${row.text} ${row.state}`] : []));
    assert.deepEqual(states(), ['one sent', 'two unsent', '/three unsent']);
    assert.equal(after.session.isBusy, false, 'nothing is sent by itself');

    after.session.send('four', []);
    await after.idle();
    assert.doesNotMatch(after.agent.tasks[0]!.news, /two|three/i);
    const waiting = after.session.rows().find(row => row.text === '/three')!;
    after.session.sendUnsent(waiting.id);
    await after.idle();
    assert.equal(after.agent.tasks[1]!.ask.expanded, 'Three, in full.');
    assert.deepEqual(
      states(),
      ['one sent', 'two unsent', 'four sent', '/three sent'],
      'it is the newest now',
    );

    after.session.unqueue(after.session.rows().find(row => row.text === 'two')!.id);
    assert.deepEqual(states(), ['one sent', 'four sent', '/three sent']);
    const stored = [lines, ...after.stored.map(event => JSON.stringify(event))].join('\n');
    assert.deepEqual(readTranscript('chat', stored), after.session.transcript);
  });

  it('answers without tools when the mode is ask', async () => {
    const { session, agent, page, desk, idle } = open(async () => 'done');
    await desk.handle({ type: 'chooseMode', mode: 'ask' });
    assert.equal(page.agent.value?.mode, 'ask');
    session.send('hi', []);
    await idle();
    assert.equal(agent.tasks.length, 0);
    assert.equal(answers(page)[0]?.work.value, null);
    assert.equal(answers(page)[0]?.stream.text, 'Hello');
  });

  it('says what went wrong when the agent can not go on', async () => {
    const { session, page, idle } = open(async () => 'empty');
    session.send('hi', []);
    await idle();
    assert.match(answers(page)[0]?.row.value.error?.message ?? '', /answered nothing/);
  });
});

describe('taking the work of the agent back', () => {
  const twoTurns = async () => {
    const files = [['a.ts', 'b.ts'], ['a.ts']];
    const opened = open(async task => {
      for (const path of files.shift() ?? []) edits(task, path);
      return 'done';
    });
    for (const text of ['one', 'two']) {
      opened.session.send(text, []);
      await opened.idle();
    }
    const [first, second] = answers(opened.page).map(item => item.id);
    return { ...opened, first: first!, second: second! };
  };

  it('undoes one file, or all that is left of a turn', async () => {
    const { desk, agent, page, first } = await twoTurns();
    await desk.handle({ type: 'undoFile', id: first, path: 'b.ts' });
    assert.deepEqual(
      changed(page).map(file => file.isUndone),
      [false, true],
    );
    await desk.handle({ type: 'undoTurn', id: first });
    assert.deepEqual(agent.done, [`undo ${first} b.ts`, `undo ${first} a.ts`]);
    assert.ok(changed(page).every(file => file.isUndone));
  });

  it('keeps what is left of a turn, and says so after a reload too', async () => {
    const { desk, agent, page, stored, first } = await twoTurns();
    await desk.handle({ type: 'undoFile', id: first, path: 'b.ts' });
    await desk.handle({ type: 'keepTurn', id: first });
    assert.deepEqual(agent.done, [`undo ${first} b.ts`, `keep ${first} a.ts`]);
    assert.deepEqual(
      changed(page).map(({ isKept, isUndone }) => [isKept, isUndone]),
      [
        [true, false],
        [false, true],
      ],
    );
    assert.equal(page.announcement.value, 'Kept: a.ts.');
    const replayed = readTranscript('chat', stored.map(event => JSON.stringify(event)).join('\n'));
    assert.deepEqual(findAnswer(replayed, first)?.kept, ['a.ts']);
  });

  it('does not say undone of what the user keeps', async () => {
    const { desk, agent, page, first } = await twoTurns();
    agent.kept = ['a.ts'];
    await desk.handle({ type: 'undoTurn', id: first });
    assert.deepEqual(
      changed(page).map(file => file.isUndone),
      [false, true],
    );
  });

  it('restores to before a message: the newest turn first, then the conversation', async () => {
    const { desk, agent, page, session, first, second } = await twoTurns();
    const [ask] = page.items.value;
    assert.ok(ask);
    await desk.handle({ type: 'restore', id: ask.id });
    assert.deepEqual(agent.done, [`undo ${second} a.ts`, `undo ${first} a.ts b.ts`]);
    assert.equal(session.transcript.entries.length, 0);
    assert.equal(page.items.value.length, 0);
    assert.equal(page.returnedDraft.value, 'one');
  });

  it('restores the files alone, or the conversation alone', async () => {
    const { desk, agent, page, session } = await twoTurns();
    const id = page.items.value[2]!.id;
    agent.restoreChoice = 'files';
    await desk.handle({ type: 'restore', id });
    assert.equal(session.transcript.entries.length, 4);
    assert.equal(agent.done.length, 1);
    agent.restoreChoice = 'conversation';
    await desk.handle({ type: 'restore', id });
    assert.equal(session.transcript.entries.length, 2);
    assert.equal(agent.done.length, 1);
  });

  it('offers to go back to before any message, and only the conversation where no files were changed', async () => {
    const { desk, agent, page, session } = await twoTurns();
    assert.deepEqual(
      desk.restorePoints().map(({ text }) => text),
      ['two', 'one'],
    );
    await desk.handle({ type: 'undoTurn', id: answers(page)[1]!.id });
    agent.done.length = 0;
    agent.restoreChoice = 'conversation';
    await desk.handle({ type: 'restore', id: page.items.value[2]!.id });
    assert.deepEqual(agent.offered, [0]);
    assert.deepEqual([page.returnedDraft.value, session.transcript.entries.length], ['two', 2]);
    assert.deepEqual(agent.done, []);
  });

  it('an undone file is told to screen readers, not the answer again', async () => {
    const { desk, page, first } = await twoTurns();
    await desk.handle({ type: 'undoFile', id: first, path: 'b.ts' });
    assert.equal(page.announcement.value, 'Undone: b.ts.');
  });

  it('only ask mode can be chosen where the agent can not work', async () => {
    const { desk, agent } = open(async () => 'done');
    agent.locked = 'Restricted Mode.';
    await assert.rejects(desk.chooseMode('plan'), { code: 'unsupported', message: 'Restricted Mode.' });
    await desk.chooseMode('ask');
    assert.equal(agent.mode(), 'ask');
  });

  it('asks what becomes of the files when a message is replaced', async () => {
    const { desk, agent, page, session, second } = await twoTurns();
    agent.replacing = null;
    assert.equal(await desk.beforeReplacing(session, second), false);
    agent.replacing = 'keep';
    assert.equal(await desk.beforeReplacing(session, second), true);
    assert.deepEqual(agent.done, []);
    agent.replacing = 'undo';
    assert.equal(await desk.beforeReplacing(session, page.items.value[2]!.id), true);
    assert.deepEqual(agent.done, [`undo ${second} a.ts`]);
  });

  it('says which commands ran, before and after an undo of all, because what they changed stays', async () => {
    const { session, agent, desk, page, idle } = open(async task => {
      for (const path of ['a.ts', 'b.ts']) edits(task, path);
      await runs(task, 'prettier --write .');
      return 'done';
    });
    session.send('Format', []);
    await until(() => session.phase.kind === 'asking');
    session.approvals.settle('run', { kind: 'once' });
    await idle();
    await desk.handle({ type: 'undoFile', id: answers(page)[0]!.id, path: 'a.ts' });
    assert.deepEqual(agent.toldCommands, [], 'not where one file is meant');
    await desk.handle({ type: 'restore', id: page.items.value[0]!.id });
    assert.deepEqual(agent.toldCommands, Array(2).fill(['prettier --write .']));
  });

  it('refuses while the agent works, and when there is nothing', async () => {
    const { desk, session, page, idle } = open(async task => {
      edits(task, 'a.ts', `edit ${task.turnId}`);
      if (task.ask.text === 'two') await runs(task, 'x');
      return 'done';
    });
    await assert.rejects(desk.undoLastTurn(), { code: 'not-found' });
    session.send('one', []);
    await idle();
    session.send('two', []);
    await until(() => sketch(page, 1).some(part => part.endsWith('asking')));
    await assert.rejects(desk.undoLastTurn(), { code: 'busy' });
    session.stop();
    await idle();
  });
});
