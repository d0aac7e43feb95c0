/** Another model is chosen while one is loaded: the daemon as it ships, with tiny models that take a while to load. */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stopAll, watchDaemon } from '../support/daemons.ts';
import { needFiles } from '../support/models.ts';
import { writeTinyModel } from '../support/tiny-folder.ts';

const SCRIPT = join(__dirname, '../../dist/daemon.js');
const CHANGES = 8;

describe('daemon: a model that is chosen while another is loaded', function () {
  this.timeout(60_000);
  let home: string;

  before(async function () {
    needFiles(this, SCRIPT);
    home = mkdtempSync(join(tmpdir(), 'moebius-change-'));
    const folder = (id: string) => join(home, 'models', id, 'int4');
    mkdirSync(folder('one'), { recursive: true });
    await writeTinyModel(folder('one'), { layers: 48 });
    cpSync(folder('one'), folder('two'), { recursive: true });
  });
  after(() => rmSync(home, { recursive: true, force: true }));
  afterEach(stopAll);

  it('is loaded, by the same process, whenever it was chosen', async () => {
    const { supervisor, processes } = watchDaemon(SCRIPT, { model: 'two', env: { MOEBIUS_HOME: home } });
    const { loadMs } = await supervisor.ready();
    for (let i = 0; i < CHANGES; i++) {
      void supervisor.load('one');
      await new Promise(resolve => setTimeout(resolve, (loadMs * i) / CHANGES));
      assert.match((await supervisor.load('two')).path, /two/);
      assert.deepEqual([processes.length, supervisor.state.kind], [1, 'ready']);
    }
  });
});
