import assert from 'node:assert/strict';
import { ownImports, type PromptRoom } from '../../../src/completion/own-imports.ts';

const ROOM: PromptRoom = { aboveChars: 20_000, shown: '', budgetChars: 8000, isKept: false };

describe('completion/own-imports', () => {
  const check = (what: string, head: string, expected: string) =>
    it(what, () => assert.equal(ownImports(head, ROOM), expected));

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
  check(
    'of Swift',
    'import Foundation\n\nclass A {\n  var b = 1\n}\nimport UIKit\n',
    'import Foundation\nimport UIKit\n',
  );
  check('what is cut off is left out', "import a from 'a';\nimport {\n  b,\n", "import a from 'a';\n");
  check('at most so many', "import a from 'a';\n".repeat(100), "import a from 'a';\n".repeat(52));

  check(
    'not one that is too long',
    `import {${'a, '.repeat(400)}} from 'a';\nimport 'b';\n`,
    "import 'b';\n",
  );

  describe('in a prompt', () => {
    const head = "import {\n  a,\n} from 'a';\nimport 'b';\n";
    const inPrompt = (what: string, room: Partial<PromptRoom>, expected: string) =>
      it(what, () => assert.equal(ownImports(head, { ...ROOM, ...room }), expected));

    inPrompt('none where the window may soon show them', { aboveChars: 6000 }, '');
    inPrompt('none where little can be read', { budgetChars: 2000 }, '');
    inPrompt('none that it shows', { shown: `${head}a();\n` }, '');
    inPrompt('those above what it shows', { shown: "import 'b';\na();\n" }, "import {\n  a,\n} from 'a';\n");
    inPrompt('a local one is another', { shown: "  import 'b';\n" }, head);
    inPrompt('once there, they stay near the top', { isKept: true, aboveChars: 5000 }, head);
    inPrompt('and where less can be read', { isKept: true, budgetChars: 2000 }, head);
    inPrompt('but not where they are shown', { isKept: true, shown: head }, '');
    inPrompt('nor below the cursor', { isKept: true, aboveChars: 0 }, '');
    inPrompt('nor without room', { isKept: true, budgetChars: 0 }, '');
  });
});
