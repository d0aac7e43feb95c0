/** What is offered below an answer of the agent that ended in the midst of its task, in both profiles. */
import assert from 'node:assert/strict';
import type { AgentOutcome } from '../../../src/agent/agent.ts';
import type { AgentEvent } from '../../../src/agent/ports.ts';
import type { Answer } from '../../../src/agent/transcript.ts';
import { type ErrorCode, MoebiusError } from '../../../src/base/errors.ts';
import { endOf } from '../../../src/host/agent/runner.ts';
import { answerRow } from '../../../src/host/chat/rows.ts';
import type { AnswerRow, ErrorAction } from '../../../src/protocol/webview.ts';
import { call } from '../../support/scripted-model.ts';
import { addsUp, play, WRONG } from '../agent/guided/play.ts';
import { bench } from '../agent/support.ts';

function rowOf(outcome: AgentOutcome, steps: AgentEvent[]): AnswerRow {
  const answer: Answer = {
    ...{ kind: 'answer', id: 'a', askId: 'q', at: 0, model: 'm', level: 'exact', text: '' },
    ...{ promptCounts: [], sentFrom: null, steps, undone: [], kept: [] },
    ...endOf(outcome),
  };
  return answerRow(answer, { isRunning: false, isGoingOn: false });
}

async function native(code: ErrorCode): Promise<AnswerRow> {
  const { run, events } = bench(
    (_, turn) => {
      if (turn === 0) return call('read_file', { path: 'a' });
      throw new MoebiusError(code, 'It broke.');
    },
    { a: 'x' },
  );
  return rowOf(await run(), events);
}

async function guided(code: ErrorCode): Promise<AnswerRow> {
  const fails = () => Promise.reject(new MoebiusError(code, 'It broke.'));
  const { outcome, events } = await play(
    [fails],
    { 'math.js': WRONG },
    { run: addsUp },
    { task: 'Fix math.js.' },
  );
  return rowOf(outcome, events);
}

describe('what helps after an error of the agent', () => {
  const helps = (code: ErrorCode, actions: ErrorAction[], canGoOn: boolean) =>
    it(code, async () => {
      for (const row of [await native(code), await guided(code)])
        assert.deepEqual([row.error, row.canGoOn], [{ message: 'It broke.', actions }, canGoOn]);
    });
  // It is started again by itself.
  helps('daemon-down', [], true);
  helps('out-of-memory', ['restart', 'show-log'], true);
  helps('model-missing', ['download'], true);
  helps('context-full', ['new-chat'], false);
  helps('internal', ['show-log'], true);
});
