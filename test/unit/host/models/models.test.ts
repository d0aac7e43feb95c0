import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { MoebiusError } from '../../../../src/base/errors.ts';
import { describeFailure } from '../../../../src/host/failure.ts';
import { chosenModel, installedIds, storeHome } from '../../../../src/host/models/chosen-model.ts';
import {
  describeStep,
  overallPercent,
  readInstallLine,
} from '../../../../src/host/models/install-progress.ts';

describe('host/chosen-model', () => {
  let home: string;
  const add = (id: string, file = 'manifest.json') => {
    mkdirSync(join(home, 'models', id, 'int4'), { recursive: true });
    writeFileSync(join(home, 'models', id, 'int4', file), '{}');
  };
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'moebius-home-'));
  });
  afterEach(() => rmSync(home, { recursive: true }));

  it('is none in an empty or missing store', () => {
    assert.equal(chosenModel(home, 'a'), null);
    assert.equal(chosenModel(join(home, 'missing'), ''), null);
  });
  it('does not count a model that is not whole', () => {
    add('half', 'body.onnx');
    assert.deepEqual(installedIds(home), []);
  });
  it('passes over stray files between the models', () => {
    add('a');
    writeFileSync(join(home, 'models', '.DS_Store'), '');
    writeFileSync(join(home, 'models', 'a', '.DS_Store'), '');
    assert.deepEqual(installedIds(home), ['a']);
  });
  it('obeys the setting, else the default, else takes any', () => {
    add('zeta');
    assert.equal(chosenModel(home, 'missing'), 'zeta');
    add('qwen2.5-coder-0.5b');
    assert.equal(chosenModel(home, ''), 'qwen2.5-coder-0.5b');
    add('qwen2.5-coder-1.5b');
    assert.equal(chosenModel(home, ''), 'qwen2.5-coder-1.5b');
    assert.equal(chosenModel(home, 'zeta'), 'zeta');
  });
  it('is kept where the setting says, with ~ for the home folder', () => {
    assert.equal(storeHome('~/models'), join(homedir(), 'models'));
    assert.equal(storeHome('~'), homedir());
    assert.equal(storeHome('~other'), resolve('~other'));
    assert.equal(storeHome(home), home);
  });
});

describe('host/install-progress', () => {
  it('reads steps, the end and errors', () => {
    const step = { phase: 'download', percent: 50, doneBytes: 312e6, totalBytes: 1117e6, secondsLeft: 130 };
    assert.deepEqual(readInstallLine(step), { kind: 'step', step });
    assert.equal(describeStep(step), 'downloading 312 of 1,117 MB, 2 min left');
    assert.deepEqual(readInstallLine({ done: true, model: 'm', path: '/x' }), { kind: 'done', model: 'm' });
    assert.equal(readInstallLine('text'), null);
    assert.equal(readInstallLine({ other: 1 }), null);
    assert.throws(() => readInstallLine({ error: { code: 'disk-full', message: 'No room.' } }), {
      code: 'disk-full',
      message: 'No room.',
    });
  });
  it('names a phase without bytes by percent', () => {
    assert.equal(
      describeStep({ phase: 'convert', percent: 41.9, secondsLeft: 20 }),
      'preparing 41 %, 20 s left',
    );
    assert.equal(describeStep({ phase: 'convert', percent: 10, secondsLeft: null }), 'preparing 10 %');
  });
  it('never goes back from one phase to the next', () => {
    const steps = ['download', 'verify', 'convert'].flatMap(phase =>
      [0, 50, 100].map(percent => ({ phase, percent })),
    );
    const overall = steps.map(overallPercent);
    assert.deepEqual(
      overall,
      [...overall].sort((a, b) => a - b),
    );
    assert.equal(overall.at(-1), 100);
  });
});

describe('host/failure', () => {
  it('offers what helps', () => {
    const missing = describeFailure(new MoebiusError('model-missing', 'No model is installed.'));
    assert.equal(missing?.message, 'Moebius: No model is installed.');
    assert.equal(missing?.help[0]?.command, 'moebius.model.download');
    assert.equal(
      describeFailure(new MoebiusError('daemon-down', 'It died.'))?.help[0]?.command,
      'moebius.daemon.restart',
    );
    assert.equal(
      describeFailure(new TypeError('x is undefined'))?.help[0]?.command,
      'moebius.daemon.showLog',
    );
  });
  it('says nothing of a cancellation', () => {
    assert.equal(describeFailure(new MoebiusError('cancelled', '')), null);
    assert.equal(describeFailure(new DOMException('', 'AbortError')), null);
  });
});
