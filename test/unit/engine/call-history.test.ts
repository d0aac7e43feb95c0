/** A call that a model wrote is the same tokens when it is read again, so that a turn only adds to the one before. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { convertModel } from '../../../src/convert/convert.ts';
import { generateRequest } from '../../../src/engine/generate.ts';
import { assistantMarkup, loadCore } from '../../../src/engine/load.ts';
import { harmony } from '../../../src/engine/tools/harmony.ts';
import type { ChatMessage } from '../../../src/protocol/daemon.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { tinyGguf } from '../../support/tiny-gguf.ts';
import { TINY_TEMPLATE, tinyId } from '../../support/tiny-tokenizer.ts';

const HERMES_TEMPLATE = `${TINY_TEMPLATE}{#- <tool_call>{"name": "", "arguments": {}}</tool_call> -#}`;
const MARKERS = [tinyId('<tool_call>'), tinyId('</tool_call>')] as const;
const CALL = '<tool_call>\n{"name": "list"}\n</tool_call>';

describe('calls in the history', () => {
  it('of a model made from GGUF, which bans all added tokens, are what was written', async () => {
    const folder = tempFolder();
    await writeFile(join(folder, 'tiny.gguf'), tinyGguf(HERMES_TEMPLATE));
    await convertModel({
      ...{ source: join(folder, 'tiny.gguf'), sourceSha256: '0'.repeat(64), outFolder: join(folder, 'out') },
      ...{
        id: 'tiny',
        name: 'Tiny',
        license: 'MIT',
        variant: 'fp32',
        carvingFolder: null,
        drafterFolder: null,
      },
    });
    const core = await loadCore({ folder: join(folder, 'out'), contextTokens: 512, threads: 1 });
    try {
      const { tokenizer, manifest } = core;
      assert.ok(MARKERS.every(id => manifest.tokens.banned.includes(id)));
      const promptOf = (messages: ChatMessage[]) =>
        generateRequest(core, { requestId: 'r', messages }).prompt;
      const asked: ChatMessage[] = [{ role: 'user', content: `List it. ${CALL}` }];
      const first = promptOf(asked);
      assert.ok(!first.some(id => MARKERS.includes(id)), 'what a user wrote is no call');
      const written = [MARKERS[0], ...tokenizer.encodePlain('\n{"name": "list"}\n'), MARKERS[1]];
      const result: ChatMessage = { role: 'user', content: CALL };
      const second = promptOf([...asked, { role: 'assistant', content: CALL }, result]);
      assert.deepEqual(second.slice(0, first.length + written.length), [...first, ...written]);
      assert.equal(second.filter(id => MARKERS.includes(id)).length, MARKERS.length);
    } finally {
      core.grammars.dispose();
      await core.worker.terminate();
    }
  });

  it('hold no control tokens where a template has fields of its own for calls', () => {
    const specials = new Map(harmony.markers.map((literal, id) => [id, literal]));
    const tokens = { bos: null, eos: [9], pad: null, banned: [...specials.keys()], fim: null };
    assert.deepEqual(assistantMarkup({ specials }, tokens, harmony), new Set());
  });
});
