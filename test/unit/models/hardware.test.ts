/** What the user is told of memory, disk and speed, from a machine's measurements and a model's facts. */
import assert from 'node:assert/strict';
import { catalogue, catalogueEntry, defaultModel } from '../../../src/models/catalogue.ts';
import {
  adviseAddition,
  adviseHardware,
  limitNote,
  type Machine,
  speedNote,
} from '../../../src/models/hardware.ts';
import { factsIn, type ModelFacts, NO_WEIGHTS } from '../../../src/models/model-facts.ts';

const machine = (given: Partial<Machine> = {}): Machine => ({
  totalBytes: 16e9,
  freeBytes: 8e9,
  freeDiskBytes: 100e9,
  speed: {
    int4: { write: 40e9, read: 200e9 },
    int8: { write: 20e9, read: 400e9 },
    w8a8: { write: 25e9, read: 900e9 },
    operatorSeconds: 1e-6,
    share: 1,
  },
  ...given,
});
const facts = (given: Partial<ModelFacts> = {}): ModelFacts => ({
  layers: 10,
  met: { ...NO_WEIGHTS, int4: 1e9, int8: 0.5e9 },
  head: { ...NO_WEIGHTS, int4: 0.2e9 },
  idle: NO_WEIGHTS,
  drafter: NO_WEIGHTS,
  sparse: NO_WEIGHTS,
  kvBytes: 50_000,
  diskBytes: 2e9,
  ...given,
});
const near = (actual: number | null, expected: number) =>
  assert.ok(Math.abs(actual! - expected) < expected * 1e-3, `${actual} is not ${expected}`);

