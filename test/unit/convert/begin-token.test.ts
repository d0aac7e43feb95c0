/** The tokens that end a text, and the one that begins it: what a template has of it, and what a prompt without a template begins with. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openCheckpoint } from '../../../src/convert/checkpoint.ts';
import { convertModel } from '../../../src/convert/convert.ts';
import { generateRequest } from '../../../src/engine/generate.ts';
import { loadCore } from '../../../src/engine/load.ts';
import { readManifest, writeManifest } from '../../../src/models/manifest-file.ts';
import { familyGolden, writeFamilyCheckpoint } from '../../support/family-checkpoint.ts';
import { familyGguf } from '../../support/family-gguf.ts';
import { boolEntry, entry } from '../../support/gguf-bytes.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { TINY_TEMPLATE, tinyId, tinyTokenizerJson } from '../../support/tiny-tokenizer.ts';

const BOS = tinyId('<|endoftext|>');
const PUTS_FIRST = {
  type: 'Sequence',
  processors: [
    { type: 'ByteLevel' },
    {
      type: 'TemplateProcessing',
      single: [{ SpecialToken: { id: '<|endoftext|>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
    },
  ],
};

/** A llama as it is published, with these settings of its tokenizer. */
async function published(settings: object, postProcessor: object | null, template = ''): Promise<string> {
  const folder = join(tempFolder(), 'published');
  const golden = familyGolden('llama');
  await writeFamilyCheckpoint(folder, { ...golden, config: { ...golden.config, bos_token_id: BOS } });
  const json = { ...tinyTokenizerJson(), post_processor: postProcessor };
  await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(json));
  await writeFile(join(folder, 'tokenizer_config.json'), JSON.stringify(settings));
  await writeFile(join(folder, 'chat_template.jinja'), template + TINY_TEMPLATE);
  return folder;
}

async function tokensOf(source: string) {
  const checkpoint = await openCheckpoint(source);
  await checkpoint.close();
  const { bos, templateBos } = checkpoint.text.tokens;
  return { bos, templateBos };
}

describe('the token that begins a text', () => {
  const qwen = { add_bos_token: false, bos_token: null };
  const llama = { bos_token: '<|endoftext|>' };
  const cases: [string, object, object | null, Awaited<ReturnType<typeof tokensOf>>][] = [
    ['Qwen2.5, which has none', qwen, { type: 'ByteLevel' }, { bos: null, templateBos: null }],
    ['Llama 3, whose post-processor puts it first', llama, PUTS_FIRST, { bos: BOS, templateBos: BOS }],
    ['OLMoE, whose template alone has it', llama, null, { bos: null, templateBos: BOS }],
    [
      'an object around it, and the setting',
      { add_bos_token: true, bos_token: { content: '<|endoftext|>', special: true } },
      null,
      { bos: BOS, templateBos: BOS },
    ],
    [
      'a setting against the post-processor',
      { ...llama, add_bos_token: false },
      PUTS_FIRST,
      { bos: null, templateBos: BOS },
    ],
  ];
  for (const [name, settings, postProcessor, expected] of cases)
    it(`of a published folder: ${name}`, async () => {
      assert.deepEqual(await tokensOf(await published(settings, postProcessor)), expected);
    });

  it("of a GGUF of Llama 3's kind, unless the file says otherwise", async () => {
    for (const [entries, bos] of [
      [[], 3],
      [[boolEntry('tokenizer.ggml.add_bos_token', false)], null],
    ] as const) {
      const all = [entry('tokenizer.ggml.bos_token_id', 3), ...entries];
      const folder = tempFolder({ 'm.gguf': familyGguf(familyGolden('llama-linear'), all) });
      assert.deepEqual(await tokensOf(join(folder, 'm.gguf')), { bos, templateBos: 3 });
    }
  });

  it('stands once before a chat and once before a prompt; a model that was converted before has what it had', async () => {
    const source = await published(llama, PUTS_FIRST, '{{ bos_token }}');
    const folder = join(tempFolder(), 'model');
    await convertModel({
      ...{ source, sourceSha256: '0'.repeat(64), outFolder: folder, id: 'tiny', name: 'Tiny' },
      ...{ license: 'MIT', variant: 'fp32', carvingFolder: null, drafterFolder: null },
    });
    const beginnings = async () => {
      const core = await loadCore({ folder, contextTokens: 64, threads: 1 });
      try {
        return [{ prompt: 'x' }, { messages: [{ role: 'user' as const, content: 'x' }] }].map(asked =>
          generateRequest(core, { requestId: 'r', ...asked }).prompt.filter((id, at) => id === BOS && at < 2),
        );
      } finally {
        core.grammars.dispose();
        await core.worker.terminate();
      }
    };
    assert.deepEqual(await beginnings(), [[BOS], [BOS]]);

    const { tokens, ...manifest } = await readManifest(folder);
    const { templateBos: _, ...before } = tokens;
    await writeManifest(folder, { ...manifest, tokens: { ...before, bos: null } });
    assert.deepEqual(await beginnings(), [[], []]);
  });
});

describe('the tokens that end an answer', () => {
  const [own, known] = [tinyId('<|file_sep|>'), tinyId('<|im_end|>')];
  /** With no id in config.json. */
  const tokens = async (settings: object, added = tinyTokenizerJson().added_tokens) => {
    const folder = await published(settings, null);
    const { config } = familyGolden('llama');
    const ids = { eos_token_id: null, pad_token_id: -1 };
    await writeFile(join(folder, 'config.json'), JSON.stringify({ ...config, ...ids }));
    await writeFile(
      join(folder, 'tokenizer.json'),
      JSON.stringify({ ...tinyTokenizerJson(), added_tokens: added }),
    );
    const checkpoint = await openCheckpoint(folder);
    await checkpoint.close();
    return checkpoint.text.tokens;
  };

  it('have what the tokenizer names first among them, and a padding of -1 is none', async () => {
    const { eos, pad, banned } = await tokens({ eos_token: { content: '<|file_sep|>' } });
    assert.equal(eos[0], own);
    assert.ok(eos.includes(known) && !banned.includes(own));
    assert.equal(pad, null);
  });

  it('are that one where no literal is known', async () => {
    const others = tinyTokenizerJson().added_tokens.filter(({ content }) => content === '<|file_sep|>');
    assert.deepEqual((await tokens({ eos_token: '<|file_sep|>' }, others)).eos, [own]);
    await assert.rejects(tokens({}, others), { code: 'model-invalid', message: /eos_token/ });
  });
});
