import assert from 'node:assert/strict';
import { promptSize, Room } from '../../../src/completion/prompt-size.ts';

describe('completion/prompt-size', () => {
  const sizes = (idleChars: number, roomChars?: number, leastFileChars?: number) => {
    const { before, after, grown, files } = promptSize(idleChars, roomChars, leastFileChars);
    return [before, after, grown, files];
  };

  it('of a slow machine is the least that is worth it, and other files get what is left', () => {
    assert.deepEqual(sizes(1000), [1500, 600, 6000, 0]);
    assert.deepEqual(sizes(2376), [1500, 600, 6000, 876]);
    assert.deepEqual(sizes(2376, Infinity, 2000), [1500, 600, 6000, 2000]);
  });

  it('grows with the speed, the document first', () => {
    assert.deepEqual(sizes(10_000), [4000, 1000, 8500, 6000]);
    assert.deepEqual(sizes(100_000), [6000, 1500, 10_500, 94_000]);
  });

  it('fits into any context, whatever is typed', () => {
    for (const tokens of [512, 1024, 2048, 8192, 32_768])
      for (const idleChars of [0, 2000, 20_000, 200_000]) {
        const room = new Room();
        room.tokens = tokens;
        const { before, after, grown, files } = promptSize(idleChars, room.chars, 2000);
        assert.ok(grown + after + files <= room.chars && before < grown, `${tokens} ${idleChars}`);
        assert.ok(before > 100 && after > 50 && files >= 0);
      }
  });

  it('the context holds less of a dense document', () => {
    const room = new Room();
    assert.equal(room.chars, Infinity, 'not known yet');
    room.tokens = 8192;
    const { chars } = room;
    room.tighten();
    assert.ok(chars / 8192 < 3 && room.chars < 0.8 * chars);
  });
});
