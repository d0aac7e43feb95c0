import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Tensor } from 'onnxruntime-node';
import type { KvBlock } from '../../../src/engine/kv-pages.ts';
import { levelPlan, planRead } from '../../../src/engine/read-plan.ts';
import { kvBudgetBytes, Sequences } from '../../../src/engine/sequences.ts';
import { Embedding } from '../../../src/engine/session/embedding.ts';
import { packRows, unpackRows } from '../../../src/engine/session/kv-blocks.ts';
import { cacheLayouts, KvCache } from '../../../src/engine/session/kv-cache.ts';
import { chatLevelOf } from '../../../src/models/chat-level.ts';
import type { ExpertLayout, LevelPlan } from '../../../src/models/manifest.ts';

const ALL = Number.POSITIVE_INFINITY;
const numbers = (length: number, from = 0) => Array.from({ length }, (_, i) => from + i);

describe('read plan', () => {
  const exact = { readK: null, writeK: null, exactHead: 0, exactTail: 0 };
  const sparse = { readK: 4, writeK: null, exactHead: 4, exactTail: 100 };
  const shortcut = { ...sparse, shortcut: true } as const;
  const byLayer = { ...sparse, exactHead: 0, readK: [9, 1, 2] };
  const trained = { readK: 8, writeK: 8, exactHead: 0, exactTail: 0 };

  function check(
    name: string,
    cached: [count: number, experts: number][],
    promptTokens: number,
    level: LevelPlan,
    expected: string,
  ) {
    it(`${name}: ${expected}`, () => {
      const experts = cached.flatMap(([count, k]) => new Array<number>(count).fill(k));
      const plan = planRead({ tokens: numbers(experts.length), experts }, numbers(promptTokens), level);
      const segments = plan.segments.map(
        ({ from, to, experts, shortcut }) =>
          `${from}-${to}${experts === null ? '' : `/${experts}`}${shortcut ? ' short' : ''}`,
      );
      assert.equal(`${plan.reused}: ${segments.join(' ')}`, expected);
    });
  }
  check('nothing cached', [], 50, exact, '0: 0-50');
  check('all cached', [[50, ALL]], 50, exact, '49: 49-50');
  check('longer than the prompt', [[80, ALL]], 50, exact, '49: 49-50');
  check(
    'sparse rows are no exact rows',
    [
      [10, ALL],
      [40, 4],
    ],
    50,
    exact,
    '10: 10-50',
  );
  check('head, far, tail', [], 500, sparse, '0: 0-4 4-400/4 400-500');
  check('rows count by the mean of what layers took', [[500, 4]], 500, byLayer, '400: 400-500');
  check('of less than that', [[500, 3]], 500, byLayer, '0: 0-400/9,1,2 400-500');
  check('exact rows serve a sparse request', [[500, ALL]], 500, sparse, '499: 499-500');
  check(
    'far rows are reused',
    [
      [4, ALL],
      [300, 4],
    ],
    500,
    sparse,
    '304: 304-400/4 400-500',
  );
  check(
    'rows of fewer experts are not',
    [
      [4, ALL],
      [300, 2],
    ],
    500,
    sparse,
    '4: 4-400/4 400-500',
  );
  check(
    'sparse rows that are near now are read again',
    [
      [4, ALL],
      [496, 4],
    ],
    500,
    sparse,
    '400: 400-500',
  );
  check(
    'a short far part is read exactly',
    [
      [4, ALL],
      [340, 4],
    ],
    500,
    sparse,
    '344: 344-500',
  );
  check('the far part takes the shortcut', [], 500, shortcut, '0: 0-4 4-400/4 short 400-500');
  check(
    'rows of the whole depth serve it',
    [
      [4, ALL],
      [300, 4],
    ],
    500,
    shortcut,
    '304: 304-400/4 short 400-500',
  );
  check(
    'rows that took the shortcut are no others',
    [
      [4, ALL],
      [300, 3.5],
    ],
    500,
    sparse,
    '4: 4-400/4 400-500',
  );
  check(
    'but serve one',
    [
      [4, ALL],
      [300, 3.5],
    ],
    500,
    shortcut,
    '304: 304-400/4 short 400-500',
  );
  check('a short prompt', [], 100, sparse, '0: 0-100');
  check('a trained model knows only its routing', [], 30, trained, '0: 0-30/8');
  check('one token', [], 1, trained, '0: 0-1/8');

  it('stops reusing where the tokens differ', () => {
    assert.equal(
      planRead({ tokens: [1, 2, 3, 4], experts: [ALL, ALL, ALL, ALL] }, [1, 2, 9, 4, 5], exact).reused,
      2,
    );
  });

  it('refuses a level that a carved model was not made for', () => {
    const layout = {
      kind: 'carved',
      sharedNeurons: 1,
      routed: 4,
      routedNeurons: 1,
      levels: { fast: sparse },
    } as const;
    assert.equal(levelPlan(layout, 'fast'), sparse);
    assert.equal(levelPlan(layout).readK, null);
    assert.equal(levelPlan(null, 'fast').readK, null);
    assert.throws(() => levelPlan(layout, 'frugal'), /has: fast/);
  });

  it('for a chat without a choice is the one of least reading that writes with all and was measured to cost little', () => {
    const plan = (readK: LevelPlan['readK'], tailNll?: number, writeK: number | null = null): LevelPlan => ({
      ...{ readK, writeK, exactTail: 1, exactHead: 0 },
      ...(tailNll !== undefined && { tailNll }),
    });
    const chatLevel = (
      levels: ExpertLayout['levels'],
      kind: ExpertLayout['kind'] = 'carved',
      products?: 'codes' | 'blocks',
    ) => chatLevelOf({ kind, sharedNeurons: 64, routed: 8, routedNeurons: 64, levels }, products);
    const exact = plan(null);
    const frugal = plan(1, 0.01, 4);
    const cheap = { exact, balanced: plan(4, 0.01), fast: plan(1, 0.02), frugal };
    assert.equal(chatLevel(cheap), 'fast');
    assert.equal(chatLevel(cheap, 'carved', 'codes'), 'exact', 'nothing to gain');
    assert.equal(chatLevel({ ...cheap, fast: plan([7, 2], 0.01) }), 'balanced', 'the mean of the layers');
    assert.equal(chatLevel(cheap, 'carved', 'blocks'), 'fast');
    assert.equal(chatLevel({ exact, balanced: plan(4, 0.01), fast: plan(1, 0.03), frugal }), 'balanced');
    assert.equal(
      chatLevel({ exact, balanced: plan(4, 0.03), fast: plan(1), frugal }),
      'exact',
      'not measured',
    );
    assert.equal(chatLevel({ fast: plan(1, 0.01) }), 'fast');
    assert.equal(chatLevel({ exact, fast: plan(1, 0.01) }, 'trained'), 'exact');
  });
});

