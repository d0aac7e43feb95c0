/**
 * The tokenizer of the real models against ids of the published tokenizer.json by the reference library
 * (test/reference/tokenizer_goldens.py): code, Unicode, special tokens, random mixtures.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Tokenizer as HfTokenizer } from '@huggingface/tokenizers';
import { Tokenizer } from '../../src/engine/tokenizer.ts';
import { openGguf } from '../../src/formats/gguf.ts';
import { tokenizerConfigFromGguf, tokenizerJsonFromGguf } from '../../src/formats/gguf-tokenizer.ts';
import { catalogue, type FileEntry } from '../../src/models/catalogue.ts';
import { openStore } from '../../src/models/store.ts';

const goldens: { text: string; ids: number[] }[] = JSON.parse(
  readFileSync(join(__dirname, '../fixtures/formats/tokenizer-qwen2.json'), 'utf8'),
);

/** Those that come as GGUF. */
const published = catalogue().filter((entry): entry is FileEntry => entry.kind === 'file');

for (const entry of published) {
  describe(`model: tokenizer of ${entry.id}`, () => {
    let json: object;
    let config: ReturnType<typeof tokenizerConfigFromGguf>;

    before(async function () {
      this.timeout(60_000);
      const store = await openStore();
      const path = store.downloadPath(entry.sha256);
      if (!existsSync(path)) {
        const isAnyThere = published.some(({ sha256 }) => existsSync(store.downloadPath(sha256)));
        const isRequired = process.env.MOEBIUS_REQUIRE_MODEL === '1' && !isAnyThere;
        assert.ok(!isRequired, `${path} is missing: run "moebius model add ${entry.id}"`);
        this.skip();
      }
      const gguf = await openGguf(path);
      // Through text, as in the converted model's folder.
      json = JSON.parse(JSON.stringify(tokenizerJsonFromGguf(gguf)));
      config = tokenizerConfigFromGguf(gguf);
      await gguf.close();
    });

    it('encodes as the reference does, with the library', () => {
      const tokenizer = new HfTokenizer(json as never, {});
      for (const { text, ids } of goldens) {
        assert.deepEqual(tokenizer.encode(text).ids, ids, JSON.stringify(text));
      }
    }).timeout(60_000);

    it('encodes as the reference does at run time, and decodes to the same text', () => {
      const tokenizer = new Tokenizer(json);
      for (const { text, ids } of goldens) {
        assert.deepEqual(tokenizer.encodeTrusted(text), ids, JSON.stringify(text));
        assert.equal(tokenizer.decode(ids), text.normalize('NFC'));
      }
    }).timeout(60_000);

    it('makes no special token of text that is not trusted', () => {
      const tokenizer = new Tokenizer(json);
      const special = new Set(config.added);
      for (const { text, ids } of goldens) {
        const plain = tokenizer.encodePlain(text);
        assert.deepEqual(
          plain.filter(id => special.has(id)),
          [],
          JSON.stringify(text),
        );
        if (!ids.some(id => special.has(id))) assert.deepEqual(plain, ids, JSON.stringify(text));
        assert.equal(tokenizer.decode(plain), text.normalize('NFC'));
      }
    }).timeout(60_000);

    it('knows the special ids', () => {
      const { chatTemplate, added, unused, ...ids } = config;
      assert.deepEqual(ids, {
        bos: 151643,
        eos: [151645, 151643],
        pad: 151643,
        addBos: false,
        fim: { prefix: 151659, suffix: 151661, middle: 151660, fileSeparator: 151664, repoName: 151663 },
      });
      assert.equal(added.length, 22);
      assert.deepEqual([unused[0], unused.at(-1)], [151665, 151935]);
      assert.match(chatTemplate ?? '', /<\|im_start\|>/);
    });
  });
}
