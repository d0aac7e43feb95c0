import assert from 'node:assert/strict';
import { argumentParams } from '../../../src/completion/argument-request.ts';

describe('completion/argument-request', () => {
  it('ends at the hole, with whole lines before it, and shows the declaration', () => {
    const declaration = { path: 'lib.ts', text: 'function f(a: A, b: B) {' };
    const above = 'x;\n'.repeat(2000);
    const params = argumentParams('a.ts', `${above}  f(1, `, ');\n', declaration);
    assert.deepEqual(params.files, [declaration]);
    assert.equal(params.middle, '  f(1, ');
    assert.equal(params.suffix, ');\n');
    assert.ok(above.endsWith(params.prefix) && params.prefix.length === 1500);
    assert.notEqual(params.sequence, 'completion', 'what ghost text has read stays');
  });
});
