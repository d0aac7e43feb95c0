import assert from 'node:assert/strict';
import { Tokenizer } from '../../../src/engine/tokenizer.ts';
import { checkedTokenizer } from '../../../src/formats/tokenizer-json.ts';
import { tinyTokenizerJson } from '../../support/tiny-tokenizer.ts';

type Json = ReturnType<typeof tinyTokenizerJson>;

describe('formats: tokenizer.json', () => {
  it('is taken as it is where it is a byte-level BPE', () => {
    const json = tinyTokenizerJson();
    assert.deepEqual(checkedTokenizer(json), json);
    assert.deepEqual(checkedTokenizer({ ...json, added_tokens: null }).added_tokens, []);
  });

  function refuses(name: string, code: string, message: RegExp, change: (json: Json) => unknown) {
    it(`is refused where ${name}, before anything is made of it`, () => {
      for (const read of [checkedTokenizer, (json: unknown) => new Tokenizer(json)])
        assert.throws(() => read(change(tinyTokenizerJson())), { code, message });
    });
  }
  const withModel = (model: object) => (json: Json) => ({ ...json, model: { ...json.model, ...model } });
  const withId = (id: unknown) => (json: Json) => withModel({ vocab: { ...json.model.vocab, a: id } })(json);
  refuses('it is nothing', 'model-invalid', /no vocabulary/, () => null);
  refuses('it has no vocabulary', 'model-invalid', /no vocabulary/, withModel({ vocab: null }));
  refuses('it is of another kind', 'unsupported', /of type Unigram/, withModel({ type: 'Unigram' }));
  refuses('it is not of bytes', 'unsupported', /not byte-level/, json => ({
    ...json,
    decoder: { type: 'Sequence', decoders: [{ type: 'ByteFallback' }, { type: 'Fuse' }] },
  }));
  // A table of that length would take all memory.
  refuses('an id is huge', 'model-invalid', /id 1000000000/, withId(1e9));
  refuses('an id is half a number', 'model-invalid', /id 1\.5/, withId(1.5));
  refuses('an id is below nothing', 'model-invalid', /id -1/, withId(-1));
  refuses('an added token has no id', 'model-invalid', /id undefined/, json => ({
    ...json,
    added_tokens: [{ content: '<x>' }],
  }));
  refuses('an added token has a huge id', 'model-invalid', /id 1048576/, json => ({
    ...json,
    added_tokens: [{ id: 2 ** 20, content: '<x>' }],
  }));
  refuses('its added tokens are no list', 'model-invalid', /no list/, json => ({
    ...json,
    added_tokens: {},
  }));
});
