/** kill -9 in the middle of a command: what was stored is whole, and the task goes on from there. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unfinishedCalls } from '../../../src/agent/steps.ts';
import { agentHistory, findAnswer, resumeText } from '../../../src/agent/transcript.ts';
import { ChatStore } from '../../../src/host/chat/store.ts';
import { CHAT_ID } from '../../support/agent-until-killed.ts';
import { promptsOf } from '../../support/scripted-model.ts';
import { bench } from './support.ts';

const CHILD = join(__dirname, '../../support/agent-until-killed.ts');

describe('an agent that is killed', function () {
  this.timeout(60_000);
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'moebius-killed-'));
    await writeFile(join(folder, 'a.txt'), 'a\n');
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it('has stored what it did, and what it was about to do; the task goes on', async () => {
    const chats = join(folder, 'chats');
    const child = spawn(process.execPath, ['--import', 'tsx', CHILD, chats, folder], { stdio: 'inherit' });
    const [code, signal] = await once(child, 'exit');
    assert.deepEqual([code, signal], [null, 'SIGKILL']);
    assert.equal(await readFile(join(folder, 'a.txt'), 'utf8'), 'b\n');

    const transcript = (await new ChatStore(chats).load(CHAT_ID))!;
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
});
