/** Where each function of a stub is begun for the model. */
import assert from 'node:assert/strict';
import { begun, headsOf, isWritten, markOf, signatureOf } from '../../../../src/agent/guided/heads.ts';

const PYTHON = `import re

class A:
    def one(self):
        pass

    @property
    def two(self):
        pass


def three(x):
    pass
`;

it('guided: heads are where functions begin, with what is above them', () => {
  assert.deepEqual(headsOf(PYTHON), [
    { name: 'one', before: 'import re\n\nclass A:\n', line: '    def one(self):' },
    { name: 'two', before: '\n    @property\n', line: '    def two(self):' },
    { name: 'three', before: '\n\n', line: 'def three(x):' },
  ]);
  const arrow = 'const f = x => {\n  return 1;\n};\n';
  assert.equal(markOf(headsOf(arrow)[0]!), 'const f = x => {');
  assert.equal(markOf(headsOf(PYTHON)[2]!), 'def three(');
  const signatures = [...headsOf(arrow), ...headsOf(PYTHON)].map(signatureOf);
  assert.deepEqual(signatures, ['const f = x', 'def one(self)', 'def two(self)', 'def three(x)']);
});

it('guided: the next head follows what was written, with what stands between the two', () => {
  const [one, two, three] = headsOf(PYTHON);
  const start = begun('', null, one!);
  assert.equal(start, 'import re\n\nclass A:\n    def one');
  const written = `${start}(self):\n        return 1\n`;
  const second = begun(written, one!, two!);
  assert.equal(second, `${written}\n    @property\n    def two`);
  assert.equal(
    begun(`${written}\n    @property`, one!, two!),
    second,
    'what the model wrote of it is not repeated',
  );
  assert.equal(
    begun(`${second}(self):\n        return 2\n`, two!, three!),
    `${second}(self):\n        return 2\n\n\ndef three`,
  );
});

it('guided: what closes a class too early is taken away, what closes it in time stays', () => {
  const file =
    'class A {\n  a() {\n    1;\n  }\n  b() {\n    1;\n  }\n}\n\nclass B {\n  c() {\n    1;\n  }\n}\n';
  const [a, b, c] = headsOf(file);
  const first = 'class A {\n  a() {\n    2;\n  }';
  assert.equal(begun(`${first}\n}\n`, a!, b!), `${first}\n  b`);
  assert.equal(begun(first, a!, b!), `${first}\n  b`);
  const both = `${first}\n  b() {\n    2;\n  }`;
  const expected = `${both}\n}\n\nclass B {\n  c`;
  assert.equal(begun(`${both}\n}\n`, b!, c!), expected);
  assert.equal(begun(both, b!, c!), expected);
  assert.equal(begun(`${both}\n}\n\nclass B {`, b!, c!), expected);
});

it('guided: of several functions of one name each is begun', () => {
  const file = 'class A {\n  get() {\n    1;\n  }\n}\nclass B {\n  get() {\n    1;\n  }\n}\n';
  const heads = headsOf(file);
  const half = file.slice(0, file.indexOf('class B'));
  assert.deepEqual([isWritten('', heads, 0), isWritten(half, heads, 0)], [false, true]);
  assert.deepEqual([isWritten(half, heads, 1), isWritten(file, heads, 1)], [false, true]);
});
