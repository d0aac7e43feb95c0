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
  /** A drafter that always guesses the same, and whose state is the token's; an embedding has one number, the token's own. */
  function open(goesOn = false) {
    const given: { states: number[]; next: number[]; own?: number[] }[] = [];
    const numbers = (of: Tensor) => [...(of.data as Float32Array)];
    const run = async ({ hidden, next, own }: Record<string, Tensor>) => {
      given.push({ states: numbers(hidden!), next: numbers(next!), ...(own && { own: numbers(own) }) });
      return {
        token: new Tensor('int64', BigInt64Array.of(BigInt(GUESS)), [1]),
        probability: new Tensor('float32', Float32Array.of(0.5), [1]),
        state: new Tensor('float32', Float32Array.of(numbers(next!).at(-1)!), [1, 1]),
      };
    };
    const inputs = ['hidden', ...(goesOn ? ['own'] : [])].map(name => ({ name, shape: ['n', 1] }));
    const graph = { inputs, run } as unknown as GraphSession;
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
    const read = await drafter.read(rows, states, 5, [10], [0]);
    rows.tokens.push(read!.guesses[0]!.token);
    ran(2, 7);
    await drafter.read(rows, states, 7, [12], []);
    assert.deepEqual(given, [
      { states: [4], next: [10] },
      { states: [5, 6], next: [GUESS, 12] },
    ]);
  });

  it('one that was wrong is forgotten', async () => {
    const { drafter, rows, states, ran, given } = open();
    ran(1, 5);
    const read = await drafter.read(rows, states, 5, [10], [0]);
    rows.tokens.push(read!.guesses[0]!.token);
    ran(2, 7);
    await drafter.read(rows, states, 6, [11], []);
    assert.deepEqual(given[1], { states: [5], next: [11] });
  });

  it('tokens that were run without it are known to it, and those of the prompt are not asked for', async () => {
    const { drafter, rows, states, ran, given } = open();
    ran(3, 5);
    await drafter.read(rows, states, 5, [10], []);
    drafter.follow(rows, 6, [11, 12]);
    ran(2, 8);
    await drafter.read(rows, states, 8, [13], []);
    assert.deepEqual(given, [
      { states: [4], next: [10] },
      { states: [6, 7], next: [12, 13] },
    ]);
  });

  it('goes on from its own state while all that it guessed is likely enough, and forgets those rows', async () => {
    const { drafter, rows, states, ran, given } = open(true);
    ran(1, 5);
    const read = await drafter.read(rows, states, 5, [10], [0.2, 0.2, 0.2]);
    assert.equal(read!.position, 6);
    // The third would be worth a run of the layer, not one of the model.
    assert.deepEqual(read!.guesses, [
      { token: GUESS, probability: 0.5 },
      { token: GUESS, probability: 0.25 },
    ]);
    assert.deepEqual(given, [
      { states: [4], next: [10], own: [0] },
      { states: [0], next: [GUESS], own: [10] },
      { states: [0], next: [GUESS], own: [GUESS] },
    ]);
    assert.deepEqual([rows.positions, rows.cache.length], [[4], 1]);
    // The first was right.
    rows.tokens.push(GUESS, GUESS);
    ran(3, 8);
    await drafter.read(rows, states, 7, [12], []);
    assert.deepEqual(given[3], { states: [5, 6], next: [GUESS, 12], own: [0, 0] });
  });

  it('guesses one token where the layer can say no more, or what it said is unlikely', async () => {
    for (const [goesOn, above] of [
      [false, [0, 0]],
      [true, [0, 0.5]],
    ] as const) {
      const { drafter, rows, states, ran, given } = open(goesOn);
      ran(1, 5);
      const read = await drafter.read(rows, states, 5, [10], above);
      assert.equal(read!.guesses.length, 1);
      assert.equal(given.length, 1);
    }
    const { drafter, rows, states, ran } = open(true);
    ran(1, 5);
    assert.deepEqual((await drafter.read(rows, states, 5, [10], [0.5]))!.guesses, []);
  });
});
