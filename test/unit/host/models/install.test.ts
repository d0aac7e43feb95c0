/** What the editor asks the command line for, with a command that says what it was given. */
import '../../../support/vscode.ts';
import assert from 'node:assert/strict';
import { installModel } from '../../../../src/host/models/install.ts';
import { tempFolder } from '../../../support/temp-folder.ts';

const ECHO = `console.log(JSON.stringify({ done: true, model: process.argv.slice(2).join(' ') }))`;

describe('host/install', () => {
  it('adds a model in the form that was advised, and leaves the choice where nothing was', async () => {
    const extensionPath = tempFolder({ 'dist/cli.js': ECHO });
    const add = (variant: 'int8' | null) =>
      installModel({ extensionPath, home: extensionPath, source: 'm', variant, name: 'M' });
    assert.equal(await add('int8'), 'model add m --json-progress --variant int8');
    assert.equal(await add(null), 'model add m --json-progress');
  });
});
