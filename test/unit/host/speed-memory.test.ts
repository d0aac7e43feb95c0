import assert from 'node:assert/strict';
import { SpeedMemory } from '../../../src/host/speed-memory.ts';

describe('host/speed-memory', () => {
  function memory() {
    const stored: { value: unknown }[] = [];
    const state = {
      get: (_key: string, fallback: unknown) => stored.at(-1)?.value ?? fallback,
      update: async (_key: string, value: unknown) => void stored.push({ value }),
    };
    return { stored, open: () => new SpeedMemory(state as never) };
  }
  const int4 = { id: 'a', variant: 'int4' } as const;

  it('knows at the next start how fast each form of a model was read', () => {
    const { open } = memory();
    assert.equal(open().of(int4), null);
    open().note(int4, 90.4);
    open().note({ ...int4, variant: 'int8' }, 360);
    assert.deepEqual([open().of(int4), open().of({ ...int4, variant: 'int8' })], [90, 360]);
  });

  it('takes nothing that was not measured', () => {
    const { stored, open } = memory();
    open().note(int4, null);
    assert.deepEqual([stored, open().of(int4)], [[], null]);
  });

  it('writes only what tells something new', () => {
    const { stored, open } = memory();
    for (const speed of [100, 105, 119, 81, 130]) open().note(int4, speed);
    assert.deepEqual(
      stored.map(({ value }) => value),
      [{ 'a int4': 100 }, { 'a int4': 130 }],
    );
  });
});
