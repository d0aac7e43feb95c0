import assert from 'node:assert/strict';
import type { AgentOptions } from '../../../../src/agent/agent.ts';
import { Checks } from '../../../../src/agent/guided/checks.ts';
import type { ApprovalRequest } from '../../../../src/agent/ports.ts';
import { openNodePorts } from '../../../../src/workspace/node-ports.ts';
import { ALLOW_ALL, type Files, memoryPorts, type World } from '../../../support/memory-ports.ts';
import { tempFolder } from '../../../support/temp-folder.ts';
import { addsUp, block, lastOf, type Played, play, RIGHT, WRONG } from './play.ts';

describe('checks of the guided profile', () => {
  it('find no problems where there is no language server to ask, which tools are told', async () => {
    const ports = await openNodePorts([tempFolder({ 'a.ts': 'one' })], tempFolder());
    await assert.rejects(ports.diagnostics.read(null), {
      code: 'unsupported',
      message: /Run the compiler or the tests/,
    });
    const context = { openFile: null, attachments: [] };
    const options = { task: 'Fix the error.', context, checkCommand: null, ports };
    const checks = new Checks(options as unknown as AgentOptions, null!, () => 'id');
    assert.deepEqual(await checks.problemsOfTask(), []);
    await checks.remember('a.ts');
    assert.deepEqual((await checks.look(['a.ts'], false)).fresh, []);
  });

  it('run in the folder of the project, where a runner names files from', async () => {
    const ran: string[] = [];
    const files: Files = new Map([
      ['x/math.js', '// of another package\n'],
      ['packages/a/x/math.js', WRONG],
    ]);
    const run: World['run'] = async () => {
      const isRight = files.get('packages/a/x/math.js')!.includes('a + b');
      return isRight
        ? { output: '1 passed', exitCode: 0 }
        : { output: '1 failed\nx/math.js:2:3', exitCode: 1 };
    };
    const ports = memoryPorts(files, { run });
    const inMemory = ports.terminal.run;
    ports.terminal.run = request => {
      ran.push(request.cwd);
      return inMemory(request);
    };
    const { outcome } = await play(
      [block(WRONG), 'x', block(RIGHT)],
      {},
      {},
      { ports, checkFolder: 'packages/a' },
    );
    assert.equal(files.get('packages/a/x/math.js'), RIGHT);
    assert.match(outcome.text, /`npm test` in packages\/a passes/);
    assert.deepEqual(new Set(ran), new Set(['packages/a']));
  });
});

