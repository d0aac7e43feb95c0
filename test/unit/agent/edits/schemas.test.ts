import assert from 'node:assert/strict';
import { addsSchema } from '../../../../src/agent/edits/schemas.ts';

describe('addresses of schemas', () => {
  const json = '{"$schema": "https://example.com/a.json"}';

  it('are not new where they were there before, in whatever form', () => {
    assert.equal(addsSchema(json, `${json}\n`), false);
    assert.equal(addsSchema(json, '# yaml-language-server: $schema=https://example.com/a.json'), false);
    assert.equal(addsSchema(json, json.replace('a.json', 'b.json')), true);
  });

  it('are none in ordinary files', () => {
    for (const text of [
      '{"$schema": "./node_modules/a/schema.json"}',
      '<!DOCTYPE html>\n<html xmlns="http://www.w3.org/1999/xhtml">',
      '<svg xmlns="http://www.w3.org/2000/svg">',
      'const url = "https://example.com"; // $schema',
    ])
      assert.equal(addsSchema('', text), false, text);
  });

  it('are asked about where they are too many, or too far from their key, to look at', () => {
    assert.equal(addsSchema('', '$schema '.repeat(1000)), true);
    for (let blanks = 950; blanks < 1010; blanks++)
      assert.equal(
        addsSchema('', `{"$schema":${' '.repeat(blanks)}"https://evil.example/x"}`),
        true,
        `${blanks}`,
      );
    assert.equal(addsSchema('', '  #:schema https://evil.example/x'), true);
  });

  it('take no time to find in hostile text', function () {
    // A way that is not linear takes minutes.
    this.timeout(20_000);
    const size = 500_000;
    for (const part of [
      '/',
      '"$schema"/*',
      '"$schema" //\n',
      'schemaLocation ',
      '\n',
      ' ',
      '<!DOCTYPE [',
      '\\u002f',
      '&#47;',
    ])
      addsSchema('{"$schema" ', `{"$schema" ${part.repeat(size / part.length)}`);
  });
});
