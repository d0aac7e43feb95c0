import assert from 'node:assert/strict';
import { partialCode } from '../../../../src/host/edits/partial.ts';

const ORIGINAL = '  one\n  two\n  three';

describe('host/edits/partial', () => {
  it('is the old code until a line is whole', () => {
    assert.equal(partialCode(ORIGINAL, ''), ORIGINAL);
    assert.equal(partialCode(ORIGINAL, '1'), ORIGINAL);
    assert.equal(partialCode(ORIGINAL, '\n'), ORIGINAL);
  });
  it('replaces line by line, indented like the old code', () => {
    assert.equal(partialCode(ORIGINAL, '1\n2'), '  1\n  two\n  three');
    assert.equal(partialCode(ORIGINAL, '1\n  2\n'), '  1\n    2\n  three');
  });
  it('grows over the end of the old code', () => {
    assert.equal(partialCode(ORIGINAL, 'a\nb\nc\nd\n'), '  a\n  b\n  c\n  d');
  });
});
