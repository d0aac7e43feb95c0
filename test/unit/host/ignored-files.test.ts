import '../../support/vscode.ts';

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { IgnoredFiles } from '../../../src/host/ignored-files.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { editor, Uri } from '../../support/vscode.ts';

describe('host/ignored-files', () => {
  /** What of the paths is ignored in a workspace of the folders. */
  const check = (folders: string[], expected: Record<string, boolean>) =>
    it(`by the rules of the folder that a file is in: ${folders.join(', ')}`, async () => {
      const base = tempFolder({ 'web/.gitignore': 'lib/\n', 'api/.gitignore': '*.gen.ts\n' });
      editor.reset();
      editor.folders = folders.map(folder => join(base, folder));
      editor.settings = { 'files.exclude': { '**/*.tmp': true, '**/*.ts': false } };
      const ignored = new IgnoredFiles();
      for (const [path, isIgnored] of Object.entries(expected))
        assert.equal(await ignored.has(Uri.file(join(base, path)) as never), isIgnored, path);
      ignored.dispose();
    });
  check(['web', 'api'], {
    'web/lib/a.ts': true,
    'api/lib/a.ts': false,
    'api/a.gen.ts': true,
    'web/a.gen.ts': false,
    'api/a.tmp': true,
    'elsewhere/a.tmp': false,
    'web/a.ts': false,
  });
  check(['web', 'webby'], { 'webby/lib/a.ts': false });
  check(['web', 'web/inner'], { 'web/inner/lib/a.ts': true });
});