describe('sequences', () => {
  it('gives a second one while the first is in use', () => {
    const sequences = new Sequences(0, () => {});
    const first = sequences.lease('chat');
    const second = sequences.lease('chat');
    assert.notEqual(first.key, second.key);
    sequences.release(second);
    assert.equal(sequences.lease('chat').key, second.key);
  });

  it('has a share of the memory, up to a limit', () => {
    assert.equal(kvBudgetBytes(8 * 2 ** 30), 2 ** 30);
    assert.equal(kvBudgetBytes(512 * 2 ** 30), 4 * 2 ** 30);
  });

  it('drops the longest unused when memory runs short, never one in use', () => {
    const dropped: number[] = [];
    const sequences = new Sequences(250, key => dropped.push(key));
    const [a, b, c] = ['a', 'b', 'c'].map(name => {
      const sequence = sequences.lease(name);
      sequence.bytes = 100;
      return sequence;
    });
    sequences.release(b!);
    assert.deepEqual(dropped, [b!.key]);
    sequences.release(c!);
    sequences.release(a!);
    assert.deepEqual(
      sequences.list().map(sequence => sequence.name),
      ['a', 'c'],
    );
    sequences.release(sequences.lease('a'));
    const d = sequences.lease('d');
    d.bytes = 100;
    sequences.evict();
    assert.deepEqual(dropped, [b!.key, c!.key]);
  });

  it('keeps the last conversation, though it is larger than the budget and ghost text came meanwhile', () => {
    const dropped: string[] = [];
    const names = new Map<number, string>();
    const sequences = new Sequences(250, key => dropped.push(names.get(key)!));
    const use = (name: string, bytes: number, isKept: boolean) => {
      const sequence = sequences.lease(name);
      names.set(sequence.key, name);
      Object.assign(sequence, { bytes, isKept });
      sequences.evict();
      return () => sequences.release(sequence);
    };
    use('old', 100, true)();
    const end = use('chat', 300, true);
    use('completion', 50, false)();
    end();
    assert.deepEqual(dropped, ['old']);
    use('next', 100, true)();
    assert.deepEqual(dropped, ['old', 'chat']);
  });
});

