import assert from 'node:assert/strict';
import { applyPatch } from '../../../../src/agent/edits/apply-patch.ts';
import { applyLazy } from '../../../../src/agent/edits/lazy.ts';
import { applyReplacements } from '../../../../src/agent/edits/lines.ts';
import type { FileChange } from '../../../../src/agent/ports.ts';

const patchOf = (...lines: string[]): string => ['*** Begin Patch', ...lines, '*** End Patch'].join('\n');
const apply = (patch: string, files: Record<string, string>) =>
  applyPatch(patch, async path =>
    files[path] === undefined ? null : { path, text: files[path], version: 'v1' },
  );
const after = (text: string, change: FileChange): string =>
  change.kind === 'edit' ? applyReplacements(text, change.replacements) : '';

describe('patches: files', () => {
  it('adds, deletes, updates and moves', async () => {
    const result = await apply(
      patchOf(
        '*** Add File: n.txt',
        '+one',
        '+',
        '+two',
        '*** Delete File: d.txt',
        '*** Update File: a.txt',
        '*** Move to: b.txt',
        '@@',
        '-x',
        '+y',
      ),
      { 'd.txt': 'd', 'a.txt': 'x\n' },
    );
    assert.deepEqual(result, {
      ok: true,
      changes: [
        { kind: 'create', path: 'n.txt', text: 'one\n\ntwo\n' },
        { kind: 'delete', path: 'd.txt', version: 'v1' },
        { kind: 'delete', path: 'a.txt', version: 'v1' },
        { kind: 'create', path: 'b.txt', text: 'y\n' },
      ],
    });
  });

  const refused: [string, string, RegExp][] = [
    ['no patch', 'hello', /begins with "\*\*\* Begin Patch"/],
    ['no file', patchOf('@@', '-x'), /belongs to no file/],
    ['an empty one', patchOf(), /names no file/],
    ['nothing changed', patchOf('*** Update File: a.txt', '@@', ' x'), /changes nothing in a\.txt/],
    ['an added file that exists', patchOf('*** Add File: a.txt', '+x'), /exists already/],
    ['a missing file', patchOf('*** Update File: z.txt', '@@', '-x', '+y'), /z\.txt does not exist/],
    [
      'a hunk with no place',
      patchOf('*** Update File: a.txt', '@@', '-q', '+y'),
      /a\.txt: Hunk 1 of 1: .*Nothing was changed/s,
    ],
    [
      'a second hunk with no place',
      patchOf('*** Update File: a.txt', '@@', '-x', '+y', '@@', '-q'),
      /Hunk 2 of 2/,
    ],
    [
      'hunks on the same lines',
      patchOf('*** Update File: a.txt', '@@', '-x', '+y', '@@', '-x', '+z'),
      /same lines|Hunk 2/,
    ],
  ];
  for (const [what, patch, message] of refused) {
    it(`refuses ${what}`, async () => {
      const result = await apply(patch, { 'a.txt': 'x\n' });
      assert.ok(!result.ok);
      assert.match(result.message, message);
    });
  }
});

describe('patches: hunks', () => {
  const check = (what: string, file: string, hunk: string[], expected: string | null) =>
    it(what, async () => {
      const result = await apply(patchOf('*** Update File: a.txt', ...hunk), { 'a.txt': file });
      if (expected === null) assert.ok(!result.ok);
      else {
        assert.ok(result.ok, result.ok ? '' : result.message);
        assert.equal(after(file, result.changes[0]!), expected);
      }
    });
  const twice = 'def a():\n    x\ndef b():\n    x\n';
  check(
    'the header says which',
    twice,
    ['@@ def b():', '-    x', '+    y'],
    'def a():\n    x\ndef b():\n    y\n',
  );
  check(
    'nested headers',
    `class A\n${twice}class B\n${twice}`,
    ['@@ class B', '@@ def b():', '-    x', '+    y'],
    `class A\n${twice}class B\ndef a():\n    x\ndef b():\n    y\n`,
  );
  check(
    'a header that is not there does not make it a guess',
    twice,
    ['@@ def c():', '-    x', '+    y'],
    null,
  );
  check(
    'the order of hunks says which',
    twice,
    ['@@', '-    x', '+    1', '@@', '-    x', '+    2'],
    'def a():\n    1\ndef b():\n    2\n',
  );
  check('numbers of another form of patch', 'a\nb\n', ['@@ -1,2 +1,2 @@', ' a', '-b', '+c'], 'a\nc\n');
  check('lines added after a header', 'a\nb\n', ['@@ a', '+x'], 'a\nx\nb\n');
  check('lines added at the end', 'a\nb\n', ['@@', '+c', '*** End of File'], 'a\nb\nc\n');
  const blocks = 'a {\n}\nb {\n}\n';
  check(
    'a line at the end that stands elsewhere too',
    blocks,
    ['@@', ' }', '+', '+c', '*** End of File'],
    `${blocks}\nc\n`,
  );
  check(
    'the same between blank lines of the patch',
    blocks,
    ['@@', ' ', ' }', '+c', ' ', '*** End of File'],
    `${blocks}c\n`,
  );
  check(
    'an end that is not the end of the file',
    'a\nb\nc\n',
    ['@@', ' a', '+x', '*** End of File'],
    'a\nx\nb\nc\n',
  );
  check('the line ends of the file', 'a\r\nb\r\n', ['@@', ' a', '-b', '+c', '+d'], 'a\r\nc\r\nd\r\n');
  check('no line end at the end', 'a\nb', ['@@', '-b', '+c'], 'a\nc');
  check('context without its space', 'if x:\n\ta\n\tb\n', ['@@', 'if x:', '-\ta', '\tb'], 'if x:\n\tb\n');
  check(
    'another indentation, in one place',
    '      a\n      b\n',
    ['@@', '-  a', '+  A', '   b'],
    '      A\n      b\n'.replace('   b', '   b'),
  );
  check('another indentation, in two places', '  a\n    a\n', ['@@', '-a', '+b'], null);
});

