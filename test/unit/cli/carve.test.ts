/** `carve` and `carve-cost` on a store with a tiny dense model in it. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { levelCosts, tailNllOf } from '../../../src/cli/carve-cost.ts';
import { createProgram } from '../../../src/cli/program.ts';
import { type CarvingJson, readCarvingJson } from '../../../src/convert/carving.ts';
import { catalogue, type FileEntry } from '../../../src/models/catalogue.ts';
import { chatLevelOf } from '../../../src/models/chat-level.ts';
import { readManifest, writeManifest } from '../../../src/models/manifest-file.ts';
import { hasExperts } from '../../../src/models/model-facts.ts';
import { readSourceNote, writeSourceNote } from '../../../src/models/source-note.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { tinyGguf } from '../../support/tiny-gguf.ts';
import { random } from '../../support/tiny-model.ts';
import { memoryTerminal } from './scripted-engine.ts';

describe('carving a model of the store', function () {
  this.timeout(120_000);
  const next = random(3);
  const text = () => Array.from({ length: 2400 }, () => String.fromCharCode(97 + 26 * next())).join('');
  let home: string;
  let before_: string | undefined;

  beforeEach(() => {
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
    const added = await run('model', 'add', at('tiny.gguf'), '--variant', 'int4', '--keep-source');
    assert.match(added, /is ready\.$/m, 'a file on disk is not said to be kept');
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
    // Of the corpus that was carved with, one of three files was used: others beside them change nothing about that.
    for (let i = 0; i < 8; i++) writeFileSync(at('corpus', `more-${i}.py`), text());
    const terminal = memoryTerminal();
    const cost = (...more: string[]) => {
      const named = ['--carving', at('carving'), '--corpus', at('corpus'), '--threads', '1', ...more];
      return createProgram(terminal, '0').parseAsync(['node', 'moebius', 'carve-cost', model, ...named]);
    };
    await cost();
    assert.equal(terminal.errors().match(/does not say/), null);
    const costs = terminal.output();
    assert.match(costs, /^nats a token above exact, 10 texts/);
    const { levels, calibration } = await readCarvingJson(at('carving'));
    assert.equal(calibration.usedSha256?.length, 1);
    const { experts, products } = await readManifest(model);
    assert.deepEqual(experts!.levels, levels);
    const rows = [...costs.matchAll(/^ {2}(\w+) +(-?\d\.\d{4}) \((\d\.\d{4})\)$/gm)];
    const noted = rows.map(([, level, nats, error]) => [
      level,
      tailNllOf({ nats: Number(nats), error: Number(error) }),
    ]);
    const measured = Object.entries(levels).filter(([, plan]) => plan.tailNll !== undefined);
    assert.deepEqual(
      measured.map(([level, { tailNll }]) => [level, tailNll]),
      noted,
    );
    assert.deepEqual(
      noted.map(([level]) => level),
      ['balanced', 'fast'],
    );
    assert.match(costs, new RegExp(`\\(int4\\) are read at ${chatLevelOf(experts!, products)}\\.$`, 'm'));

    const edit = (change: (json: CarvingJson) => void) => {
      const path = at('carving', 'carving.json');
      const json = JSON.parse(readFileSync(path, 'utf8'));
      change(json);
      writeFileSync(path, JSON.stringify(json));
    };
    edit(json => delete json.calibration.usedSha256);
    await cost('--texts', '8');
    assert.match(terminal.errors(), /does not say which files it was made from/);
    await assert.rejects(cost('--texts', '7'), {
      code: 'bad-request',
      message: /^8 texts are needed.* 7 can/,
    });

    // What can't be written is known before anything is measured, and leaves nothing.
    terminal.output();
    mkdirSync(at('carving', 'carving.json.part'));
    await assert.rejects(cost('--json-progress'), { code: 'EISDIR' });
    assert.doesNotMatch(terminal.output(), /measure/);
    rmSync(at('carving', 'carving.json.part'), { recursive: true });

    edit(json => Object.assign(json.data, { sha256: 'b'.repeat(64) }));
    await assert.rejects(cost(), { code: 'bad-request', message: /was not made with this carving/ });
  });

  it('says why others can not be carved', async () => {
    await refused('no-such', 'not-found', /no file or folder no-such.*installed: none/);
    const [dense, sparse] = [catalogue()[0]!, catalogue().find(one => hasExperts(one.facts))!];
    await refused(dense.id, 'model-missing', new RegExp(`model add ${dense.id} --keep-source`));
    await refused(sparse.id, 'unsupported', /has experts of its own/);
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
    await refused(entry.id, 'not-found', new RegExp(`model add ${entry.id} --variant int4 --keep-source`));
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
    assert.deepEqual(cost, { level: 'fast', nats: 1, error: 0.5 });
    assert.equal(tailNllOf(cost!), 1.5);
    assert.equal(tailNllOf({ ...cost!, nats: -0.0229 }), 0.5, 'no level is better than exact');
    assert.deepEqual(percents, [25, 50, 75, 100]);
  });
});
