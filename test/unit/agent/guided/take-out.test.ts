/** What a checker calls superfluous, and what is left without it. */
import assert from 'node:assert/strict';
import { takenOut } from '../../../../src/agent/guided/take-out.ts';

/** `█` before the line that the problem is at. */
function check(what: string, message: string, marked: string, expected: string | null): void {
  it(what, () => {
    const line = marked.slice(0, marked.indexOf('█')).split('\n').length;
    assert.equal(takenOut(marked.replace('█', ''), [{ line, message }]), expected);
  });
}

describe('guided: what is not used is taken out', () => {
  check('an import', 'Unused Path imported from pathlib', '█from pathlib import Path\n\nx = 1\n', 'x = 1\n');
  check('a module', "'os' imported but unused", 'import re\n█import os\n\nre.x()\n', 'import re\n\nre.x()\n');
  check(
    'one name of several',
    "'b' is declared but its value is never read.",
    "█import { a, b } from './x';\na();\n",
    "import { a } from './x';\na();\n",
  );
  check(
    'one of several lines',
    'Import "d" is not accessed',
    '█from x import (\n    a,\n    c as d,\n)\na()\n',
    'from x import (a)\na()\n',
  );
  check(
    'a function',
    "'f' is defined but never used.",
    'a();\n█function f() {\n  g();\n}\nb();\n',
    'a();\nb();\n',
  );
  check('a variable', "'x' is assigned a value but never used.", '█const x = 1;\na();\n', 'a();\n');
  check(
    'a variable of Python',
    "Unused variable 'x'",
    'def f():\n█    x = 1\n    g()\n',
    'def f():\n    g()\n',
  );
  check('but not one that comes from a call', "'x' is never used", '█const x = save();\n', null);
  check(
    'and no function for a parameter of it',
    "'b' is never used",
    '█function f(a, b) {\n  a();\n}\n',
    null,
  );
  check('nor anything for another message', "'x' must be a string", '█const x = 1;\n', null);
});

describe('guided: what can not be reached is taken out', () => {
  const text =
    'function f() {\n  return g();\n█  a();\n  if (b) {\n    c();\n  }\n\n  function g() {\n    return 1;\n  }\n}\n';
  check(
    'up to a function, which can be called',
    'Unreachable code.',
    text,
    'function f() {\n  return g();\n\n  function g() {\n    return 1;\n  }\n}\n',
  );
  check(
    'up to the end',
    'Unreachable code',
    'def f():\n    return 1\n█    a()\n    b()\n\nc()\n',
    'def f():\n    return 1\n\nc()\n',
  );
});

describe('guided: imports of one module are merged', () => {
  check(
    'two lists',
    "'./x' import is duplicated.",
    "import { a } from './x';\n// b\n█import { b } from './x';\nb(a);\n",
    "import { a, b } from './x';\n// b\nb(a);\n",
  );
  check(
    'two that are the same',
    'Redefinition of unused `os`',
    'import os\n█import os\nos.x()\n',
    'import os\nos.x()\n',
  );
  check(
    'not a list and a default',
    "'./x' import is duplicated.",
    "import a from './x';\n█import { b } from './x';\n",
    null,
  );
});

it('guided: several problems of a file are taken out at once', () => {
  const text = 'import a\nimport b\nimport c\nc()\n';
  const problems = [1, 2].map(line => ({ line, message: `Unused import ${'ab'[line - 1]}` }));
  assert.equal(takenOut(text, problems), 'import c\nc()\n');
});
