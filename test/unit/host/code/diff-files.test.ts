import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestDiff } from '../../../../src/host/code/diff-digest.ts';
import { diffFiles } from '../../../../src/host/code/diff-files.ts';
import { stagedFiles } from '../../../../src/host/code/staged-files.ts';
import { tempFolder } from '../../../support/temp-folder.ts';

const pathsOf = (...lines: string[]) => diffFiles(lines.join('\n')).map(({ path }) => path);

describe('host/code/diff-files', () => {
  const check = (header: string, path: string) =>
    it(header, () => assert.deepEqual(pathsOf(`diff --git ${header}`), [path]));
  check('a/src/a.ts b/src/a.ts', 'src/a.ts');
  check('a/a b/c.ts b/a b/c.ts', 'a b/c.ts');
  check('"a/\\303\\244.ts" "b/\\303\\244.ts"', 'ä.ts');
  check('a/ä.ts b/ä.ts', 'ä.ts');
  check('"a/ä\\t\\"\\\\.ts" "b/ä\\t\\"\\\\.ts"', 'ä\t"\\.ts');
  check('i/a.ts w/a.ts', 'a.ts');
  check('c/c/a.ts i/c/a.ts', 'c/a.ts');
  check('src/a.ts src/a.ts', 'src/a.ts');
  check('a/x.ts a/x.ts', 'a/x.ts');
  check('old/a.ts new/a.ts', 'a.ts');

  it('names a file that was moved as it is called now', () => {
    const moved = [
      'diff --git "a/\\303\\244.ts" b/b.ts',
      'similarity index 100%',
      'rename from "\\303\\244.ts"',
    ];
    assert.deepEqual(pathsOf(...moved, 'rename to b.ts'), ['b.ts']);
    assert.deepEqual(pathsOf(...moved, 'rename to "\\303\\266.ts"'), ['ö.ts']);
  });

  it('takes the changes of both branches, and no line of a file for a header', () => {
    const diff = [
      'diff --cc a b.ts',
      '@@@ -1,1 -1,1 +1,2 @@@',
      '++x',
      'diff --git a/b.ts b/b.ts',
      '--- a/b.ts',
      '+++ b/b.ts',
      '@@ -1 +1 @@',
      '-diff --git a/no b/no',
      '+diff --git a/no b/no',
    ];
    assert.deepEqual(pathsOf(...diff), ['a b.ts', 'b.ts']);
    assert.equal(diffFiles(diff.join('\n'))[1]!.hunks.length, 3);
  });

  const settings = [
    [],
    ['core.quotePath=false'],
    ['diff.mnemonicPrefix=true'],
    ['diff.noprefix=true'],
    ['diff.noprefix=true', 'core.quotePath=false'],
  ];
  for (const setting of settings) {
    it(`reads what git prints with ${setting.join(' and ') || 'its own settings'}`, function () {
      this.timeout(20_000);
      const root = tempFolder({
        'ä b.ts': 'one\n',
        'b/b.ts': 'one\n',
        'old.ts': 'one\ntwo\n',
        'gone.ts': 'else\n',
      });
      const git = (...args: string[]) =>
        execFileSync(
          'git',
          ['-c', 'user.name=n', '-c', 'user.email=e', '-c', 'commit.gpgSign=false', ...args],
          {
            cwd: root,
            encoding: 'utf8',
          },
        );
      git('init', '-q');
      git('add', '.');
      git('commit', '-qm', 'x');
      for (const path of ['ä b.ts', 'b/b.ts', 'neu ö.ts']) writeFileSync(join(root, path), 'one\nnew\n');
      renameSync(join(root, 'old.ts'), join(root, 'ü.ts'));
      rmSync(join(root, 'gone.ts'));
      git('add', '.');
      const diff = git(...setting.flatMap(one => ['-c', one]), 'diff', '--cached');
      const names = [...digestDiff(diff, 5000).matchAll(/^file (.*)$/gm)].map(match => match[1]!);
      assert.deepEqual(names.sort(), ['b/b.ts', 'gone.ts', 'neu ö.ts', 'ä b.ts', 'ü.ts'].sort());
      assert.deepEqual(
        stagedFiles(diff)
          .map(({ path }) => path)
          .sort(),
        ['b/b.ts', 'neu ö.ts', 'ä b.ts'].sort(),
      );
    });
  }
});
