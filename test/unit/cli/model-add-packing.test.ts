/** When `model add` packs a model: where memory is tight, behind everything that takes its room, again where that was cut off. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addModel, packWhereTight } from '../../../src/cli/model-add.ts';
import { readSourceName } from '../../../src/cli/model-source.ts';
import { catalogue, type FileEntry } from '../../../src/models/catalogue.ts';
import { adviseInstalled } from '../../../src/models/hardware.ts';
import { readManifest, writeManifest } from '../../../src/models/manifest-file.ts';
import { type PackGraphs, packModel } from '../../../src/models/packed.ts';
import { openStore, type Store } from '../../../src/models/store.ts';
import { writeTinyModel } from '../../support/tiny-folder.ts';
import { tinyGguf } from '../../support/tiny-gguf.ts';
import { FaultServer } from '../models/fault-server.ts';
import { memoryTerminal } from './scripted-engine.ts';

describe('model add: packing', () => {
  let home: string;
  let folder: string;
  let store: Store;

  beforeEach(async () => {
    home = mkdtempSync(join(tmpdir(), 'moebius-cli-'));
    folder = join(home, 'models', 'tiny', 'fp32');
    mkdirSync(folder, { recursive: true });
    await writeTinyModel(folder);
    store = await openStore(home);
  });
  afterEach(() => rmSync(home, { recursive: true, force: true }));

  it('says how to pack a model that could not be packed when it was added, and tries again where it runs packed alone', async () => {
    const int8 = join(home, 'models', 'tiny', 'int8');
    renameSync(folder, int8);
    const plain = { ...(await readManifest(int8)), variant: 'int8', products: 'codes' } as const;
    await writeManifest(int8, plain);
    const lock = await store.lock('pack-tiny-int8');
    const machine = { totalBytes: 4e9, freeBytes: 1e6, freeDiskBytes: 1e9, speed: null };
    const pack = async (wasThere: boolean) => {
      const terminal = memoryTerminal();
      await packWhereTight(store, { model: 'tiny', variant: 'int8', wasThere }, terminal, machine);
      return terminal.errors();
    };
    assert.match(await pack(false), /not packed.*less memory.*"moebius model pack tiny --variant int8"/);
    assert.equal(await pack(true), '', 'as its owner left it');
    const large = { kind: 'trained', routed: 64, routedNeurons: 1e6, perToken: 1 } as const;
    await writeManifest(int8, { ...plain, experts: { ...plain.experts!, ...large } });
    for (const wasThere of [false, true])
      assert.match(await pack(wasThere), /not packed.*not run here.*"moebius model pack tiny/);
    await lock.release();
    const installed = (await store.list())[0]!;
    const { verdict, sentence } = await adviseInstalled(installed, machine);
    assert.equal(verdict, 'unpacked');
    assert.match(sentence, /It is not packed: run `moebius model pack tiny --variant int8`/);
    const writeGraphs: PackGraphs = async ({ outFolder }) => {
      for (const name of ['body.onnx', 'body.data', 'head.onnx', 'head.data'])
        writeFileSync(join(outFolder, name), '');
    };
    await packModel(store, installed, writeGraphs);
    assert.equal((await adviseInstalled(installed, machine)).verdict, 'from-disk');
  });

  it('packs when the download is gone, and a model that is there again where that was cut off', async () => {
    const downloads = join(home, 'downloads');
    const packed: boolean[] = [];
    const pack: typeof packWhereTight = async (_store, { wasThere }) => {
      assert.deepEqual(readdirSync(downloads), []);
      packed.push(wasThere);
    };
    const add = async (source: string) => {
      const options = { variant: 'fp32' } as const;
      await addModel(readSourceName(source), store, options, memoryTerminal(), () => {}, pack);
    };
    const server = await FaultServer.start(tinyGguf());
    try {
      await add(`${server.url}/another.gguf`);
    } finally {
      await server.stop();
    }
    const { id, sha256 } = catalogue().find((one): one is FileEntry => one.kind === 'file')!;
    renameSync(join(home, 'models', 'tiny'), join(home, 'models', id));
    const path = join(home, 'models', id, 'fp32');
    const manifest = await readManifest(path);
    await writeManifest(path, { ...manifest, id, source: { ...manifest.source, sha256 } });
    await add(id);
    assert.deepEqual(packed, [false, true]);
  });
});
