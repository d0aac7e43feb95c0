import '../../../support/vscode.ts';

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { completionCommands } from '../../../../src/host/commands/completion-commands.ts';
import { updateSetting } from '../../../../src/host/settings.ts';
import { tempFolder } from '../../../support/temp-folder.ts';
import { editor } from '../../../support/vscode.ts';

const ENABLED = 'moebius.completion.enabled';
const LANGUAGES = 'moebius.completion.languages';

describe('host/commands/completion', () => {
  beforeEach(() => editor.reset());
  const run = (command: string) =>
    (completionCommands as (...parts: unknown[]) => Record<string, () => Promise<void>>)()[
      `moebius.completion.${command}`
    ]!();

  it('turns completions over where they are set: with the user', async () => {
    await run('toggle');
    assert.deepEqual([editor.settings, editor.workspaceSettings], [{ [ENABLED]: false }, {}]);
    await run('toggle');
    assert.deepEqual(editor.settings, { [ENABLED]: true });
  });

  it('or in the workspace, which has the last word', async () => {
    editor.settings = { [ENABLED]: true };
    editor.workspaceSettings = { [ENABLED]: false };
    await run('toggle');
    assert.deepEqual([editor.settings[ENABLED], editor.workspaceSettings[ENABLED]], [true, true]);
  });

  it('leaves a setting that the workspace does not have to the user', async () => {
    editor.workspaceSettings = { [ENABLED]: false };
    await updateSetting('chat.level', 'fast');
    assert.deepEqual(editor.settings, { 'moebius.chat.level': 'fast' });
  });

  it('says that a file is needed where none is open', async () => {
    for (const command of ['toggleLanguage', 'trigger'])
      await assert.rejects(run(command), { code: 'bad-request', message: 'Open a file first.' });
  });

  it('turns a language over, and carries no other from one place to the other', async () => {
    editor.open(join(tempFolder({ 'a.txt': '' }), 'a.txt'));
    editor.settings = { [LANGUAGES]: { '*': true, markdown: true } };
    editor.workspaceSettings = { [LANGUAGES]: { plaintext: false } };
    await run('toggleLanguage');
    assert.deepEqual(editor.settings[LANGUAGES], { '*': true, markdown: true });
    assert.deepEqual(editor.workspaceSettings[LANGUAGES], { plaintext: true });
    editor.workspaceSettings = {};
    await run('toggleLanguage');
    assert.deepEqual(editor.settings[LANGUAGES], { '*': true, markdown: true, plaintext: false });
    assert.deepEqual(editor.workspaceSettings, {});
  });
});
