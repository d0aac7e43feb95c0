/** Answers as small models write them, put into files. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { codeIn, placeCode, replacementBetween } from '../../../../src/agent/guided/code-answer.ts';
import type { Region } from '../../../../src/agent/guided/region.ts';

const WHOLE: Region = { first: 0, last: Number.MAX_SAFE_INTEGER, isWholeFile: true };
const lines = (first: number, last: number): Region => ({ first, last, isWholeFile: false });

function placed(text: string, region: Region, code: string): string {
  const result = placeCode(text, region, code);
  assert.equal(result.kind, 'text', result.kind === 'refused' ? result.reason : '');
  return result.kind === 'text' ? result.text : '';
}

describe('guided: code in answers', () => {
  it('takes the longest block', () => {
    assert.equal(
      codeIn('Use `x`:\n```js\nx()\n```\nSo:\n```js\nfunction x() {\n}\n```\nDone.'),
      'function x() {\n}',
    );
  });
  it('takes a block that a stop string left open', () =>
    assert.equal(codeIn('```py\na = 1\nb = 2'), 'a = 1\nb = 2'));
  it('finds none in prose', () => assert.equal(codeIn('I would rename it.'), null));
  it('keeps a fence inside a longer fence', () => {
    assert.equal(codeIn('````md\n```js\nx\n```\n````'), '```js\nx\n```');
  });
});

describe('guided: code put into a file', () => {
  it('replaces a whole file, its final newline kept', () => {
    assert.equal(placed('a = 1\n', WHOLE, 'a = 2'), 'a = 2\n');
    assert.equal(placed('a = 1', WHOLE, 'a = 2\n\n'), 'a = 2');
  });
  it('keeps the comment at the top that the answer leaves out', () => {
    assert.equal(placed('# licence\n# two\n\na = 1\n', WHOLE, 'a = 2'), '# licence\n# two\na = 2\n');
    assert.equal(placed('# old\na = 1\n', WHOLE, '# new\na = 2'), '# new\na = 2\n');
  });
  it('gives a method its indentation back', () => {
    const text = 'class A {\n\tf() {\n\t\treturn 1;\n\t}\n}\n';
    assert.equal(
      placed(text, lines(1, 3), 'f() {\n  return 2;\n}'),
      'class A {\n\tf() {\n\t\treturn 2;\n\t}\n}\n',
    );
  });
  it('moves imports to the top, each once', () => {
    const text = 'import os\n\ndef f():\n    pass\n';
    const code = 'import os\nimport sys\n\ndef f():\n    sys.exit()';
    assert.equal(placed(text, lines(2, 3), code), 'import os\nimport sys\n\ndef f():\n    sys.exit()\n');
  });
  it('puts imports behind the last one, however many lines that has', () => {
    const block = 'function f() {\n  return 1;\n}';
    const code = `import fs from "fs";\n\n${block.replace('1', '2')}`;
    const js = "import {\n  a, // (\n  b,\n} from './x.js';\n";
    assert.equal(
      placed(`${js}\n${block}\n`, lines(5, 7), code),
      `${js}import fs from "fs";\n\n${block.replace('1', '2')}\n`,
    );
    const inside = `import {\n  a,\n} from './x.js';\n${block}\n`;
    assert.equal(
      placed(inside, lines(1, 5), `import fs from "fs";\n  b,\n} from './x.js';\n${block}`),
      `import fs from "fs";\nimport {\n  b,\n} from './x.js';\n${block}\n`,
    );
    const py = 'from x import (\n    a,\n)\nfrom y import b, \\\n    c\n';
    assert.equal(
      placed(`${py}\ndef f():\n    pass\n`, lines(6, 7), 'import os\n\ndef f():\n    os.abort()'),
      `${py}import os\n\ndef f():\n    os.abort()\n`,
    );
  });
  it('moves an import of several lines as one, unless the file has it', () => {
    const text = 'import os\n\ndef f():\n    pass\n';
    const imports = 'from x import (\n    a,\n    b,\n)\n';
    const code = `${imports}import os\n\ndef f():\n    a(b)`;
    const after = `import os\n${imports}\ndef f():\n    a(b)\n`;
    assert.equal(placed(text, lines(2, 3), code), after);
    assert.equal(placed(after, lines(6, 7), code.replace('a(b)', 'b(a)')), after.replace('a(b)', 'b(a)'));
  });
  it('leaves out definitions that the file has elsewhere', () => {
    const text = 'function a() {\n  return 1;\n}\n\nfunction b() {\n  return a();\n}\n';
    const code = 'function a() {\n  return 9;\n}\n\nfunction b() {\n  return a() + 1;\n}';
    assert.equal(
      placed(text, lines(4, 6), code),
      'function a() {\n  return 1;\n}\n\nfunction b() {\n  return a() + 1;\n}\n',
    );
  });
  it('puts another function of the file where that is', () => {
    const text = 'def a():\n    return 1\n\n\ndef b():\n    return a()\n';
    const code = 'def a():\n    return 2';
    assert.equal(placed(text, lines(4, 5), code), 'def a():\n    return 2\n\n\ndef b():\n    return a()\n');
  });
  it('a new function takes the place that was asked for', () => {
    const text = 'x = 1\n\nfor y in b:\n    print(x)\n';
    assert.equal(placed(text, lines(2, 3), 'def c():\n    return 2'), 'x = 1\n\ndef c():\n    return 2\n');
  });
  const TWO =
    'export function a(x: number) {\n  const y = x + 1;\n  return y * 2;\n}\n\nfunction b() {\n  const list = [1, 2];\n  return list.map(a);\n}\n';
  const leavesOut = (text: string, region: Region, code: string, name: string) => {
    const result = placeCode(text, region, code);
    assert.equal(
      result.kind === 'refused' ? result.reason : '',
      `The answer leaves code out (${name}). Write all of it.`,
    );
  };
  it('lays one function of a file over it', () => {
    const code = 'function b() {\n  return [1, 2].map(a);\n}';
    assert.equal(placed(TWO, WHOLE, code), TWO.replace(/function b[\s\S]*$/, `${code}\n`));
    const marked = `// ... rest of the file stays\n\n${code}`;
    assert.equal(placed(TWO, WHOLE, marked), TWO.replace(/function b[\s\S]*$/, `${code}\n`));
  });
  it('puts the line that was changed in its place', () => {
    assert.equal(placed(TWO, lines(0, 3), 'const y = x + 2;'), TWO.replace('x + 1', 'x + 2'));
    assert.equal(
      placed(TWO, WHOLE, 'let list = [1, 2, 3];\nreturn list.map(a);'),
      TWO.replace('const list = [1, 2]', 'let list = [1, 2, 3]'),
    );
  });
  it('refuses to lose what the code defines', () => {
    leavesOut(TWO, lines(0, 3), 'return a(1);', 'a');
    leavesOut(TWO, lines(5, 8), 'function c() {\n  return 1;\n}', 'b');
    leavesOut(TWO, WHOLE, 'console.log("done");', 'a, b');
    leavesOut(
      'class A:\n    def f(self):\n        return 1\n\n    def g(self):\n        return 2\n',
      WHOLE,
      'class A:\n    def g(self):\n        return 3',
      'f',
    );
    const alike = 'function f(x) {\n  one(x, 1);\n  one(x, 2);\n}\n';
    leavesOut(alike, WHOLE, 'one(x, 3);', 'f');
  });
  it('but for what is to be taken away, or is defined in another way', () => {
    assert.deepEqual(placeCode(TWO, lines(5, 8), 'const list = [];', true).kind, 'text');
    assert.match(placed(TWO, lines(5, 8), 'const b = () => [1, 2].map(a);'), /^const b =/m);
    assert.match(placed(TWO, lines(5, 8), 'const { b } = require("./b");'), /^const \{ b \}/m);
    const method = 'class A {\n  f(a, b) {\n    return a;\n  }\n}\n';
    assert.match(placed(method, lines(1, 3), 'f(\n  a,\n  b,\n) {\n  return a;\n}'), /^ {2}f\(\n/m);
    const locals = 'function f() {\n  const x = 1;\n  return x;\n}\n';
    assert.match(placed(locals, lines(1, 2), 'return 1;'), /\{\n {2}return 1;\n\}/);
  });
  it('refuses an answer that leaves code out', () => {
    const result = placeCode('def f():\n    return 1\n', WHOLE, 'def f():\n    # ... rest of the code\n');
    assert.equal(result.kind, 'refused');
    assert.match(result.kind === 'refused' ? result.reason : '', /leaves code out/);
  });
  it('accepts such a comment that was there before', () => {
    assert.match(placed('# existing code here\na = 1\n', WHOLE, '# existing code here\na = 2'), /a = 2/);
  });
  it('refuses the same code', () => {
    assert.equal(placeCode('a = 1\n', WHOLE, 'a = 1').kind, 'refused');
  });

  it('one replacement turns any text into any other, line ends and characters whole', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '\n', '\r\n', '😀', '😁', 'é') });
    fc.assert(
      fc.property(text, text, (before, after) => {
        const { start, end, text: middle } = replacementBetween(before, after);
        assert.equal(before.slice(0, start) + middle + before.slice(end), after);
        assert.ok(start <= end);
      }),
    );
  });
});
