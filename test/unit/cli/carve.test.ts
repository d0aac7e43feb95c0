/** `carve` and `carve-cost` on a store with a tiny dense model in it. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { levelCosts } from '../../../src/cli/carve-cost.ts';
import { createProgram } from '../../../src/cli/program.ts';
import { readCarvingJson } from '../../../src/convert/carving.ts';
import { catalogue, type FileEntry } from '../../../src/models/catalogue.ts';
import { readManifest, writeManifest } from '../../../src/models/manifest-file.ts';
import { readSourceNote, writeSourceNote } from '../../../src/models/source-note.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { tinyGguf } from '../../support/tiny-gguf.ts';
import { random } from '../../support/tiny-model.ts';
import { memoryTerminal } from './scripted-engine.ts';

describe('carving a model of the store', function () {
  this.timeout(120_000);
  let home: string;
  let before_: string | undefined;

  beforeEach(() => {
    const next = random(3);
    const text = () => Array.from({ length: 2400 }, () => String.fromCharCode(97 + 26 * next())).join('');
    const corpus = Object.fromEntries(['a.py', 'b.ts', 'c.js'].map(name => [`corpus/${name}`, text()]));
    home = tempFolder({ ...corpus, 'tiny.gguf': tinyGguf() });
    before_ = process.env.MOEBIUS_HOME;
    process.env.MOEBIUS_HOME = home;
  });
  afterEach(() => {
    if (before_ === undefined) delete process.env.MOEBIUS_HOME;
    else process.env.MOEBIUS_HOME = before_;
  });

  const run = async (...args: string[]) => {
    const terminal = memoryTerminal();
    await createProgram(terminal, '0').parseAsync(['node', 'moebius', ...args]);
    return terminal.output();
  };
  const at = (...names: string[]) => join(home, ...names);
  const carve = (model: string) =>
    run(
      ...['carve', model, '--corpus', at('corpus'), '--groups', '4', '--shared', '1', '--tokens', '1024'],
      ...['--held', '2048', '--threads', '1', '-o', at('carving')],
    );
  const refused = (model: string, code: string, message: RegExp) =>
    assert.rejects(carve(model), { code, message });

  it('takes the id where the published weights were kept, says what it is worth, and what its levels cost', async () => {
    await run('model', 'add', at('tiny.gguf'), '--variant', 'int4');
    await refused('tiny', 'not-found', /were not kept.*the file or folder that it was made from/);
    const sha256 = createHash('sha256').update(tinyGguf()).digest('hex');
    copyFileSync(at('tiny.gguf'), at('downloads', `${sha256}.gguf`));
    rmSync(at('tiny.gguf'));
    const report = await carve('tiny');
    assert.match(report, /one shared expert of 64 and 3 routed experts of 64 neurons/);
    assert.match(report, /^Tried on 2,048 tokens/m);
    assert.match(report, /^neurons active +50 % +75 %$/m);
    assert.match(report, /^layer 1 +0\.\d{3} +0\.\d{3}$/m);
    assert.match(report, /^mean +0\.\d{3} +0\.\d{3}$/m);
    assert.match(report, /\$ moebius carve-cost/);
    assert.equal((await readCarvingJson(at('carving'))).model, 'tiny');

    const model = at('carved');
    const weights = at('downloads', `${sha256}.gguf`);
    await run('convert', weights, '--carving', at('carving'), '--out', model, '--json-progress');
    const cost = (...more: string[]) =>
      run('carve-cost', model, '--carving', at('carving'), '--threads', '1', ...more);
    const costs = await cost('--corpus', at('corpus'));
    // One of three files was used.
    assert.match(costs, /^nats a token above exact, 2 texts/);
    assert.match(costs, /^ {2}balanced +-?\d\.\d{4} \(\d\.\d{4}\)$/m);
    assert.match(costs, /^Chats of \S+ \(int4\) are read at (exact|balanced|fast)\.$/m);
    const { levels } = await readCarvingJson(at('carving'));
    assert.deepEqual((await readManifest(model)).experts!.levels, levels);
    const measured = Object.entries(levels).filter(([, plan]) => plan.tailNll !== undefined);
    assert.deepEqual(
      measured.map(([level]) => level),
      ['balanced', 'fast'],
    );
    mkdirSync(at('short'));
    writeFileSync(at('short', 'a.py'), 'too short');
    await assert.rejects(cost('--corpus', at('short')), { code: 'bad-request', message: /no file of 1024/ });
  });

  it('says why others can not be carved', async () => {
    await refused('no-such', 'not-found', /no file or folder no-such.*installed: none/);
    const [entry] = catalogue();
    await refused(entry!.id, 'model-missing', new RegExp(`model add ${entry!.id} --keep-source`));
    await run('model', 'add', at('tiny.gguf'), '--variant', 'int4');
    const folder = at('models', 'tiny', 'int4');
    const manifest = await readManifest(folder);
    const experts = { kind: 'trained', sharedNeurons: 0, routed: 4, routedNeurons: 64, perToken: 1 } as const;
    await writeManifest(folder, { ...manifest, experts: { ...experts, levels: {} } });
    await refused('tiny', 'unsupported', /has experts of its own/);
  });

  it('gets the published weights of a model that is there, to keep them', async () => {
    await run('model', 'add', at('tiny.gguf'), '--variant', 'int4');
    const entry = catalogue().find((one): one is FileEntry => one.kind === 'file')!;
    const folder = at('models', 'tiny', 'int4');
    const manifest = await readManifest(folder);
    const source = { ...manifest.source, sha256: entry.sha256 };
    await writeManifest(folder, { ...manifest, id: entry.id, source });
    mkdirSync(at('models', entry.id));
    renameSync(folder, at('models', entry.id, 'int4'));
    // What a download would bring, and would go once it is converted.
    const published = at('downloads', `${entry.sha256}.gguf`);
    writeFileSync(published, '');
    truncateSync(published, entry.sizeBytes);
    await writeSourceNote(published, { address: null, isKept: false });
    const added = await run(
      'model',
      'add',
      entry.id,
      '--variant',
      'int4',
      '--keep-source',
      '--json-progress',
    );
    assert.equal(JSON.parse(added.trim().split('\n').at(-1)!).wasThere, true);
    assert.equal((await readSourceNote(published))!.isKept, true);
  });
});

describe('what a level costs', () => {
  it('is what the last tokens are less likely than at exact, with what chance does to it', async () => {
    const scores = { exact: [-1, -2], fast: [-1.5, -3.5] } as Record<string, number[]>;
    const engine = {
      score: async ([text]: number[], level: string | undefined) => {
        const all = new Float32Array(1023).fill(-100);
        return all.fill(scores[level!]![text!]!, -32);
      },
    };
    const percents: number[] = [];
    const [cost] = await levelCosts(
      engine,
      [[0], [1]],
      ['fast'],
      step => percents.push(step.percent),
      new AbortController().signal,
    );
    assert.equal(cost!.nats, 1);
    assert.ok(Math.abs(cost!.error - 0.5) < 1e-6);
    assert.deepEqual(percents, [25, 50, 75, 100]);
  });
});