describe('models: hardware advice', () => {
  const { sizeBytes, facts: ofDefault } = defaultModel();
  const verdicts: [Partial<Machine>, string, RegExp][] = [
    [{}, 'fits', /write about .* tokens\/s .* 3\.3 GB of memory and 3\.7 GB of disk .*; 8\.0 GB of 16\.0 GB/],
    [{ freeBytes: 3e9 }, 'tight', /3\.3 GB .* Close other programs/],
    [{ totalBytes: 4e9, freeBytes: 3.5e9 }, 'tight', /Close other programs/],
    [
      { totalBytes: 3e9 },
      'too-large',
      /^Not enough memory: it needs 2\.3 GB of memory, this machine has 3\.0/,
    ],
    [{ freeDiskBytes: 3e9 }, 'no-room', /^Not enough disk space: it needs 3\.7 GB, 3\.0 GB are free/],
  ];
  for (const [given, verdict, sentence] of verdicts) {
    it(`${verdict} with ${JSON.stringify(given)}`, () => {
      const advice = adviseHardware(ofDefault, sizeBytes, machine(given));
      assert.equal(advice.verdict, verdict);
      assert.match(advice.sentence, sentence);
    });
  }

  it('counts the packed copy where memory is tight and the disk has room for it, when the download is gone', () => {
    const needs = (given: Partial<Machine>, downloadBytes: number, of = facts()) =>
      adviseHardware(of, downloadBytes, machine(given)).diskBytes;
    const tight = { freeBytes: 1e9 };
    const packing = 2e9 + 2.6 * (1e9 * 0.625 + 0.5e9 * 1.03125 + 0.2e9);
    near(needs({}, 1e9), 3e9);
    near(needs(tight, 1e9), packing);
    near(needs(tight, 9e9), 11e9);
    near(adviseHardware(facts(), 1e9, machine(tight), true).diskBytes, packing + 1e9);
    near(needs({ ...tight, freeDiskBytes: 4e9 }, 1e9), 3e9);
    near(needs({ ...tight, freeDiskBytes: null }, 0), 2e9);
    near(needs(tight, 1e9, facts({ met: { ...NO_WEIGHTS, f32: 1e9 } })), 3e9);
  });

  it('of trained experts that are larger than memory is that they run from the disk, with no speed', () => {
    const large = facts({ idle: { ...NO_WEIGHTS, int4: 40e9 } });
    const advise = (given: Partial<Machine>, of = large) => adviseHardware(of, 5e9, machine(given));
    const advice = advise({});
    assert.equal(advice.verdict, 'from-disk');
    assert.match(advice.sentence, /^Larger than memory: .* 32\.3 GB of memory, .* not known\. .* of disk/);
    assert.match(limitNote(advice)!, /runs from the disk/);
    assert.deepEqual([advice.writesPerSecond, advice.startSeconds], [null, null]);
    // It runs packed alone.
    assert.equal(advise({ freeDiskBytes: 60e9 }).verdict, 'no-room');
    assert.equal(advise({ totalBytes: 3e9 }).verdict, 'too-large', 'not even what each token needs');
    assert.equal(advise({}, factsIn(large, 'fp32')).verdict, 'too-large', 'it can not be packed');
    assert.equal(advise({}, facts({ met: { ...NO_WEIGHTS, int4: 40e9 } })).verdict, 'too-large');
    const air = catalogueEntry('glm-4.5-air');
    const small = machine({ totalBytes: 32e9, freeDiskBytes: 400e9 });
    assert.equal(adviseAddition(air.facts, air.sizeBytes, small).verdict, 'from-disk');
    assert.equal(adviseAddition(air.facts, air.sizeBytes, small, true).verdict, 'no-room', 'if it is kept');
  });

  it('of what can be added is for the quickest form that fits', () => {
    const quick = { ...machine().speed!, w8a8: { write: 35e9, read: 1600e9 } };
    const { variant, startSeconds } = adviseAddition(ofDefault, 0, machine({ speed: quick }));
    const four = adviseAddition(ofDefault, 0, machine({ speed: { ...quick, w8a8: null } }));
    assert.deepEqual([variant, four.variant], ['int8', 'int4']);
    assert.ok(startSeconds! < four.startSeconds! / 2);
    const between = (of: ModelFacts) => {
      const four = adviseHardware(of, 0, machine()).memoryBytes;
      const eight = adviseHardware(factsIn(of, 'int8'), 0, machine()).memoryBytes;
      const tight = machine({ speed: quick, freeBytes: Math.min(four, eight) + Math.abs(four - eight) / 2 });
      return adviseAddition(of, 0, tight).variant;
    };
    assert.equal(between({ ...ofDefault, sparse: NO_WEIGHTS }), 'int4');
    assert.equal(between(ofDefault), 'int8', 'of which chats need no second graphs');
    const least = { speed: quick, freeBytes: 1e9 };
    assert.equal(adviseAddition(ofDefault, 0, machine(least)).variant, 'int8');
    assert.equal(adviseAddition(ofDefault, 0, machine({ speed: null })).variant, 'int4');
    const trained = { ...ofDefault, idle: { ...NO_WEIGHTS, int4: 1e6 } };
    assert.equal(adviseAddition(trained, 0, machine({ speed: quick })).variant, 'int4');
  });

  it('knows no speed of products that this processor gets wrong', () => {
    const codes = facts({ met: { ...NO_WEIGHTS, w8a8: 1e9 } });
    const without = { ...machine().speed!, w8a8: null };
    assert.equal(adviseHardware(codes, 0, machine({ speed: without })).writesPerSecond, null);
    assert.ok(adviseHardware(codes, 0, machine()).writesPerSecond! > 0);
  });

  it('adds up a step: weights, small operators, the cache, and what JavaScript takes', () => {
    const { writesPerSecond } = adviseHardware(facts(), 0, machine());
    const seconds =
      1e9 / 40e9 + 0.5e9 / 20e9 + 0.2e9 / 40e9 + 10 * 150e-6 + (1500 * 50_000) / (20e9 * 1.0625) + 0.002;
    near(writesPerSecond, 1 / seconds);
  });

  it('reads a prompt at the speed of many rows, without the output projection but once', () => {
    const { startSeconds } = adviseHardware(facts(), 0, machine());
    const between = 10 * 60 * 1e-6;
    near(startSeconds, 1500 * (1e9 / 200e9 + 0.5e9 / 400e9 + between) + 0.2e9 / 40e9);
  });

  it('counts the other experts for reading and memory, not for writing', () => {
    const dense = adviseHardware(facts(), 0, machine());
    const sparse = adviseHardware(facts({ idle: { ...NO_WEIGHTS, int4: 4e9 } }), 0, machine());
    assert.equal(sparse.writesPerSecond, dense.writesPerSecond);
    near(sparse.startSeconds! - dense.startSeconds!, (12 * 4e9) / 40e9);
    near(sparse.memoryBytes - dense.memoryBytes, 4e9 * 0.75);
  });

  it('says that a machine was busy when it was measured', () => {
    const speed = { ...machine().speed!, share: 0.5 };
    assert.match(adviseHardware(facts(), 0, machine({ speed })).sentence, /or faster: other programs/);
    assert.doesNotMatch(adviseHardware(facts(), 0, machine()).sentence, /or faster/);
  });

  it('counts the drafter, and the graphs that chats read with where they are for the machine to have', () => {
    const { memoryBytes } = adviseHardware(facts(), 0, machine());
    const more = { ...NO_WEIGHTS, int4: 4e9 };
    near(adviseHardware(facts({ drafter: more }), 0, machine()).memoryBytes - memoryBytes, 3e9);
    near(adviseHardware(facts({ sparse: more }), 0, machine()).memoryBytes - memoryBytes, 3e9);
    const small = machine({ totalBytes: 5e9, freeBytes: 4e9 });
    assert.equal(adviseHardware(facts({ drafter: more }), 0, small).verdict, 'too-large');
    assert.equal(adviseHardware(facts({ sparse: more }), 0, small).verdict, 'tight', 'it runs without them');
  });

  it('says nothing of speed where nothing was measured, or the weights have 32 bits', () => {
    const fp32 = facts({ met: { ...NO_WEIGHTS, f32: 1e9 } });
    for (const advice of [
      adviseHardware(facts(), 0, machine({ speed: null })),
      adviseHardware(fp32, 0, machine()),
    ]) {
      assert.deepEqual([advice.writesPerSecond, advice.startSeconds, speedNote(advice)], [null, null, null]);
      assert.match(advice.sentence, /^It needs/);
    }
  });

  it('has facts of every model in the catalogue that agree with its published size', () => {
    for (const entry of catalogue()) {
      const { met, head, idle } = entry.facts;
      // Latent attention has more weights absorbed than as it is published.
      const absorbed = entry.architecture === 'glm4_moe_lite' ? 0.508e9 : 0;
      const layers = met.int4 + met.int4min + met.int8 + idle.int4 - absorbed;
      // Tied or not, the embedding is one matrix of the output projection's size.
      const least = (layers + head.int4) * 0.999;
      const most = layers + 2 * head.int4;
      assert.ok(entry.parameters > least && entry.parameters < most * 1.001, entry.id);
      if (entry.kind !== 'repository') continue;
      const active = met.int4 + met.int8 + head.int4 - absorbed;
      // As published, rounded; some publishers count the embedding among what is met.
      assert.ok(active < entry.activeParameters * 1.25 && active > entry.activeParameters * 0.85, entry.id);
    }
  });
});
