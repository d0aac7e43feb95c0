/** The editor ended in the midst of an answer of the agent, and the chat goes on with it. */
import assert from 'node:assert/strict';
import type { AgentEvent } from '../../../src/agent/ports.ts';
import { emptyTranscript, findAnswer } from '../../../src/agent/transcript.ts';
import { ChatSession } from '../../../src/host/chat/session.ts';
import { ScriptedAgent } from './scripted-agent.ts';
import { modelInfo, ScriptedBackend, says, until } from './support.ts';

describe('an answer in the midst of which the editor ended', () => {
  /** A chat with an answer that changed two files and ended so; `finish` null: torn. */
  function open(finish: 'cancelled' | null) {
    const agent = new ScriptedAgent(async ({ torn }) => {
      torn[0]?.undone(['a.ts']);
      return 'done';
    });
    const changes = ['a.ts', 'b.ts'].map(
      path => ({ path, kind: 'edit', addedLines: 1, removedLines: 1 }) as const,
    );
    const result: AgentEvent = { type: 'result', callId: 'c', ok: true, text: '', summary: '', changes };
    const transcript = emptyTranscript('chat', 0);
    transcript.entries.push(
      { kind: 'ask', id: 'q', at: 0, text: 'Fix it.', expanded: null, attachments: [] },
      {
        ...{ kind: 'answer', id: 'a', askId: 'q', at: 0, model: 'm', level: 'exact', text: '', finish },
        ...{ usage: null, error: null, promptCounts: [], sentFrom: null, steps: [result] },
        ...{ undone: [], kept: ['b.ts'] },
      },
    );
    let ids = 0;
    const session = new ChatSession(transcript, {
      backend: new ScriptedBackend(says('Hello')),
      model: async () => modelInfo(8192),
      options: () => ({ level: 'exact', maxTokens: 400, temperature: 0, isThinking: false }),
      store() {},
      post() {},
      onPhase() {},
      agent,
      chat: { isShown: () => true, show: async () => undefined },
      newId: () => `id${++ids}`,
    });
    return { agent, session, idle: () => until(() => !session.isBusy) };
  }

  it('is told to the agent that goes on with it, and what that takes back is shown as undone', async () => {
    const { agent, session, idle } = open(null);
    session.goOn('a');
    await idle();
    const [task] = agent.tasks;
    assert.deepEqual(
      [task?.first.text, task?.torn[0]?.turnId, task?.torn[0]?.decided],
      ['Fix it.', 'a', ['b.ts']],
    );
    assert.deepEqual(findAnswer(session.transcript, 'a')?.undone, ['a.ts']);
    session.goOn('a');
    await idle();
    assert.equal(agent.tasks[1]?.first.text, 'Fix it.');
    assert.deepEqual(agent.tasks[1]?.torn, [], 'the user was asked about it once');
    session.send('Go on.', []);
    await idle();
    assert.deepEqual(agent.tasks[2]?.torn, [], 'what goes on now is over');
  });

  it('goes on in words as well, and not with another task', async () => {
    for (const [words, turnId] of [
      ['continue', 'a'],
      ['Fix b.ts.', undefined],
    ] as const) {
      const { agent, session, idle } = open(null);
      session.send(words, []);
      await idle();
      assert.equal(agent.tasks[0]?.torn[0]?.turnId, turnId);
    }
  });

  it('is none where the agent itself ended it, and put its files in order', async () => {
    const { agent, session, idle } = open('cancelled');
    session.goOn('a');
    await idle();
    assert.deepEqual(agent.tasks[0]?.torn, []);
  });
});
