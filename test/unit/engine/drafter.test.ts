/** Guessing ahead: whatever a drafter guesses, the text is the model's own. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EngineCore } from '../../../src/engine/core.ts';
import type { RunHooks } from '../../../src/engine/engine.ts';
import { generateRequest, runRequest } from '../../../src/engine/generate.ts';
import { loadCore } from '../../../src/engine/load.ts';
import { generateByReference } from '../../../src/engine/reference.ts';
import { TextStream } from '../../../src/engine/text-stream.ts';
import type { Manifest } from '../../../src/models/manifest.ts';
import { writeTinyModel } from '../../support/tiny-folder.ts';

const hooks: RunHooks = { signal: new AbortController().signal, turn: async () => {}, onEvent() {} };
const PROMPT = 'the quick brown fox';
const TOKENS = 24;
const CODES = { variant: 'int8', products: 'codes' } as const;

describe('engine with a drafter', function () {
  this.timeout(30_000);
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'moebius-drafter-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  /** Writes with a drafter that always guesses `guess`: the tokens, their text, and the rows of every run. */
  async function write(
    guess: number | undefined,
    drafts = true,
    change: Partial<Manifest> = {},
    prompt = PROMPT,
  ) {
    const model = await mkdtemp(join(folder, 'model-'));
    await writeTinyModel(model, guess === undefined ? {} : { guess });
    const core = await loadCore({ folder: model, contextTokens: 600, threads: 1 });
    try {
      const rows: number[] = [];
      const above: number[] = [];
      const manifest = { ...core.manifest, ...change };
      const counting = { ...core, manifest, worker: counted(core, rows, above) } as EngineCore;
      const request = { requestId: 'r', prompt, maxTokens: TOKENS, drafts };
      const { text, usage } = await runRequest(counting, generateRequest(counting, request), hooks);
      const ids = await generateByReference(core, core.tokenizer.encodePlain(prompt), TOKENS);
      const stream = new TextStream(core.tokenizer);
      return { ids, text, usage, expected: ids.map(id => stream.push(id)).join(''), rows, above };
    } finally {
      await core.worker.terminate();
    }
  }

  it('takes right guesses, refuses wrong ones, and changes nothing', async () => {
    const plain = await write(undefined);
    const steps = plain.ids.slice(2); // the drafter sees the states of one token and the next one
    const often = steps.find((id, i) => steps.indexOf(id) < i)!;
    assert.ok(often !== undefined, 'the model never writes a token twice; choose another prompt');
    const guessing = await write(often);
    assert.equal(guessing.text, guessing.expected);
    assert.equal(guessing.text, plain.text);
    assert.equal(guessing.usage.outputTokens, plain.usage.outputTokens);
    assert.ok(guessing.rows.includes(4), 'nothing was guessed');
    assert.ok(
      guessing.rows.length < plain.rows.length,
      `${guessing.rows.length} runs, ${plain.rows.length} without`,
    );
  });

  it('takes less likely guesses and longer drafts where a row costs next to nothing', async () => {
    const [blocks, codes] = [await write(7), await write(7, true, CODES)];
    assert.equal(codes.text, codes.expected);
    assert.ok(Math.max(...codes.above) < Math.min(...blocks.above), `${codes.above}, ${blocks.above}`);
    // What it writes after a prompt stands in the next prompt again and again: a draft as long as there may be.
    const again = `${PROMPT}${blocks.text}${PROMPT}${blocks.text}${PROMPT}`;
    const [short, long] = [
      await write(undefined, true, {}, again),
      await write(undefined, true, CODES, again),
    ];
    assert.equal(long.text, long.expected);
    assert.ok(
      Math.max(...long.rows.slice(1)) >= Math.max(...short.rows.slice(1)),
      `${long.rows}; ${short.rows}`,
    );
    assert.ok(long.rows.length <= short.rows.length);
  });

  it('takes no more where 8 bits lie in blocks, or rows meet experts that no other has', async () => {
    const experts = { kind: 'trained', sharedNeurons: 0, routed: 4, routedNeurons: 8, levels: {} } as const;
    const { above } = await write(7);
    for (const change of [{ ...CODES, products: 'blocks' } as const, { ...CODES, experts }])
      assert.deepEqual((await write(7, true, change)).above, above);
  });

  it('does not guess where drafts are not wanted', async () => {
    const { text, expected, rows } = await write(7, false);
    assert.equal(text, expected);
    assert.ok(rows.slice(1).every(count => count === 1));
  });
});

/** The worker, with the number of rows of every run noted, and how likely guesses have to be. */
function counted(core: EngineCore, rows: number[], above: number[]): EngineCore['worker'] {
  const request: typeof core.worker.request = async (method, args) => {
    if ('draftAbove' in args) above.push(...(args.draftAbove ?? []));
    const reply = await core.worker.request(method, args);
    if ('tokens' in args && 'drafted' in reply) rows.push(args.tokens.length + reply.drafted.length);
    return reply;
  };
  return { request } as EngineCore['worker'];
}
