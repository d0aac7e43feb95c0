/** What the drafter is given: the state of each token, and the token that followed it. */
import assert from 'node:assert/strict';
import { Tensor } from 'onnxruntime-node';
import type { Embedding } from '../../../src/engine/session/embedding.ts';
import type { GraphSession } from '../../../src/engine/session/graph-session.ts';
import { NextTokenDrafter } from '../../../src/engine/session/next-token-drafter.ts';
import { StateTail } from '../../../src/engine/session/state-tail.ts';
import type { ModelDims } from '../../../src/models/manifest.ts';

describe('engine/session/next-token-drafter', () => {
  const GUESS = 99;
  /** A drafter that always guesses the same; an embedding has one number, the token's own. */
  function open() {
    const given: { states: number[]; next: number[] }[] = [];
    const run = async ({ hidden, next }: Record<string, Tensor>) => {
      given.push({ states: [...(hidden!.data as Float32Array)], next: [...(next!.data as Float32Array)] });
      return {
        token: new Tensor('int64', BigInt64Array.of(BigInt(GUESS)), [1]),
        probability: new Tensor('float32', Float32Array.of(0.9), [1]),
      };
    };
    const graph = { inputs: [], run } as unknown as GraphSession;
    const embedding = { rows: (tokens: number[]) => Float32Array.from(tokens) } as unknown as Embedding;
    const dims = { hidden: 1, heads: 1, kvHeads: 1 } as ModelDims;
    const drafter = new NextTokenDrafter(graph, dims, embedding);
    const states = new StateTail();
    /** The model ran the tokens before `end`, and gave the states of the last `count`: their positions. */
    const ran = (count: number, end: number) => {
      const positions = Float32Array.from({ length: count }, (_, i) => end - count + i);
      states.set({ hidden: new Tensor('float32', positions, [count, 1]) }, end);
    };
    return { drafter, rows: drafter.newRows(64), states, ran, given };
  }

  it('a guess that was right is the token behind the one before it', async () => {
    const { drafter, rows, states, ran, given } = open();
    ran(1, 5);
    const guess = await drafter.read(rows, states, 5, [10]);
    rows.tokens.push(guess!.token);
    ran(2, 7);
    await drafter.read(rows, states, 7, [12]);
    assert.deepEqual(given, [
      { states: [4], next: [10] },
      { states: [5, 6], next: [GUESS, 12] },
    ]);
  });

  it('one that was wrong is forgotten', async () => {
    const { drafter, rows, states, ran, given } = open();
    ran(1, 5);
    rows.tokens.push((await drafter.read(rows, states, 5, [10]))!.token);
    ran(2, 7);
    await drafter.read(rows, states, 6, [11]);
    assert.deepEqual(given[1], { states: [5], next: [11] });
  });

  it('tokens that were run without it are known to it, and those of the prompt are not asked for', async () => {
    const { drafter, rows, states, ran, given } = open();
    ran(3, 5);
    await drafter.read(rows, states, 5, [10]);
    drafter.follow(rows, 6, [11, 12]);
    ran(2, 8);
    await drafter.read(rows, states, 8, [13]);
    assert.deepEqual(given, [
      { states: [4], next: [10] },
      { states: [6, 7], next: [12, 13] },
    ]);
  });
});