describe('KV cache', () => {
  const dims = { layers: 2, kvHeads: 2, headDim: 3 };

  /** new_k and new_v whose values tell layer, k or v, head, row and column. */
  function freshRows(at: number, count: number): Record<string, Tensor> {
    const output: Record<string, Tensor> = {};
    for (let layer = 0; layer < dims.layers; layer++) {
      for (const [j, kind] of ['k', 'v'].entries()) {
        const data = Float32Array.from({ length: count * 6 }, (_, i) =>
          value(layer, j, at + Math.floor(i / 6), Math.floor(i / 3) % 2, i % 3),
        );
        output[`new_${kind}.${layer}`] = new Tensor('float32', data, [count, 6]);
      }
    }
    return output;
  }
  const layouts = cacheLayouts(
    Array.from({ length: dims.layers }, (_, layer) =>
      ['k', 'v'].map(kind => ({
        name: `past_${kind}.${layer}`,
        shape: ['past', dims.kvHeads, dims.headDim],
      })),
    ).flat(),
  );
  /** Too large for half precision, so that it is given out as it is. */
  const value = (layer: number, j: number, row: number, head: number, column: number) =>
    100_000 + column + 10 * row + 20_000 * head + 40_000 * j + 80_000 * layer;

  function assertHolds(cache: KvCache, rows: number) {
    assert.equal(cache.length, rows);
    const feeds = cache.feeds();
    for (let layer = 0; layer < dims.layers; layer++) {
      for (const [j, kind] of ['k', 'v'].entries()) {
        const { data, dims: shape } = feeds[`past_${kind}.${layer}`]!;
        assert.deepEqual(shape, [rows, dims.kvHeads, dims.headDim]);
        for (let row = 0; row < rows; row++) {
          for (let head = 0; head < dims.kvHeads; head++) {
            assert.equal((data as Float32Array)[row * 6 + head * 3 + 1], value(layer, j, row, head, 1));
          }
        }
      }
    }
  }

  it('keeps every row through growing, appending and truncating', () => {
    const cache = new KvCache(layouts, 1500);
    let length = 0;
    for (const count of [1, 200, 100, 300, 1, 700]) {
      cache.reserve(length + count);
      cache.append(freshRows(length, count), count);
      length += count;
      assertHolds(cache, length);
    }
    cache.truncate(250);
    assertHolds(cache, 250);
    cache.append(freshRows(250, 30), 30);
    assertHolds(cache, 280);
  });

  it('grows by blocks of half its size up to the largest context, and accounts for it', () => {
    const cache = new KvCache(layouts, 2000);
    const bytesPerRow = 2 * dims.layers * dims.kvHeads * dims.headDim * 4;
    const check = (rows: number, capacity: number) => {
      cache.reserve(rows);
      assert.deepEqual([cache.capacity, cache.bytes], [capacity, capacity * bytesPerRow]);
    };
    check(1, 256);
    check(257, 512);
    check(513, 768);
    check(769, 1024);
    check(1025, 1536);
    check(1537, 2000);
    check(2000, 2000);
  });

  it('grows a layer at a time, and goes on as it was where memory does not suffice', () => {
    const cache = new KvCache(layouts, 1000);
    cache.append(freshRows(0, 200), 200);
    const { bytes } = cache;
    const seen: number[] = [];
    const whole = globalThis.Float32Array;
    globalThis.Float32Array = new Proxy(whole, {
      construct(target, args) {
        seen.push(cache.bytes);
        if (seen.length === 3) throw new RangeError('Array buffer allocation failed');
        return Reflect.construct(target, args);
      },
    });
    try {
      assert.throws(() => cache.reserve(300), { code: 'out-of-memory' });
    } finally {
      globalThis.Float32Array = whole;
    }
    assert.deepEqual(seen, [bytes, bytes * 1.25, bytes * 1.5]);
    assert.equal(cache.capacity, 256);
    assertHolds(cache, 200);
    cache.append(freshRows(200, 56), 56);
    cache.reserve(300);
    assert.deepEqual([cache.capacity, cache.bytes], [512, 2 * bytes]);
    cache.append(freshRows(256, 44), 44);
    assertHolds(cache, 300);
  });

  it('gives rows out and takes them in behind its own, a part of them too', () => {
    const cache = new KvCache(layouts, 1000);
    cache.reserve(300);
    cache.append(freshRows(0, 300), 300);
    const [first, second] = [cache.export(0, 256), cache.export(256, 300)];
    const names = first.map(({ name, rows, rowSize }) => `${name} ${rows} ${rowSize}`);
    assert.deepEqual(names, ['k.0 256 6', 'v.0 256 6', 'k.1 256 6', 'v.1 256 6']);
    const other = new KvCache(layouts, 1000);
    other.reserve(256 + 20);
    other.import(first, 256);
    other.import(second, 20);
    assertHolds(other, 276);
  });

  it('takes half the bytes for numbers that half precision can tell apart', () => {
    const small = Float32Array.from({ length: 12 }, (_, i) => i / 4);
    const types = (values: Float32Array) => {
      const block = packRows('k.0', values, 6);
      assert.deepEqual(unpackRows(block, 'k.0', 2, 6), values);
      return `${block.type} ${block.data.length}`;
    };
    assert.equal(types(small), 'f16 24');
    assert.equal(types(small.map(value => value + 70_000)), 'f32 48');
  });

  it('refuses rows of another model, and is as it was', () => {
    const cache = new KvCache(layouts, 1000);
    cache.reserve(300);
    cache.append(freshRows(0, 2), 2);
    const good = cache.export(0, 2);
    const bad: [string, KvBlock[]][] = [
      ['a layer less', good.slice(0, 2)],
      ['another order', [...good].reverse()],
      ['another width', good.map(block => ({ ...block, rows: 4, rowSize: 3 }))],
      [
        'too few rows',
        good.map(block => ({ ...block, rows: 1, data: block.data.slice(0, block.data.length / 2) })),
      ],
      ['fewer bytes', good.map(block => ({ ...block, data: block.data.slice(1) }))],
    ];
    for (const [name, blocks] of bad) {
      assert.throws(() => cache.import(blocks, 2), { code: 'format-invalid' }, name);
      assertHolds(cache, 2);
    }
  });

  it('gives the graphs one row when it is empty, because they cannot take none', () => {
    const cache = new KvCache(layouts, 1000);
    assert.equal(cache.pastRows, 1);
    assert.deepEqual(cache.feeds()['past_k.1']!.dims, [1, 2, 3]);
  });

  it('gives a windowed layer the last rows, and a convolution zeros before the first one', () => {
    const [window, before] = [
      { name: 'past_k.0', shape: ['window', 1, 1] },
      { name: 'past_conv.1', shape: [2, 1] },
    ];
    const cache = new KvCache(cacheLayouts([window, before]), 100, 4);
    const seen = (name: string) => [...(cache.feeds()[name]!.data as Float32Array)];
    const append = (from: number, count: number) => {
      const data = Float32Array.from({ length: count }, (_, i) => from + i);
      cache.reserve(cache.length + count);
      cache.append(
        {
          'new_k.0': new Tensor('float32', data, [count]),
          'new_conv.1': new Tensor('float32', data, [count]),
        },
        count,
      );
    };
    assert.deepEqual(seen('past_conv.1'), [0, 0]);
    append(1, 1);
    assert.deepEqual([seen('past_k.0'), seen('past_conv.1')], [[1], [0, 1]]);
    append(2, 8);
    assert.deepEqual(
      [seen('past_k.0'), seen('past_conv.1')],
      [
        [7, 8, 9],
        [8, 9],
      ],
    );
    cache.truncate(5);
    assert.deepEqual([seen('past_k.0'), seen('past_conv.1'), cache.windowRows], [[3, 4, 5], [4, 5], 3]);
  });
});

