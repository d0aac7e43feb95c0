/** What nobody sees in what is asked for: it is shown, warned of, and lets nothing run unasked. */
import assert from 'node:assert/strict';
import type { ApprovalRequest } from '../../../src/agent/ports.ts';
import { edit, setup } from './actions-support.ts';

describe('actions: hidden in edits', () => {
  it('show what is invisible in them, warn of what they add of it, and are asked for then', async () => {
    const { actions, seen } = setup({ files: { 'a.txt': 'a\u200b\n' }, policy: { autoApproveEdits: true } });
    await actions.edit('k', [edit('a.txt', 'a\u200b\n', 'b\u200b\n')]);
    assert.equal(seen.asked.length, 0);
    await actions.edit('k', [edit('a.txt', 'a\u200b\n', 'a\u200b // \u202e\u{e0041}\rx\n')]);
    const [request] = seen.asked;
    assert.match(request!.detail, /^-a<U\+200B>\n\+a<U\+200B> \/\/ <U\+202E><U\+E0041><U\+000D>x$/m);
    assert.deepEqual([request!.warning, request!.remember], ['a.txt: gets invisible characters', null]);
    // What is applied is what was asked for, not how it was shown.
    assert.deepEqual(seen.applied[1], [edit('a.txt', 'a\u200b\n', 'a\u200b // \u202e\u{e0041}\rx\n')]);
    const fine = ['\ufeffx', 'a\r\n', '👩‍💻 ❤️ 1\ufe0f\u20e3', '\u0645\u06cc\u200c\u062e\u0648'];
    for (const text of fine) await actions.edit('k', [{ kind: 'create', path: 'b.txt', text }]);
    assert.equal(seen.asked.length, 1);
  });

  it('of a new file whose name looks like another are asked for', async () => {
    const { actions, seen } = setup({ policy: { autoApproveEdits: true } });
    for (const path of [
      'p\u0430ckage.json',
      's\u0433c/a.ts',
      'привет.md',
      'URLов.md',
      'Δt.py',
      'café.md',
      'cafe\u0301.md',
      '\u00b5m.ts',
    ])
      await actions.edit('k', [{ kind: 'create', path, text: '' }]);
    assert.deepEqual(
      seen.asked.map(({ title }) => title),
      ['Create p\u0430ckage.json', 'Create s\u0433c/a.ts'],
    );
    for (const { warning } of seen.asked) assert.match(warning!, /letters that look like others/);
  });
});

describe('actions: hidden in commands', () => {
  it('that hide a second one from whoever reads them are asked for, whatever is remembered', async () => {
    const { actions, seen } = setup({
      policy: { commandRules: [{ cwd: '', words: ['npm', 'test'] }] },
      decide: () => ({ kind: 'deny', reason: null }),
    });
    const commands = [
      'echo hi\r#; rm -rf src',
      'npm test\r#; rm -rf src',
      'npm test\v#; rm -rf src',
      'echo \\\r\nrm -rf src',
      'echo $\\\n(rm -rf src)',
      'npm test; echo $\\\n(rm -rf src)',
    ];
    for (const command of commands) await actions.command('k', command, '', 1000);
    assert.deepEqual(
      seen.asked.map(({ detail }) => detail),
      commands.map(command => command.replace('\r', '<U+000D>').replace('\v', '<U+000B>')),
    );
    assert.deepEqual(seen.ran, []);
    for (const { warning, remember } of seen.asked) assert.ok(warning && remember === null);
  });

  it('show what is invisible in them, also in the warning', async () => {
    const { actions, seen } = setup();
    await actions.command('k', 'cat a\u200b\u202e; > \x1b[2K.vscode/x', '', 1000);
    const [{ detail, command, warning }] = seen.asked as [ApprovalRequest];
    assert.equal(command, seen.ran[0]!.command);
    assert.equal(detail, 'cat a<U+200B><U+202E>; > <U+001B>[2K.vscode/x');
    assert.match(warning!, /invisible characters/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    assert.doesNotMatch(warning!, /[\x00-\x1f]/);
    assert.equal(seen.ran[0]!.command, 'cat a\u200b\u202e; > \x1b[2K.vscode/x');
  });
});
