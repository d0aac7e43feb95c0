/** `moebius fit-drafter` from a converted model and a folder of text to a drafter that convert reads. */
import assert from 'node:assert/strict';
import { appendFile, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createProgram } from '../../../src/cli/program.ts';
import { readDrafter } from '../../../src/convert/drafter.ts';
import { TINY_DIMS, writeTinyModel } from '../../support/tiny-folder.ts';
import { memoryTerminal } from './scripted-engine.ts';

describe('cli: fit-drafter', function () {
  this.timeout(60_000);
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'moebius-fit-'));
    for (const name of ['model', 'corpus']) await mkdir(join(folder, name));
    await writeTinyModel(join(folder, 'model'), { guess: 7 });
    for (let file = 0; file < 4; file++) {
      const text = Array.from({ length: 700 }, (_, i) => String.fromCharCode(97 + ((i * i + file * i) % 26)));
      await writeFile(join(folder, 'corpus', `${file}.txt`), text.join(''));
    }
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  async function run(...more: string[]): Promise<string> {
    const terminal = memoryTerminal('');
    const at = (name: string) => join(folder, name);
    const args = [at('model'), '--corpus', at('corpus'), '--trace', at('trace'), '-o', at('out')];
    const command = ['node', 'moebius', 'fit-drafter', ...args, '--epochs', '1', ...more];
    await createProgram(terminal, '0').parseAsync(command);
    return terminal.output();
  }

  it('traces, fits, writes; and goes on with a trace that is there', async () => {
    const said = await run('--taps', '0,1', '--tokens', '1400', '--vocabulary', '20');
    const drafter = await readDrafter(join(folder, 'out'), TINY_DIMS);
    assert.deepEqual(drafter.taps, [0, 1]);
    assert.ok(drafter.tokens.length > 0 && drafter.tokens.length <= 20);
    assert.match(said, /% of the held-out tokens guessed/);
    const size = async () => (await stat(join(folder, 'trace', 'hidden.f32'))).size / (4 * TINY_DIMS.hidden);
    assert.equal(await size(), 1400);
    // What a run leaves that is ended while it writes.
    await appendFile(join(folder, 'trace', 'hidden.f32'), Buffer.alloc(100));
    await run('--taps', '0,1', '--tokens', '2100', '--vocabulary', '20');
    assert.equal(await size(), 2100);
  });

  it('refuses a model without these taps, and a corpus that is too small', async () => {
    await assert.rejects(run('--tokens', '1400'), {
      code: 'bad-request',
      message: /not converted with these taps/,
    });
    await assert.rejects(run('--taps', '0,1', '--tokens', '50000'), {
      code: 'bad-request',
      message: /only 2800/,
    });
  });
});
