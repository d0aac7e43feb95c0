/** The prompts of the guided profile in the tokens of the models: short, and a step only adds to the one before. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { GUIDED_SYSTEM_PROMPT } from '../../src/agent/guided/prompts.ts';
import { ChatTemplate } from '../../src/engine/chat-template.ts';
import type { Tokenizer } from '../../src/engine/tokenizer.ts';
import { defaultModel } from '../../src/models/catalogue.ts';
import type { ChatMessage } from '../../src/protocol/daemon.ts';
import { needFiles, variantFolder } from '../support/models.ts';
import { SAMPLE_PROJECTS, sampleFiles } from '../support/sample-projects.ts';
import { readTokenizer } from '../support/tokenizer.ts';
import { play } from '../unit/agent/guided/play.ts';

const SYSTEM_TOKENS = 600;
/** Of the first message of a failing test in a sample project: what is read before the first word is written. */
const STEP_TOKENS = 2000;

/** The smallest published model has the tokenizer and the template of the default one. */
const folders = [defaultModel().id, 'qwen2.5-coder-0.5b'].map(id => variantFolder(id, 'int4'));

for (const folder of folders) {
  describe(`guided prompts in the tokens of ${folder.split(/[\\/]/).at(-2)}`, () => {
    let tokenizer: Tokenizer;
    let template: ChatTemplate;

    before(function () {
      needFiles(this, join(folder, 'tokenizer.json'), join(folder, 'chat_template.jinja'));
      tokenizer = readTokenizer(folder);
      template = new ChatTemplate({
        source: readFileSync(join(folder, 'chat_template.jinja'), 'utf8'),
        specialText: tokenizer.specialText,
        assistantMayWrite: new Set(),
        bosToken: '',
        eosToken: '<|im_end|>',
      });
    });

    const encode = (messages: ChatMessage[], answerPrefix = ''): number[] =>
      tokenizer.encodePieces(template.render(messages, { answerPrefix }));

    it(`the system prompt is under ${SYSTEM_TOKENS} tokens`, () => {
      const tokens = encode([{ role: 'system', content: GUIDED_SYSTEM_PROMPT }]).length;
      assert.ok(tokens < SYSTEM_TOKENS, `${tokens} tokens`);
    });

    it('a step begins with the tokens of the step before, unless an attempt is begun anew', async () => {
      const [project] = SAMPLE_PROJECTS;
      const files = sampleFiles(project!, project!.bugs[0]!);
      const output =
        'not ok 1 - adds\n  2 !== 3\n  at file:///x/test/cart.test.js:10:10\n# pass 1\n# fail 1\n';
      const wrong = (n: number) => `\`\`\`js\nexport const x = ${n};\n`;
      // More than are asked for.
      const answers = Array.from({ length: 200 }, (_, n) => wrong(n));
      const played = await play(answers, Object.fromEntries(files), {
        run: async () => ({ output, exitCode: 1 }),
      });
      const prompts = played.prompts.map(messages => encode(messages));
      assert.ok(prompts[0]!.length < STEP_TOKENS, `${prompts[0]!.length} tokens`);
      const longer = played.prompts.flatMap((messages, index) => (messages.length > 2 ? [index] : []));
      assert.ok(longer.length > 0);
      for (const index of longer) {
        const before = prompts[index - 1]!;
        assert.deepEqual(prompts[index]!.slice(0, before.length), before, `step ${index}`);
      }
    });
  });
}