describe('embedding', () => {
  const folder = mkdtempSync(join(tmpdir(), 'moebius-embedding-'));
  after(() => rmSync(folder, { recursive: true }));
  const HIDDEN = 40;
  const floats = Float32Array.from({ length: 3 * HIDDEN }, (_, i) => i / 7);
  const file = (...parts: (Uint8Array | Float32Array)[]) => {
    writeFileSync(
      join(folder, 'table'),
      Buffer.concat(parts.map(part => Buffer.from(part.buffer, 0, part.byteLength))),
    );
    return 'table';
  };

  it('reads float rows', () => {
    const table = new Embedding(
      folder,
      { kind: 'f32', file: file(new Uint8Array(8), floats), offset: 8 },
      HIDDEN,
    );
    assert.deepEqual(
      table.rows([2, 0, 2]),
      Float32Array.from([2, 0, 2].flatMap(t => [...floats.slice(t * HIDDEN, (t + 1) * HIDDEN)])),
    );
    assert.throws(() => table.rows([3]), { code: 'model-invalid' });
    table.close();
  });

  for (const bits of [4, 8] as const) {
    it(`reads rows of ${bits}-bit blocks, the last one padded`, () => {
      const blocks = 2; // of 32, for 40 numbers
      const q = (row: number, i: number) => (row * 31 + i * 7) % 2 ** bits;
      const scale = (row: number, block: number) => (row + 1) / (block + 3);
      const packed = new Uint8Array((3 * blocks * 32 * bits) / 8);
      for (let row = 0; row < 3; row++) {
        for (let i = 0; i < 64; i++) {
          const at = row * 64 + i;
          if (bits === 8) packed[at] = q(row, i);
          else packed[at >> 1]! |= q(row, i) << (4 * (at & 1));
        }
      }
      const scales = Float32Array.from({ length: 3 * blocks }, (_, i) => scale(Math.floor(i / 2), i % 2));
      const name = file(packed, scales);
      const table = new Embedding(
        folder,
        { kind: 'blocks', bits, blockSize: 32, file: name, offset: 0, scalesOffset: packed.length },
        HIDDEN,
      );
      const expected = numbers(HIDDEN).map(i => (q(1, i) - 2 ** (bits - 1)) * Math.fround(scale(1, i >> 5)));
      assert.deepEqual(table.rows([1]), Float32Array.from(expected));
      table.close();
    });
  }
});
