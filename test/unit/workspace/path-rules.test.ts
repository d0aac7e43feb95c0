import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PathRules } from '../../../src/workspace/path-rules.ts';
import { tempFolder } from '../../support/temp-folder.ts';

describe('workspace/path-rules', () => {
  const check = async (rules: PathRules, expected: Record<string, boolean>) => {
    for (const [path, isIgnored] of Object.entries(expected))
      assert.equal(await rules.isIgnored(path), isIgnored, path);
  };

  it('follows the .gitignore of every folder on the way, the nearest first', async () => {
    const root = tempFolder({
      '.gitignore': 'local/\n*.log\n/only-here.ts\n',
      'app/.gitignore': '!keep.log\nprivate.ts\n',
      '.git/info/exclude': 'mine.ts\n',
    });
    await check(new PathRules(root, []), {
      'a.ts': false,
      'local/deep/a.ts': true,
      'app/x.log': true,
      'app/keep.log': false,
      'app/src/private.ts': true,
      'private.ts': false,
      'only-here.ts': true,
      'app/only-here.ts': false,
      'mine.ts': true,
      'node_modules/a/index.js': true,
      'node_modules/a/': true,
      'local/': true,
      'app/src/': false,
    });
  });

  it('leaves out what globs name, and all below a folder that they name', async () => {
    await check(new PathRules(tempFolder(), ['**/generated', 'old/*.ts']), {
      'src/generated/api.ts': true,
      'src/generated.ts': false,
      'old/a.ts': true,
      'old/deep/a.ts': false,
    });
  });

  it('says nothing about what is not in the folder', async () => {
    await check(new PathRules(tempFolder({ '.gitignore': '*\n' }), []), {
      '../other/a.ts': false,
      '/usr/lib/a.py': false,
      'a.ts': true,
    });
  });

  it('reads changed rules after it was told to', async () => {
    const root = tempFolder({ '.gitignore': 'a.ts\n' });
    const rules = new PathRules(root, []);
    await check(rules, { 'a.ts': true });
    writeFileSync(join(root, '.gitignore'), 'b.ts\n');
    await check(rules, { 'b.ts': false });
    rules.forget();
    await check(rules, { 'a.ts': false, 'b.ts': true });
  });
});