describe('guided: a task goes on without a check', () => {
  const noticesOf = ({ events }: Played) =>
    events.flatMap(event => (event.type === 'notice' ? [event.text] : [])).join();
  const project = { 'math.js': WRONG };
  const given = { task: 'Fix the bug in add in math.js.', isCheckGuessed: true };
  const useless = { output: 'sh: npm: not found', exitCode: 127 };
  const run = async () => useless;

  it('that was guessed and can not run', async () => {
    const played = await play([block(RIGHT)], project, { run }, given);
    const { outcome, files } = played;
    assert.deepEqual([outcome.reason, outcome.text], ['done', 'Changed `math.js`.']);
    assert.equal(files.get('math.js'), RIGHT);
    assert.deepEqual([outcome.commands.length, outcome.checkPassed], [1, null]);
    assert.match(noticesOf(played), /`npm test` can not run here\..*"moebius\.agent\.checkCommand".*"none"/);
  });

  it('by what the language servers say, then', async () => {
    const error = { path: 'math.js', line: 2, column: 3, message: 'No.', source: 'js' } as const;
    const diagnose: World['diagnose'] = files =>
      files.get('math.js') === WRONG ? [{ ...error, severity: 'error' }] : [];
    const context = { openFile: { path: 'math.js', selection: null }, attachments: [] };
    const task = 'Fix the problems.';
    const { prompts } = await play([block(RIGHT)], project, { run, diagnose }, { ...given, task, context });
    assert.match(lastOf(prompts[0]), /No\./);
  });

  it('but not without one that the user has named, which may be what is to be mended', async () => {
    const budget = { turns: 3, outputTokens: 100_000, timeMs: 60_000 };
    const named = { ...given, isCheckGuessed: false, budget };
    const { outcome, files } = await play(Array(9).fill(block(RIGHT)), project, { run }, named);
    assert.deepEqual([outcome.reason, outcome.checkPassed], ['limit', false]);
    assert.equal(files.get('math.js'), WRONG);
  });

  it('whose first run does not end, of which no version has a share', async () => {
    const killed: string[] = [];
    const files: Files = new Map(Object.entries(project));
    const ports = memoryPorts(files);
    ports.terminal.run = async () => ({ id: 'slow', state: 'running', exitCode: null, output: 'ok 1' });
    ports.terminal.kill = async id => void killed.push(id);
    const played = await play([block(RIGHT)], {}, {}, { ...given, isCheckGuessed: false, ports });
    assert.deepEqual([played.outcome.reason, files.get('math.js')], ['done', RIGHT]);
    assert.deepEqual(killed, ['slow']);
    assert.match(noticesOf(played), /did not come to its end, for which it has 180 s/);
    assert.equal(played.outcome.checkPassed, null);
  });

  /** The user says no to this run of the check; nothing else is asked. */
  const playDenied = async (
    which: number,
    task: string,
    answers = [block(RIGHT)],
    reason: string | null = null,
  ) => {
    const files: Files = new Map(Object.entries(project));
    const ports = memoryPorts(files, { run: addsUp });
    let asked = 0;
    ports.approval.ask = async ({ capability }: ApprovalRequest) =>
      capability === 'command' && ++asked === which ? { kind: 'deny', reason } : { kind: 'once' };
    const policy: AgentOptions['policy'] = () => ({ ...ALLOW_ALL.policy(), askEverything: true });
    return { ...(await play(answers, {}, {}, { ports, policy, task })), files };
  };

  it('that the user does not allow', async () => {
    const played = await playDenied(1, given.task);
    assert.deepEqual([played.outcome.reason, played.files.get('math.js')], ['done', RIGHT]);
    assert.match(noticesOf(played), /goes on without a check: `npm test` did not run\./);
    assert.deepEqual(played.outcome.commands, []);
  });

  it('that the user does not allow any more, and claims nothing of it', async () => {
    const { outcome, files } = await playDenied(2, 'Make add in math.js add.');
    assert.equal(files.get('math.js'), RIGHT);
    assert.deepEqual([outcome.text, outcome.checkPassed], ['Changed `math.js`.', null]);
  });

  it('that failed and was to pass, but then it is not done', async () => {
    const times = WRONG.replace('a - b', 'a * b');
    const { outcome, files } = await playDenied(2, 'Fix the failing test of add in math.js.', [
      'Multiply.',
      block(times),
    ]);
    assert.equal(files.get('math.js'), times, 'the user may go on with it');
    assert.deepEqual(
      [outcome.reason, outcome.text, outcome.checkPassed],
      ['unfinished', 'Changed `math.js`; whether `npm test` passes now is not known.', null],
    );
  });

  it('and with what the user says instead', async () => {
    const task = 'Make add in math.js add.';
    const words = 'Write sum beside it.';
    const first = await playDenied(1, task, [block(RIGHT)], words);
    assert.match(lastOf(first.prompts[0]), /js add\.\n\nI did not allow `npm test`\. Write sum beside it\./);
    const sum = `${WRONG}export const sum = (a, b) => a + b;\n`;
    const later = await playDenied(2, task, [block(RIGHT), block(sum)], words);
    assert.match(lastOf(later.prompts[1]), /I did not allow `npm test`\. Write sum beside it\./);
    assert.deepEqual([later.outcome.reason, later.files.get('math.js')], ['done', sum]);
    const same = await playDenied(2, task, [block(RIGHT), block(RIGHT)], 'It takes too long.');
    assert.deepEqual([same.outcome.reason, same.files.get('math.js')], ['done', RIGHT]);
  });
});
