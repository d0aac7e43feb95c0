import assert from 'node:assert/strict';
import { type Keystroke, press, recordSession } from '../../bench/typing-script.ts';

const SOURCE = Array.from({ length: 100 }, (_, i) =>
  i % 5 === 0 ? `def function_${i}(value):` : `    result_${i} = value.method_${i}(${i}, result)`,
).join('\n');

describe('recorded session of typing', () => {
  it('types, deletes and jumps', () => {
    const at = { text: 'ab\ncd', offset: 2 };
    const key = (
      rest: { kind: 'type'; text: string } | { kind: 'delete' } | { kind: 'jump'; offset: number },
    ) => press(at, { pauseMs: 0, ...rest });
    assert.deepEqual(key({ kind: 'type', text: 'xy' }), { text: 'abxy\ncd', offset: 4 });
    assert.deepEqual(key({ kind: 'delete' }), { text: 'a\ncd', offset: 1 });
    assert.deepEqual(key({ kind: 'jump', offset: 5 }), { text: 'ab\ncd', offset: 5 });
  });

  it('ends with the whole file, whatever was mistyped on the way', () => {
    for (const seed of [1, 2, 3]) {
      const { opened, keys } = recordSession(SOURCE, seed);
      assert.ok(opened.text.length < SOURCE.length);
      assert.equal(keys.reduce(press, opened).text, SOURCE);
    }
  });

  it('is the same for the same seed', () => {
    assert.deepEqual(recordSession(SOURCE, 7), recordSession(SOURCE, 7));
    assert.notDeepEqual(recordSession(SOURCE, 7), recordSession(SOURCE, 8));
  });

  it('has keys of every kind, jumps up and down, and the pauses of a person', () => {
    const { opened, keys } = recordSession(SOURCE, 1);
    const jumps = keys.filter(key => key.kind === 'jump').map(key => key.offset);
    assert.ok(keys.some(key => key.kind === 'delete'));
    assert.ok(jumps.some((offset, i) => i > 0 && offset < jumps[i - 1]!));
    assert.ok(jumps.some((offset, i) => i > 0 && offset > jumps[i - 1]!));
    for (const { pauseMs } of keys) assert.ok(pauseMs > 20 && pauseMs < 6000, `${pauseMs} ms`);
    const typed = keys.filter(key => key.kind === 'type' && key.text.length === 1);
    const pauses = typed.map((key: Keystroke) => key.pauseMs).sort((a, b) => a - b);
    const median = pauses[pauses.length >> 1]!;
    assert.ok(median > 90 && median < 200, `${median} ms`);
    assert.equal(opened.offset, 0);
  });

  it('refuses a file in which nothing can be left out', () => {
    assert.throws(() => recordSession('x = 1\n'.repeat(300), 1), /too few lines/);
  });
});
