/** The catalogue as it is shipped, and what it refuses. */
import assert from 'node:assert/strict';
import catalogueJson from '../../../models/catalogue.json';
import {
  catalogue,
  catalogueEntry,
  defaultModel,
  hubListUrl,
  hubUrl,
  parseCatalogue,
} from '../../../src/models/catalogue.ts';

describe('models: catalogue', () => {
  it('has the default first and both models by id', () => {
    assert.equal(catalogue()[0], defaultModel());
    assert.equal(defaultModel().id, 'qwen2.5-coder-1.5b');
    assert.equal(catalogueEntry('qwen2.5-coder-0.5b').sizeBytes, 491_400_064);
    assert.throws(() => catalogueEntry('nope'), {
      code: 'not-found',
      message: /it has qwen2\.5-coder-1\.5b/,
    });
  });

  it('gives hub addresses, of a mirror if one is set', () => {
    const before = process.env.MOEBIUS_HUB_URL;
    try {
      process.env.MOEBIUS_HUB_URL = 'http://mirror/base/';
      assert.equal(hubUrl('o/r', 'f.gguf'), 'http://mirror/base/o/r/resolve/main/f.gguf');
      assert.equal(hubListUrl('o/r', 'abc'), 'http://mirror/base/api/models/o/r/tree/abc');
      delete process.env.MOEBIUS_HUB_URL;
      assert.match(hubUrl('o/r', 'f.gguf', 'abc'), /^https:\/\/[^/]+\/o\/r\/resolve\/abc\/f\.gguf$/);
    } finally {
      if (before !== undefined) process.env.MOEBIUS_HUB_URL = before;
    }
  });

  type Json = typeof catalogueJson;
  const wrong: [string, (json: Json) => void, RegExp][] = [
    ['two defaults', json => Object.assign(json.models[1]!, { default: true }), /one model is the default/],
    ['an id twice', json => Object.assign(json.models[1]!, { id: json.models[0]!.id }), /ids are unique/],
    ['a short hash', json => Object.assign(json.models[0]!, { sha256: 'ab' }), /models\.0\.sha256/],
    [
      'parts that do not add up',
      json => Object.assign(json.models[0]!.sources![1]!, { parts: 21 }),
      /do not add up/,
    ],
    ['a file with a path', json => Object.assign(json.models[0]!, { file: '../x' }), /models\.0\.file/],
    ['no source', json => Object.assign(json.models[0]!, { sources: [] }), /models\.0\.sources/],
    [
      'an unknown source',
      json => Object.assign(json.models[0]!.sources![0]!, { kind: 'ftp' }),
      /models\.0\.sources\.0/,
    ],
  ];
  for (const [name, change, message] of wrong) {
    it(`is refused with ${name}`, () => {
      const json = structuredClone(catalogueJson);
      change(json);
      assert.throws(() => parseCatalogue(json), { code: 'format-invalid', message });
    });
  }
});
