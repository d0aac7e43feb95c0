/** What the self-test left on disk, and what is made of it. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  bestThreads,
  type MachineSpeed,
  quickestVariant,
  readMachineProfile,
  sessionThreads,
  thisMachine,
  writeMachineProfile,
} from '../../../src/models/machine.ts';
import { machineProfile } from '../../../src/models/self-test.ts';

const SPEED: MachineSpeed = {
  tried: [{ threads: 7, write: 2, read: 3 }],
  threads: 7,
  int4: { write: 2, read: 3 },
  int8: { write: 1, read: 4 },
  w8a8: { write: 2, read: 8 },
  operatorSeconds: 1e-6,
  share: 1,
};

describe('models: machine profile', () => {
  let home: string;
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'moebius-machine-'));
  });
  afterEach(() => rm(home, { recursive: true, force: true }));

  const measured = () => machineProfile({ home, measure: async () => SPEED });
  const file = () => join(home, 'machine.json');

  it('is measured once, kept for this user alone, and measured again when asked', async () => {
    let runs = 0;
    const measure = async () => ({ ...SPEED, threads: ++runs });
    assert.equal((await machineProfile({ home, measure })).threads, 1);
    assert.equal((await machineProfile({ home, measure })).threads, 1);
    assert.equal((await machineProfile({ home, measure, again: true })).threads, 2);
    assert.equal((await machineProfile({ home, measure })).threads, 2);
    assert.deepEqual(await readdir(home), ['machine.json']);
    if (process.platform !== 'win32') assert.equal((await stat(file())).mode & 0o777, 0o600);
  });

  it('is measured again where the machine was busy, and the quieter one is kept', async () => {
    const shares = [0.5, 0.4, 0.9, 1];
    const measure = async () => ({ ...SPEED, share: shares.shift()! });
    const share = async () => (await machineProfile({ home, measure })).share;
    assert.deepEqual([await share(), await share(), await share(), await share()], [0.5, 0.5, 0.9, 0.9]);
    assert.deepEqual(shares, [1]);
  });

  it('says 8 bits where their products make an answer clearly quicker, else 4', () => {
    const speed = (write: number, read: number) => ({ write, read });
    const int4 = speed(28e9, 100e9);
    assert.equal(quickestVariant(null), 'int4');
    assert.equal(quickestVariant({ int4, w8a8: null }), 'int4', 'this processor would compute nonsense');
    assert.equal(quickestVariant({ int4, w8a8: speed(21e9, 800e9) }), 'int8');
    assert.equal(quickestVariant({ int4, w8a8: speed(21e9, 110e9) }), 'int4');
  });

  it('gives the sessions their threads; all there are before', async () => {
    assert.equal(await sessionThreads(home), thisMachine().cores);
    await measured();
    assert.equal(await sessionThreads(home), 7);
  });

  for (const other of [{ cpu: 'another' }, { cores: 999 }, { program: '0.0.0' }]) {
    it(`is not that of a machine with ${JSON.stringify(other)}`, async () => {
      await measured();
      assert.equal(await readMachineProfile(home, { ...thisMachine(), ...other }), null);
      assert.notEqual(await readMachineProfile(home), null);
    });
  }

  const damages: [string, (text: string) => string][] = [
    ['cut', text => text.slice(0, -20)],
    ['of another format', text => text.replace('"format": 2', '"format": 3')],
    ['with a speed of 0', text => text.replace('"write": 1', '"write": 0')],
    [
      'with threads that no machine has',
      text => text.replace('"threads": 7,\n  "int4"', '"threads": 1e9,\n  "int4"'),
    ],
    ['huge', text => text + ' '.repeat(100_000)],
  ];
  for (const [name, damage] of damages) {
    it(`is as if it were not there when it is ${name}`, async () => {
      await measured();
      const text = await readFile(file(), 'utf8');
      assert.notEqual(damage(text), text);
      await writeFile(file(), damage(text));
      assert.equal(await readMachineProfile(home), null);
    });
  }

  it('is given although it cannot be kept', async () => {
    await rm(home, { recursive: true });
    assert.equal((await measured()).threads, 7);
    await assert.rejects(writeMachineProfile(home, await measured()), { code: 'ENOENT' });
  });
});

describe('models: the best number of threads', () => {
  const check = (expected: number, ...tried: [threads: number, write: number, read: number][]) =>
    it(`is ${expected} of ${tried.map(([threads]) => threads).join(', ')}`, () => {
      assert.equal(bestThreads(tried.map(([threads, write, read]) => ({ threads, write, read }))), expected);
    });
  check(8, [8, 40, 400], [4, 30, 200], [1, 10, 50]);
  // Two threads a core that get in each other's way.
  check(4, [8, 30, 300], [4, 40, 400], [1, 10, 50]);
  // Within what differs from run to run anyway.
  check(8, [8, 40, 400], [4, 42, 410]);
  check(2, [2, 1, 1]);
});
