/** The project's own check: when the loop runs it, and what it makes of a failure. */
import assert from 'node:assert/strict';
import { runNative } from '../../../src/agent/native.ts';
import { call, done, promptsOf } from '../../support/scripted-model.ts';
import { bench } from './support.ts';

const fix = (old_text: string, new_text: string) => call('edit_file', { path: 'a', old_text, new_text });
const read = (path: string) => call('read_file', { path });
const run = (command: string) => call('run_command', { command });

describe('the check of the project', () => {
  const changed = { kind: 'edit', addedLines: 1, removedLines: 1 } as const;

  it('is run by the host when the model did not, and its failure given back', async () => {
    let fails = true;
    const commands: Record<string, [number, string]> = { check: [1, 'expected 3'] };
    const model = (_: unknown, turn: number) => {
      if (turn === 0) return fix('1', '2');
      if (turn === 1) return done('fixed');
      if (turn === 2) {
        fails = false;
        commands.check = [0, 'ok'];
        return fix('2', '3');
      }
      return done('really fixed');
    };
    const task = bench(model, { a: '1' }, { checkCommand: 'check' }, commands);
    const outcome = await task.run();
    assert.equal(fails, false);
    assert.deepEqual([outcome.reason, outcome.text, outcome.checkPassed], ['done', 'really fixed', true]);
    assert.ok(
      outcome.history.some(
        ({ role, content }) => role === 'user' && /expected 3[\s\S]*check fails/.test(content),
      ),
    );
  });

  /** A model that edits and says that it is done, by turns, as often as it is asked. */
  const insists = (options: Parameters<typeof bench>[2], commands: Parameters<typeof bench>[3]) =>
    bench(
      (_, turn) => (turn % 2 === 0 ? fix(`${turn}`, `${turn + 2}`) : done(`${turn}`)),
      { a: '0' },
      options,
      commands,
    );
  const runsOf = ({ actions }: { actions: string[] }) =>
    actions.filter(action => action.startsWith('run ')).length;

  it('is not run when nothing was changed, and given up when it fails in the same way again, or the third time', async () => {
    const idle = bench([done()], {}, { checkCommand: 'check' });
    assert.equal((await idle.run()).checkPassed, null);
    let seconds = 0;
    const same = insists(
      { checkCommand: 'check' },
      {
        get check(): [number, string] {
          return [1, `no (${++seconds}.5 s)`];
        },
      },
    );
    const outcome = await same.run();
    assert.deepEqual([outcome.reason, outcome.text, outcome.checkPassed], ['done', '3', false]);
    assert.equal(runsOf(same), 2);
    assert.match(
      outcome.history.findLast(({ role }) => role === 'user')!.content,
      /failed before your changes.* say so and call task_done\.$/,
    );
    const other = insists(
      { checkCommand: 'check' },
      {
        get check(): [number, string] {
          return [1, `no ${++seconds}`];
        },
      },
    );
    await other.run();
    assert.equal(runsOf(other), 3);
  });

  it('does not overrule the model where it was guessed: a failure is told once', async () => {
    let count = 0;
    const guessed = { checkCommand: 'check', isCheckGuessed: true };
    const task = insists(guessed, {
      get check(): [number, string] {
        return [1, `no ${++count}`];
      },
    });
    const { history, text } = await task.run();
    assert.deepEqual([runsOf(task), text], [2, '3']);
    const told = history.filter(({ role, content }) => role === 'user' && content.includes('check fails'));
    assert.equal(told.length, 1);
    assert.doesNotMatch(told[0]!.content, /not done yet/);
  });

  it('is none where it was guessed and can not run, which the user is told', async () => {
    const task = insists({ checkCommand: 'check', isCheckGuessed: true }, {});
    const outcome = await task.run();
    assert.deepEqual([outcome.reason, outcome.text, outcome.checkPassed], ['done', '1', null]);
    const notices = task.events.flatMap(event => (event.type === 'notice' ? [event.text] : []));
    assert.match(notices.join(), /`check` can not run here/);
    const named = insists({ checkCommand: 'check' }, {});
    assert.equal((await named.run()).checkPassed, false);
  });

  it('runs where the project is, has ten minutes, and is ended then; a command has what the user has set', async () => {
    const asked: unknown[] = [];
    const killed: string[] = [];
    const check = { checkCommand: 'check', checkFolder: 'packages/a', commandTimeoutMs: 5000 };
    const { options } = bench([run('check'), fix('1', '2'), done('2')], { a: '1' }, check);
    options.ports.terminal.kill = async id => void killed.push(id);
    const result = { text: '', summary: '', changes: [], runningId: null };
    const outcome = await runNative(options, () => ({
      edit: async () => ({ ...result, ok: true, exitCode: null, changes: [{ ...changed, path: 'a' }] }),
      command: async (_id, command, cwd, timeoutMs) => {
        asked.push([command, cwd, timeoutMs]);
        if (asked.length === 1) return { ...result, ok: true, exitCode: 0 };
        return { ...result, ok: true, exitCode: null, runningId: 'c2' };
      },
      takeBack: () => assert.fail(),
      mcp: () => assert.fail(),
    }));
    assert.deepEqual(asked, [
      ['check', '.', 5000],
      ['check', 'packages/a', 600_000],
    ]);
    assert.deepEqual(killed, ['c2']);
    assert.equal(outcome.checkPassed, null, 'the same command elsewhere is another check');
    assert.match(outcome.history[1]!.content, /checked with: check in packages\/a/);
  });

  it('that the user denies with a word is not asked for again, and the model reads the word', async () => {
    const { options, backend } = bench(
      [fix('1', '2'), done('1'), done('2')],
      { a: '1' },
      { checkCommand: 'check' },
    );
    const denied = { ok: false, text: '', summary: '', changes: [], exitCode: null, runningId: null };
    let asked = 0;
    const { text } = await runNative(options, () => ({
      edit: async () => ({ ...denied, ok: true, changes: [{ ...changed, path: 'a' }] }),
      command: async () => ({ ...denied, denial: { reason: `Let it be 3. ${++asked}` } }),
      takeBack: () => assert.fail(),
      mcp: () => assert.fail(),
    }));
    assert.equal(text, '2');
    assert.equal(promptsOf(backend).at(-1)!.at(-1)!.content, 'I did not allow `check`. Let it be 3. 1');
  });
});

describe('a check that the model was told to fail', () => {
  it('is not run again after a failure before something was done that could let it pass', async () => {
    const between: [string[], runs: number][] = [
      [[], 1],
      [[read('a'), read('b')], 1],
      // Its own run is the second.
      [[run('check')], 2],
      [[run('install')], 3],
      [[call('ask_user', { question: 'Is it installed?' })], 2],
      [[fix('2', '3')], 2],
    ];
    for (const [calls, runs] of between) {
      const commands: Parameters<typeof bench>[3] = { check: [1, 'no'], install: [0, ''] };
      const task = bench(
        [fix('1', '2'), done('1'), ...calls, done('2')],
        { a: '1' },
        { checkCommand: 'check' },
        commands,
      );
      const outcome = await task.run();
      assert.deepEqual([outcome.reason, outcome.text, outcome.checkPassed], ['done', '2', false]);
      assert.equal(task.actions.filter(action => action.startsWith('run ')).length, runs, calls.join());
    }
  });
});
