import assert from 'node:assert/strict';
import { decideExtent, type Extent } from '../../../src/completion/extent.ts';
import { drawn } from './drawn.ts';

describe('completion/extent', () => {
  const check = (text: string, automatic: Extent, manual: Extent = automatic) =>
    it(JSON.stringify(text), () => {
      assert.equal(decideExtent(drawn(text), { isManual: false, multiline: 'auto' }), automatic);
      assert.equal(decideExtent(drawn(text), { isManual: true, multiline: 'auto' }), manual);
    });
  check('const x = █', 'line');
  check('const x = █\n', 'line');
  check('foo(█)', 'line');
  check('foo("█");', 'line');
  check('if (a█) {', 'line');
  check('const na█me = 1', 'none', 'line');
  check('foo(█a, b)', 'none', 'block');
  check('return a;█', 'none', 'line');
  check('for (let i = 0;█', 'line');
  check('█', 'none', 'block');
  check('  \n█\n', 'none', 'block');
  check('function f() {\n  █\n}', 'block');
  check('function f() {█', 'block');
  check('def f(x):█\n\ny = 1', 'block');
  check('if (a) {█\n  b();\n}', 'line');
  check('const a = 1;\n█', 'block');
  check('  foo();\n  ba█', 'line');
  check('function f(█)', 'block');
  check('pub fn f(n: u32█)', 'block');
  check('function f(█) {\n  body();\n}', 'line');
  check('call(x => {█});', 'block');
  check('<App █/>', 'line');
  check('function fibonacci█\n', 'block');
  check('class Stack█\nconst a = 1;', 'block');
  check('function f█\n  body();\n}', 'line');
  check('// the sum of █\n', 'line');
  check(`// ${'a long story about it '.repeat(4)}█\n`, 'none', 'line');
  check(`log("${'a long story about it '.repeat(4)}█");`, 'none', 'line');
  check('log("a", "b", `c`, █)', 'line');

  it('obeys the multi-line setting', () => {
    const at = (text: string, multiline: 'always' | 'never', isManual = false) =>
      decideExtent(drawn(text), { isManual, multiline });
    assert.equal(at('const x = █', 'always'), 'block');
    assert.equal(at('def f():█', 'never'), 'line');
    assert.equal(at('foo(█)', 'always'), 'line');
    assert.equal(at('foo(█a, b)', 'never', true), 'line');
  });
});
