/** What is no implementation, and what the model sees in its place. */
import assert from 'node:assert/strict';
import { promiseIn, stubIn, withoutStubs } from '../../../../src/agent/guided/stubs.ts';

it('guided: a stub says of itself that it is one', () => {
  for (const text of [
    "f() {\n  throw new Error('Not implemented');\n}",
    'def f():\n    pass\n',
    'def f():\n    raise NotImplementedError\n',
    '  todo!()',
  ])
    assert.ok(stubIn(text), text);
  for (const text of [
    'for x in y:\n    pass\n',
    "throw new Error('No such item')",
    "throw new Error('The todo list is empty')",
    'def f():\n    pass_on()\n',
  ])
    assert.equal(stubIn(text), null, text);
});

it('guided: stubs are shown as what is to be written, line by line', () => {
  assert.equal(
    withoutStubs("class A {\n  f() {\n    throw new Error('Implement this');\n  }\n}\n", 'a.js'),
    'class A {\n  f() {\n    // to be written\n  }\n}\n',
  );
  assert.equal(
    withoutStubs('def f():\n    pass\n\nfor x in y:\n    pass\n', 'a.py'),
    'def f():\n    # to be written\n\nfor x in y:\n    pass\n',
  );
});

it('guided: a function of comments that say what is to come is none', () => {
  const method = (...body: string[]) =>
    `class A {\n  f(x) {\n${body.map(line => `    ${line}\n`).join('')}  }\n}\n`;
  assert.equal(promiseIn(method('// Implement the logic', '// and return it')), '// Implement the logic');
  for (const code of [
    method('// Implement the logic', 'return x;'),
    method('// Nothing to do.'),
    method(),
    'try {\n  f();\n} catch {\n  // Goes on here.\n}\n',
  ])
    assert.equal(promiseIn(code), null, code);
});