describe('answers that leave parts out', () => {
  const file =
    'import a from "a";\n\n// First.\nfunction one() {\n  return 1;\n}\n\nfunction two() {\n  return 2;\n}\n\nfunction three() {\n  return 3;\n}\n';
  const check = (what: string, answer: string, expected: string | null, original = file) =>
    it(what, () => {
      const result = applyLazy(original, answer);
      if (expected === null) assert.ok(!result.ok && result.message);
      else {
        assert.ok(result.ok, result.ok ? '' : result.message);
        assert.equal(applyReplacements(original, result.replacements), expected);
      }
    });
  check('one function changed', 'function two() {\n  return 22;\n}', file.replace('return 2;', 'return 22;'));
  check(
    'its comment stays',
    '// ...\nfunction one() {\n  return 11;\n}\n// ...',
    file.replace('return 1;', 'return 11;'),
  );
  check(
    'a new one between two',
    '// ... existing code ...\nfunction two() {\n  return 2;\n}\n\nfunction new2() {\n  return 0;\n}\n\n// ... existing code ...',
    file.replace('function three', 'function new2() {\n  return 0;\n}\n\nfunction three'),
  );
  check(
    'a new one at the end',
    '// ... existing code ...\n\nfunction four() {\n  return 4;\n}',
    `${file}\nfunction four() {\n  return 4;\n}\n`,
  );
  check(
    'part of a function',
    'function two() {\n  const x = 1;\n  // ... existing code ...\n}',
    file.replace('  return 2;', '  const x = 1;\n  return 2;'),
  );
  check(
    'Windows line ends',
    'function two() {\n  return 22;\n}',
    file.replace('return 2;', 'return 22;').replaceAll('\n', '\r\n'),
    file.replaceAll('\n', '\r\n'),
  );
  const python = 'import x\n\ndef a():\n    pass\n\ndef b():\n    y = 1\n    return y\n';
  check(
    'Python',
    '# ... rest of the file ...\n\ndef b():\n    # ... existing code ...\n    log(y)',
    `${python}    log(y)\n`,
    python,
  );
  check(
    'a changed line that could be a new one',
    'def b():\n    # ... existing code ...\n    return y + 1',
    null,
    python,
  );
  check('new lines between two parts left out', '// ...\nfunction x() {}\n// ...', null);
  check('a new function and no word where', 'function x() {\n  return 0;\n}', null);
  check('another order', '// ...\nfunction two() {}\nfunction one() {}\n// ...', null);
  check('most of the file forgotten', 'import a from "a";\n// ...\nfunction one() {\n  return 1;\n}', null);
  check('a part left out of something new', '// ...\nfunction x() {\n  // ... existing code ...\n}', null);
  check(
    'two places with the same name',
    'go() {\n  return 1;\n}',
    null,
    'class A {\n  go() {\n    return 0;\n  }\n}\nclass B {\n  go() {\n    return 0;\n  }\n}\n',
  );
  check('no change', 'function two() {\n  return 2;\n}', null);
  check('no code', '// ... existing code ...', null);
});
