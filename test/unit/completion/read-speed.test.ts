import assert from 'node:assert/strict';
import { ReadSpeed } from '../../../src/completion/read-speed.ts';

describe('completion/read-speed', () => {
  it('assumes a slow machine before it has measured one', () => {
    const speed = new ReadSpeed();
    assert.ok(speed.coldChars >= 300 && speed.coldChars < 500, String(speed.coldChars));
    assert.ok(speed.idleChars > speed.coldChars);
  });

  it('follows what it is told, and allows what is read in a second', () => {
    const speed = new ReadSpeed();
    for (let i = 0; i < 30; i++) speed.note(1000, 1000);
    assert.ok(Math.abs(speed.coldChars - 3300) < 10, String(speed.coldChars));
    assert.ok(Math.abs(speed.idleChars - 8 * 3300) < 100);
    speed.note(100, 1000);
    assert.ok(speed.coldChars < 2600 && speed.coldChars > 1500, 'one slow request is not the whole truth');
  });

  it('never allows so little that nothing is told', () => {
    const speed = new ReadSpeed();
    for (let i = 0; i < 50; i++) speed.note(40, 60_000);
    assert.equal(speed.coldChars, 300);
  });

  it('says only what was measured, and forgets it for another model, known or not', () => {
    const speed = new ReadSpeed();
    const { coldChars } = speed;
    assert.equal(speed.measured, null);
    speed.note(1000, 1000);
    assert.ok(speed.measured! > 80);
    speed.assume(400);
    assert.deepEqual([speed.measured, speed.coldChars], [null, 1320]);
    speed.assume(null);
    assert.deepEqual([speed.measured, speed.coldChars], [null, coldChars]);
  });

  it('learns nothing of a few tokens or of no time', () => {
    const speed = new ReadSpeed();
    const before = speed.coldChars;
    speed.note(31, 1);
    speed.note(1000, 0);
    assert.equal(speed.coldChars, before);
  });
});
