/** The shortcut of the real 1.5B model; skipped where the store (MOEBIUS_HOME, else ~/.moebius) doesn't have it. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import type { Engine, RunHooks } from '../../src/engine/engine.ts';
import { loadEngine } from '../../src/engine/load.ts';
import { variantFolder } from '../support/models.ts';
import { readTokenizer } from '../support/tokenizer.ts';

const folder = variantFolder('qwen2.5-coder-1.5b', 'int4');
const SNIPPET = `export function clampVolume(loudness: number, floor: number, ceiling: number): number {
  if (loudness < floor) return floor;
  return loudness > ceiling ? ceiling : loudness;
}
`;
const hooks: RunHooks = { signal: new AbortController().signal, turn: async () => {}, onEvent() {} };

describe('the shortcut of Qwen2.5-Coder-1.5B', function () {
  this.timeout(300_000);
  let engine: Engine;
  before(async function () {
    if (!existsSync(folder)) this.skip();
    engine = await loadEngine({ folder, contextTokens: 2048, threads: 2 });
  });
  after(() => engine?.dispose());

  it('lets a level find again what it has read through it', async () => {
    const tokenizer = readTokenizer(folder);
    const between = Array.from({ length: 60 }, (_, i) => `const limit${i} = ${i * i};\n`).join('');
    const tokens = tokenizer.encodePlain(SNIPPET + between + SNIPPET);
    // Its first words could be anything.
    const repeated = tokenizer.encodePlain(SNIPPET).length - 8;
    const again = async (level: 'exact' | 'fast') => {
      const scores = (await engine.score(tokens, level, hooks)).subarray(-repeated);
      return scores.reduce((sum, score) => sum + score, 0) / repeated;
    };
    const [exact, fast] = [await again('exact'), await again('fast')];
    assert.ok(exact > -0.2, `${exact}`);
    assert.ok(exact - fast < 0.1, `${fast} instead of ${exact}`);
  });
});
