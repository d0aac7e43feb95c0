/** What an answer leaves out of a file's exports is put back. */
import assert from 'node:assert/strict';
import { placeCode } from '../../../../src/agent/guided/code-answer.ts';
import { withExports } from '../../../../src/agent/guided/exports.ts';

const BEFORE = 'export const say = n => {\n  throw n;\n};\nfunction inner() {}\nexport class Box {}\n';

it('guided: an export that an answer forgets is put back', () => {
  assert.equal(
    withExports(BEFORE, 'const say = n => String(n);\nfunction inner() {}\nclass Box {}\n'),
    'export const say = n => String(n);\nfunction inner() {}\nexport class Box {}\n',
  );
  assert.equal(
    withExports(
      'export async function load(): Promise<void> {}\n',
      'async function load() {\n  await 1;\n}\n',
    ),
    'export async function load() {\n  await 1;\n}\n',
  );
});

it('guided: what is exported in another way, or is not declared any more, stays as it is', () => {
  for (const after of [
    BEFORE,
    'const say = n => n;\nclass Box {}\nexport { say, Box };\n',
    'const say = n => n;\nclass Box {}\nexport { say as default, Box as Case };\n',
    'export const say = n => n;\nexport class Box {}\n',
    'function other() {}\n  const say = 1;\n',
  ])
    assert.equal(withExports(BEFORE, after), after);
  const python = 'def say(n):\n    return n\n';
  assert.equal(withExports(python, 'def say(n):\n    return str(n)\n'), 'def say(n):\n    return str(n)\n');
});

it('guided: a file that is written anew keeps its exports', () => {
  const whole = { first: 0, last: 5, isWholeFile: true };
  const inner = 'function inner() {}\n';
  assert.deepEqual(placeCode(BEFORE, whole, `function say(n) {\n  return n;\n}\n${inner}class Box {}\n`), {
    kind: 'text',
    text: `export function say(n) {\n  return n;\n}\n${inner}export class Box {}\n`,
  });
});
