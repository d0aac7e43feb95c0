/** A file that imports what it is to define from itself. */
import assert from 'node:assert/strict';
import { withoutSelfImports } from '../../../../src/agent/guided/self-imports.ts';

const STUB = 'export const say = () => {};\nexport class Box {}\n';
const WRITTEN = 'export const say = n => n;\nexport class Box {}\n';

it('guided: imports of a file from itself are taken out', () => {
  for (const statement of [
    "import { say } from './say.js';\n",
    "import {\n  say,\n  Box as Case,\n} from '../src/say'\n",
    "const { say } = require('./say');\n",
  ])
    assert.deepEqual(withoutSelfImports(statement + WRITTEN, 'src/say.js', STUB), {
      code: WRITTEN,
      missing: [],
    });
  const python = 'def say(n):\n    return n\n';
  for (const statement of [
    'from say import say\n',
    'from .say import (\n    say,\n)\n',
    'from lib.say import say\n',
  ])
    assert.deepEqual(withoutSelfImports(statement + python, 'lib/say.py', python), {
      code: python,
      missing: [],
    });
});

it('guided: what is imported so and not written is missing', () => {
  const used = 'console.log(say(1));\n';
  assert.deepEqual(withoutSelfImports(`import { say, Box } from './say';\n${used}`, 'say.js', STUB), {
    code: used,
    missing: ['say', 'Box'],
  });
});

it('guided: other imports stay', () => {
  for (const [path, code] of [
    ['src/say.js', "import { say } from './other.js';\nimport { say as b } from './lib/say.js';\n"],
    ['src/say.js', "import fs from 'fs';\nimport './say.css';\nconst x = require('say');\n"],
    ['lib/types.py', 'from types import MappingProxyType\nfrom re import (\n    sub,\n)\nimport types\n'],
  ] as const)
    assert.deepEqual(withoutSelfImports(code, path, STUB), { code, missing: [] });
});
