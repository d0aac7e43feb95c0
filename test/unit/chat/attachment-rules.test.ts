import assert from 'node:assert/strict';
import {
  capText,
  decodeText,
  MAX_FILE_BYTES,
  secretReason,
} from '../../../src/host/chat/attachment-rules.ts';
import { folderText } from '../../../src/host/chat/folder-text.ts';
import { mentionsOf } from '../../../src/host/chat/mentions.ts';
import { isInside } from '../../../src/host/chat/path-containment.ts';
import { pathGlob } from '../../../src/host/chat/path-glob.ts';
import { type Problem, problemsText } from '../../../src/host/chat/problems-text.ts';
import { foldersOf, rankPaths } from '../../../src/host/chat/rank-paths.ts';
import { tokensOf } from './support.ts';

describe('attachments', () => {
  describe('what looks like a secret', () => {
    const check = (name: string, text: string, expected: boolean) =>
      it(`${name} ${text.slice(0, 24)}: ${expected}`, () =>
        assert.equal(secretReason(name, text) !== null, expected));
    for (const name of [
      '.env',
      '.env.local',
      'prod.env',
      'id_rsa',
      'server.PEM',
      'a.key',
      '.npmrc',
      'credentials',
    ]) {
      check(name, '', true);
    }
    for (const name of ['.env.example', 'environment.ts', 'key.ts', 'keys.md', 'monkey', 'id_rsa.pub.md']) {
      check(name, '', false);
    }
    check('a.txt', '-----BEGIN OPENSSH PRIVATE KEY-----', true);
    check('a.ts', `const key = 'AKIA${'A'.repeat(16)}'`, true);
    check('a.ts', `token: ghp_${'a'.repeat(36)}`, true);
    check('a.ts', 'const publicKey = readKey()', false);
  });

  describe('what is text', () => {
    it('reads UTF-8, with and without BOM', () => {
      assert.equal(decodeText('a', new TextEncoder().encode('héllo')), 'héllo');
      assert.equal(decodeText('a', Uint8Array.of(0xef, 0xbb, 0xbf, 0x61)), 'a');
    });
    const refuses = (what: string, bytes: Uint8Array, message: RegExp) =>
      it(`refuses ${what}`, () =>
        assert.throws(() => decodeText('x.bin', bytes), { code: 'unsupported', message }));
    refuses('zero bytes', Uint8Array.of(0x61, 0, 0x62), /x\.bin is a binary file/);
    refuses('UTF-16', Uint8Array.of(0xff, 0xfe, 0x61, 0x00), /binary/);
    refuses('Latin-1', Uint8Array.of(0x68, 0xe9), /not UTF-8/);
    refuses('more than 2 MB', new Uint8Array(MAX_FILE_BYTES + 1).fill(0x61), /too large.*2\.0 MB/);
  });

  describe('a budget of tokens', () => {
    const lines = Array.from({ length: 100 }, (_, index) => `line number ${index}`).join('\n');
    const count = async (text: string) => tokensOf(text);

    it('keeps what fits', async () => {
      assert.deepEqual(await capText('short', 10, count), { text: 'short', tokens: 2, cut: null });
    });
    it('keeps whole lines from the start, and says how many', async () => {
      const capped = await capText(lines, 100, count);
      assert.ok(lines.startsWith(`${capped.text}\n`), 'whole lines');
      assert.ok(capped.tokens! <= 100 && capped.tokens! > 80, `${capped.tokens} tokens`);
      assert.equal(capped.cut, `only the first ${capped.text.split('\n').length} of 100 lines`);
    });
    it('cuts inside a single long line', async () => {
      const capped = await capText('x'.repeat(10_000), 100, count);
      assert.ok(capped.text.length > 300 && capped.text.length <= 400);
      assert.match(capped.cut!, /of 10,000 characters/);
    });
    it('estimates without a model', async () => {
      const capped = await capText(lines, 100, async () => null);
      assert.equal(capped.tokens, null);
      assert.ok(capped.text.length <= 300 && capped.text.length > 200, String(capped.text.length));
    });
  });

  it('containment compares folders, not strings', () => {
    const check = (folder: string, path: string, expected: boolean) =>
      assert.equal(isInside(folder, path), expected);
    check('/a/b', '/a/b/c.ts', true);
    check('/a/b', '/a/b', true);
    check('/a/b', '/a/bc/d.ts', false);
    check('/a/b', '/a/b/../c', false);
    check('/a/b', '/a/b/..c', true);
    check('/', '/etc/passwd', true);
  });

  it('finds mentions in prose, not in code or addresses', () => {
    const check = (text: string, expected: string[]) =>
      assert.deepEqual(
        mentionsOf(text).map(mention => (mention.kind === 'file' ? mention.path : `@${mention.kind}`)),
        expected,
      );
    check('explain @selection and @problems', ['@selection', '@problems']);
    check('see @src/a.ts, @src/a.ts.', ['src/a.ts']);
    check('me@example.com `@selection` ```\n@problems\n```', []);
    check('@Injectable() class, @types/node', ['types/node']);
    check('(@README.md)', ['README.md']);
    check('#selection of #src/a.ts, a.md#top.x and # Title', ['@selection', 'src/a.ts']);
    check('@größe.ts, @app/[slug]/[[...rest]]/page.tsx.', ['größe.ts', 'app/[slug]/[[...rest]]/page.tsx']);
    check('(see @(group)/a.ts) @$lib/b.ts; @src/(a)/+page.ts:12', [
      '(group)/a.ts',
      '$lib/b.ts',
      'src/(a)/+page.ts',
    ]);
    check('@a.ts(), [@b.ts](c.md), "@c.ts" and @d.ts\'s', ['a.ts', 'b.ts', 'c.ts', 'd.ts']);
    check('说明@src/a.ts的代码 @docs/中文.md', ['src/a.ts的代码', 'src/a.ts', 'docs/中文.md']);
    assert.deepEqual(mentionsOf('@problems in @b.ts and @a.ts', 'see @b.ts, @problems'), [
      { kind: 'file', path: 'a.ts' },
    ]);
  });

  it('asks for the paths that hold a query, whatever its case, and for its signs as they stand', () => {
    assert.equal(pathGlob('aB-1'), '**/*[aA][bB]-1*');
    assert.equal(pathGlob('a/[ö]*'), '**/*[aA]/[[]ö[]][*]*');
  });

  it('knows the folders of files, at any depth', () => {
    assert.deepEqual(foldersOf(['src/a/b.ts', 'src/c.ts', 'd.ts']), ['src', 'src/a']);
  });

  it('writes a folder as the list of its files, then their texts', () => {
    const files = [{ path: 'src/a.ts', text: 'let a;\n' }];
    assert.equal(
      folderText(['src/a.ts', 'src/a.ts', 'src/b/c.ts'], files),
      'src/a.ts\nsrc/b/c.ts\n\n--- src/a.ts\nlet a;',
    );
    const many = Array.from({ length: 201 }, (_, index) => `src/${index}.ts`);
    const lines = folderText(many, []).split('\n');
    assert.deepEqual([lines.length, lines.at(-1)], [201, '(and more: only 200 files are listed)']);
  });

  it('ranks paths by where the letters fall', () => {
    const paths = ['src/cache/index.ts', 'src/prefix-cache.ts', 'docs/cache.md', 'test/a.ts'];
    assert.deepEqual(rankPaths('cache', paths, 9), [
      'docs/cache.md',
      'src/prefix-cache.ts',
      'src/cache/index.ts',
    ]);
    assert.deepEqual(rankPaths('pfc', paths, 9), ['src/prefix-cache.ts']);
    assert.deepEqual(rankPaths('', paths, 2).length, 2);
    assert.deepEqual(rankPaths('zzz', paths, 9), []);
  });

  it('lists errors before warnings, the active file first', () => {
    const problem = (path: string, severity: number, isActive = false): Problem => {
      return { path, severity, isActive, line: 1, column: 2, message: 'bad\n  thing', source: 'ts' };
    };
    assert.equal(
      problemsText([problem('b.ts', 1), problem('b.ts', 0), problem('c.ts', 3), problem('a.ts', 1, true)]),
      [
        'a.ts:1:2 warning: bad thing (ts)',
        'b.ts:1:2 error: bad thing (ts)',
        'b.ts:1:2 warning: bad thing (ts)',
      ].join('\n'),
    );
    assert.match(problemsText(Array.from({ length: 70 }, () => problem('a', 0))), /and 10 more$/);
  });
});
