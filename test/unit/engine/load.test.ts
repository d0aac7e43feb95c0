/** Loads that are given up. The runtime can abort the process, so they happen in a child. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tempFolder } from '../../support/temp-folder.ts';
import { writeTinyModel } from '../../support/tiny-folder.ts';

/** A second or two of the runtime's work. */
const LAYERS = 128;

/** What the fixture says in the end; fails with its last words if it does not end well. */
async function run(fixture: string, folder: string): Promise<string> {
  const script = join(__dirname, '../../fixtures/engine', fixture);
  const child = spawn(process.execPath, ['--import', 'tsx', script, folder]);
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', chunk => {
    stdout += chunk;
  });
  child.stderr.on('data', chunk => {
    stderr += chunk;
  });
  const end = await new Promise(resolve => child.on('close', (code, signal) => resolve([code, signal])));
  assert.deepEqual(end, [0, null], stderr);
  return stdout;
}

describe('engine: loads that are given up', function () {
  this.timeout(60_000);

  it('are cancelled at any moment, and the process goes on and loads', async () => {
    const folder = tempFolder();
    await writeTinyModel(folder, { layers: LAYERS / 2 });
    assert.equal(await run('cancelled-loads.ts', folder), 'loaded');
  });

  it('are refused with a chat template that does not parse', async () => {
    const folder = tempFolder();
    const { files } = await writeTinyModel(folder, { layers: LAYERS });
    const { sizeBytes } = files['chat_template.jinja']!;
    await writeFile(join(folder, 'chat_template.jinja'), '{% if'.padEnd(sizeBytes));
    assert.equal(await run('refused-load.ts', folder), 'model-invalid');
  });
});
