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
        room.fitTo(tokens);
        const { before, after, grown, files } = promptSize(idleChars, room.chars, 2000);
        assert.ok(grown + after + files <= room.chars && before < grown, `${tokens} ${idleChars}`);
        assert.ok(before > 100 && after > 50 && files >= 0);
      }
  });

  it('the context holds less of a dense document', () => {
    const room = new Room();
    assert.equal(room.chars, Infinity, 'not known yet');
    room.fitTo(8192);
    const { chars } = room;
    room.tighten();
    assert.ok(chars / 8192 < 3 && room.chars < 0.8 * chars);
  });

  it('the context holds as much as before of the next document, step by step, and no more of one that stays dense', () => {
    const room = new Room();
    room.fitTo(8192);
    const { chars } = room;
    room.tighten();
    const tight = room.chars;
    room.loosen(1600, 1000);
    assert.equal(room.chars, tight);
    room.loosen(3300, 1000);
    assert.ok(room.chars > tight && room.chars < chars);
    for (let i = 0; i < 9; i++) room.loosen(3300, 1000);
    assert.equal(room.chars, chars);
  });

  it('what one model holds less of says nothing of another, nor of anything once it is forgotten', () => {
    const room = new Room();
    room.fitTo(8192);
    const { chars } = room;
    room.tighten();
    room.fitTo(8192);
    assert.equal(room.chars, chars);
    room.tighten();
    room.forgetDensity();
    assert.equal(room.chars, chars);
  });
});
