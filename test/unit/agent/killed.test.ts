/** kill -9 in the middle of a command: what was stored is whole, and the task goes on from there. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AgentProfile } from '../../../src/agent/agent.ts';
import { unfinishedCalls } from '../../../src/agent/steps.ts';
import { threadOf } from '../../../src/agent/thread.ts';
import {
  type Ask,
  agentHistory,
  findAnswer,
  resumeText,
  type Transcript,
} from '../../../src/agent/transcript.ts';
import { ChatStore } from '../../../src/host/chat/store.ts';
import { openNodePorts } from '../../../src/workspace/node-ports.ts';
import { CHAT_ID } from '../../support/agent-until-killed.ts';
import { memoryPorts } from '../../support/memory-ports.ts';
import { promptsOf } from '../../support/scripted-model.ts';
import { block, lastOf, play } from './guided/play.ts';
import { bench } from './support.ts';

const CHILD = join(__dirname, '../../support/agent-until-killed.ts');

const ONE = 'module.exports = 1;\n';

describe('an agent that is killed', function () {
  this.timeout(60_000);
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'moebius-killed-'));
    await writeFile(join(folder, 'a.txt'), 'a\n');
    await writeFile(join(folder, 'a.js'), ONE);
    await writeFile(join(folder, 'check.js'), "console.log('ran');\n");
  });
  after(() => rm(folder, { recursive: true, force: true }));

  /** The chat as it is stored. */
  async function killed(profile: AgentProfile): Promise<Transcript> {
    const chats = join(folder, 'chats', profile);
    const child = spawn(process.execPath, ['--import', 'tsx', CHILD, chats, folder, profile], {
      stdio: 'inherit',
    });
    const [code, signal] = await once(child, 'exit');
    assert.deepEqual([code, signal], [null, 'SIGKILL']);
    return (await new ChatStore(chats).load(CHAT_ID))!;
  }

  it('has stored what it did, and what it was about to do; the task goes on', async () => {
    const transcript = await killed('native');
    assert.equal(await readFile(join(folder, 'a.txt'), 'utf8'), 'b\n');
    const answer = findAnswer(transcript, 'a')!;
    assert.equal(answer.finish, null);
    assert.deepEqual(
      answer.steps.filter(step => step.type === 'result').map(step => step.changes.length),
      [1],
    );
    const [unfinished] = unfinishedCalls(answer.steps);
    assert.match(unfinished!.title, /^Run node -e/);

    const history = agentHistory(transcript, null);
    assert.deepEqual(
      history.map(message => message.role),
      ['system', 'user', 'assistant', 'tool', 'assistant'],
    );
    const more = bench(['I looked: it runs.'], {}, { history, task: resumeText(answer) });
    assert.equal((await more.run()).reason, 'answered');
    const [prompt] = promptsOf(more.backend);
    assert.deepEqual(prompt!.slice(0, history.length), history);
    assert.match(prompt!.at(-1)!.content, /interrupted: it is not known whether it took effect/);
  });

  it('that is led begins anew with the files as they were, and not with the version that was tried last', async () => {
    const transcript = await killed('guided');
    const text = () => readFile(join(folder, 'a.js'), 'utf8');
    assert.equal(await text(), 'module.exports = 3;\n');
    const ask: Ask = {
      ...{ kind: 'ask', id: 'more', at: 2, text: resumeText(findAnswer(transcript, 'a')!) },
      ...{ expanded: null, attachments: [] },
    };
    transcript.entries.push(ask);
    const { first, torn } = threadOf(transcript, ask);
    const ports = await openNodePorts([folder], join(folder, 'chats', 'guided', 'checkpoints'));
    const { checkpoints } = ports;
    const wrong = block('module.exports = 4;\n');
    const { events, prompts, outcome } = await play(
      [wrong, wrong],
      {},
      {},
      {
        task: first.text,
        ports: { ...memoryPorts(new Map()), ...ports },
        history: agentHistory(transcript, null),
        checkCommand: null,
        takeBackTorn: async () =>
          (await checkpoints.undo(torn[0]!.id, [], await checkpoints.paths(torn[0]!.id))).restored,
        turnId: 'more',
      },
    );
    ports.dispose();
    assert.ok(lastOf(prompts[0]).includes(ONE), 'what the model is shown');
    assert.equal(outcome.reason, 'done');
    assert.deepEqual((await checkpoints.before('more', 'a.js'))?.bytes, Buffer.from(ONE));
    const notices = events.flatMap(event => (event.type === 'notice' ? [event.text] : []));
    assert.match(notices.join(), /interrupted.*a\.js is put back/);
  });
});
