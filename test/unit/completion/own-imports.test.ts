import assert from 'node:assert/strict';
import { ownImports } from '../../../src/completion/own-imports.ts';

describe('completion/own-imports', () => {
  const check = (what: string, head: string, expected: string) =>
    it(what, () => assert.equal(ownImports(head, 20_000, 8000), expected));

  check(
    'of TypeScript',
    "/** A file. */\nimport { a } from './a';\nimport type {\n  B,\n  C,\n} from './b';\nimport './c';\n\nconst d = 1;\n",
    "import { a } from './a';\nimport type {\n  B,\n  C,\n} from './b';\nimport './c';\n",
  );
  check(
    'of Python',
    '"""A module\nthat imports."""\nimport os, sys\nfrom a.b import (\n    c,\n)\nfrom d import e\n\nfrom_x = 1\nimportant = 2\n',
    'import os, sys\nfrom a.b import (\n    c,\n)\nfrom d import e\n',
  );
  check('of Go', 'package a\n\nimport (\n\t"fmt"\n)\n\nfunc f() {}\n', 'import (\n\t"fmt"\n)\n');
  check(
    'of Rust',
    'use std::{\n    fs,\n};\npub use a::b;\nfn f() {}\n',
    'use std::{\n    fs,\n};\npub use a::b;\n',
  );
  check('what is cut off is left out', "import a from 'a';\nimport {\n  b,\n", "import a from 'a';\n");
  check('at most so many', "import a from 'a';\n".repeat(100), "import a from 'a';\n".repeat(52));

  it('none where the window may show them, or where little can be read', () => {
    const head = "import a from 'a';\n";
    assert.deepEqual([ownImports(head, 6000, 8000), ownImports(head, 20_000, 2000)], ['', '']);
  });
});
