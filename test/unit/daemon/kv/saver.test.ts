/** When rows are saved: while nobody asks for anything, and never in anyone's way. */
import assert from 'node:assert/strict';
import { KvSaver, type Savable } from '../../../../src/daemon/kv/saver.ts';
import type { KeptSequence } from '../../../../src/engine/kv-pages.ts';
import { FakeClock, settle } from '../../../support/fake-clock.ts';

const IDLE_MS = 1000;

/** Lets a save go to its end. */
const end = async () => {
  for (let i = 0; i < 20; i++) await settle();
};

/** A model with sequences of `pages` pages each, of which none is saved. */
function setup(sequences: { lease: number; pages: number; tokens?: number }[]) {
  const clock = new FakeClock();
  const saved: string[] = [];
  const logged: string[] = [];
  const state = { isIdle: true, sequences, exportMs: 0, onExport() {}, writeError: null as Error | null };
  const model: Savable = {
    engine: {
      keptSequences: () =>
        state.sequences.map(({ lease, tokens = 600 }): KeptSequence => {
          return { lease, tokens: new Array(tokens).fill(lease), experts: new Array(tokens).fill(1) };
        }),
      async exportRows(lease, from, to) {
        state.onExport();
        if (state.exportMs > 0) await clock.advance(state.exportMs);
        const isThere = state.sequences.some(sequence => sequence.lease === lease);
        return isThere ? { tokens: new Array(to - from).fill(lease), experts: [], blocks: [] } : null;
      },
    },
    pages: {
      async unsaved({ tokens: [lease] }) {
        const { pages } = state.sequences.find(sequence => sequence.lease === lease)!;
        const all = Array.from({ length: pages }, (_, i) => ({
          parent: `${lease}/${i}`,
          from: i,
          to: i + 1,
        }));
        return all.filter(({ parent }) => !saved.includes(parent));
      },
      async write(parent) {
        if (state.writeError) throw state.writeError;
        saved.push(parent);
      },
    },
  };
  const options = { clock, isIdle: () => state.isIdle, loaded: () => model };
  const saver = new KvSaver({ ...options, log: message => logged.push(message) });
  return { clock, saved, logged, state, model, saver };
}

describe('KV saver', () => {
  it('saves when nothing has been asked for a while, and each conversation once', async () => {
    const { clock, saved, saver, state } = setup([
      { lease: 2, pages: 1 },
      { lease: 1, pages: 2 },
    ]);
    saver.noteActivity();
    await clock.advance(IDLE_MS - 1);
    assert.deepEqual(saved, []);
    await clock.advance(1);
    await end();
    assert.deepEqual(saved, ['2/0', '1/0', '1/1']);
    saved.length = 0;
    state.sequences.push({ lease: 3, pages: 1 });
    saver.noteActivity();
    await clock.advance(IDLE_MS);
    await end();
    assert.deepEqual(saved, ['3/0'], 'what others threw away is not written again and again');
  });

  it('does not begin while a request is there, and stops after the page when one comes', async () => {
    const { clock, saved, saver, state } = setup([{ lease: 1, pages: 5 }]);
    saver.noteActivity();
    state.isIdle = false;
    saver.noteActivity();
    await clock.advance(10 * IDLE_MS);
    assert.deepEqual(saved, []);
    state.isIdle = true;
    saver.noteActivity();
    let exported = 0;
    state.onExport = () => {
      if (++exported < 2) return;
      state.isIdle = false;
      saver.noteActivity();
    };
    await clock.advance(2 * IDLE_MS);
    await end();
    assert.deepEqual(saved, ['1/0', '1/1']);
    state.onExport = () => {};
    state.isIdle = true;
    saver.noteActivity();
    await clock.advance(2 * IDLE_MS);
    await end();
    assert.equal(saved.length, 5, 'goes on where it stopped');
  });

  it('leaves short ones, and a conversation that has gone on meanwhile', async () => {
    const { clock, saved, saver, state } = setup([
      { lease: 1, pages: 1, tokens: 255 },
      { lease: 2, pages: 2 },
    ]);
    saver.noteActivity();
    state.onExport = () => void state.sequences.pop();
    await clock.advance(IDLE_MS);
    await end();
    assert.deepEqual(saved, []);
  });

  it('logs what cannot be saved, once, and goes on with the next', async () => {
    const { clock, logged, saver, state } = setup([{ lease: 1, pages: 3 }]);
    state.writeError = new Error('ENOSPC: no space left on device, write');
    for (let i = 0; i < 2; i++) {
      saver.noteActivity();
      await clock.advance(IDLE_MS);
      await end();
    }
    assert.deepEqual(logged, ['A conversation was not saved: ENOSPC: no space left on device, write']);
  });

  it('saves what a moment suffices for before the model goes', async () => {
    const { saved, saver, state, model } = setup([{ lease: 1, pages: 50 }]);
    state.exportMs = 100;
    await saver.saveLast(model);
    assert.deepEqual(saved, ['1/0', '1/1', '1/2']);
    await saver.saveLast({ ...model, pages: null });
    assert.equal(saved.length, 3);
  });
});
