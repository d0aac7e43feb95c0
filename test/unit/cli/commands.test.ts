/** The commands on a real store with a tiny model in it: everything but the weights is what users get. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openModel } from '../../../src/cli/api.ts';
import { productsHere } from '../../../src/cli/machine.ts';
import { createProgram } from '../../../src/cli/program.ts';
import { BUILD_MARK } from '../../../src/convert/out-folder.ts';
import { catalogue, type FileEntry } from '../../../src/models/catalogue.ts';
import { type MachineProfile, thisMachine, writeMachineProfile } from '../../../src/models/machine.ts';
import type { Manifest } from '../../../src/models/manifest.ts';
import { readManifest, writeManifest } from '../../../src/models/manifest-file.ts';
import { familyGolden, writeFamilyCheckpoint } from '../../support/family-checkpoint.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { writeTinyModel } from '../../support/tiny-folder.ts';
import { tinyGguf } from '../../support/tiny-gguf.ts';
import { FaultServer } from '../models/fault-server.ts';
import { memoryTerminal } from './scripted-engine.ts';

const ROOT = join(__dirname, '..', '..', '..');
const ENGINE = ['--model', 'tiny', '--variant', 'fp32', '--context', '512', '--threads', '1'];

describe('commands on a store', () => {
  let home: string;
  let folder: string;
  let before_: string | undefined;

  beforeEach(async () => {
    home = mkdtempSync(join(tmpdir(), 'moebius-cli-'));
    folder = join(home, 'models', 'tiny', 'fp32');
    mkdirSync(folder, { recursive: true });
    await writeTinyModel(folder);
    before_ = process.env.MOEBIUS_HOME;
    process.env.MOEBIUS_HOME = home;
  });
  afterEach(() => {
    if (before_ === undefined) delete process.env.MOEBIUS_HOME;
    else process.env.MOEBIUS_HOME = before_;
    rmSync(home, { recursive: true, force: true });
  });

  const run = async (args: string[], input = '', packageFolder = '') => {
    const terminal = { ...memoryTerminal(input), packageFolder };
    await createProgram(terminal, '0').parseAsync(['node', 'moebius', ...args]);
    return terminal.output();
  };

  it('lists what is there and what can be had', async () => {
    const { installed, available } = JSON.parse(await run(['model', 'list', '--json']));
    assert.deepEqual(
      installed.map((model: { id: string; variant: string }) => [model.id, model.variant]),
      [['tiny', 'fp32']],
    );
    assert.ok(available.some((entry: { id: string }) => entry.id === 'qwen2.5-coder-1.5b'));
    assert.match(
      await run(['model', 'list']),
      /^tiny {2,}fp32 .* Tiny\n[\s\S]*model add[\s\S]*qwen2\.5-coder-1\.5b/,
    );
  });

  it('writes JSON of a schema, and what a grammar allows', async () => {
    const [schema, grammar, list] = ['schema.json', 'grammar.ebnf', 'list.json'].map(name =>
      join(home, name),
    );
    writeFileSync(
      schema!,
      '{"type": "object", "properties": {"on": {"type": "boolean"}}, "required": ["on"]}',
    );
    writeFileSync(grammar!, 'root ::= "yes" | "no"');
    writeFileSync(list!, '[]');
    const { on } = JSON.parse(await run(['generate', 'hello', '--json-schema', schema!, ...ENGINE]));
    assert.equal(typeof on, 'boolean');
    assert.match(await run(['generate', 'hello', '--grammar', grammar!, ...ENGINE]), /^(yes|no)\n$/);
    const refused = (args: string[], message: RegExp) =>
      assert.rejects(run(['generate', 'hello', ...args, ...ENGINE]), { code: 'bad-request', message });
    await refused(['--json-schema', list!], /list\.json is no JSON object/);
    await refused(['--grammar', join(home, 'none')], /none can't be read/);
  });

  it('shows what a model is', async () => {
    const text = await run(['model', 'info', 'tiny']);
    assert.match(text, /^name +Tiny$/m);
    assert.match(text, /^experts +1 shared and 4 routed/m);
    assert.equal(JSON.parse(await run(['model', 'info', 'tiny', '--json'])).id, 'tiny');
    assert.match(text, /^can +chat, fill in the middle$/m);

    const manifest = await readManifest(folder);
    const experts = { ...manifest.experts!, kind: 'trained', sharedNeurons: 0 } as const;
    await writeManifest(folder, { ...manifest, experts });
    writeFileSync(join(folder, 'chat_template.jinja'), '<tool_call>{"name": x, "arguments": y}</tool_call>');
    const calling = await run(['model', 'info', 'tiny']);
    assert.match(calling, /^experts +4 routed/m);
    assert.match(calling, /^can +chat, fill in the middle, tool calls$/m);
    const listed = JSON.parse(await run(['model', 'list', '--json'])).installed[0];
    assert.equal(listed.capabilities.toolCalls, true);
  });

  it('finds a damaged file', async () => {
    assert.equal(await run(['model', 'verify']), 'tiny (fp32): whole\n');
    writeFileSync(join(folder, 'chat_template.jinja'), 'x');
    await assert.rejects(run(['model', 'verify', 'tiny']), /chat_template\.jinja/);
  });

  it('removes a model', async () => {
    assert.match(await run(['model', 'remove', 'tiny']), /^tiny removed/);
    assert.equal(existsSync(folder), false);
    await assert.rejects(run(['model', 'remove', 'tiny']), { code: 'model-missing' });
    await assert.rejects(run(['generate', 'x', ...ENGINE]), { code: 'model-missing' });
  });

  it('says what each part of a removed model took, also the published weights unless they are to be kept', async () => {
    const { source } = await readManifest(folder);
    mkdirSync(join(home, 'downloads'));
    const published = join(home, 'downloads', `${source.sha256}.gguf`);
    writeFileSync(published, Buffer.alloc(3_000_000));
    const copy = join(home, 'copy');
    cpSync(folder, copy, { recursive: true });
    const int8 = join(home, 'models', 'tiny', 'int8');
    cpSync(folder, int8, { recursive: true });
    const remove = (...options: string[]) => run(['model', 'remove', 'tiny', ...options]);
    assert.match(await remove('--variant', 'int8'), /^tiny removed: int8, \d+ MB\.\n$/);
    cpSync(folder, int8, { recursive: true });
    assert.match(await remove('--keep-source'), /^tiny removed: int8, \d+ MB; fp32, \d+ MB\.\n$/);
    assert.ok(existsSync(published));
    cpSync(copy, folder, { recursive: true });
    assert.match(await remove(), /^tiny removed: fp32, \d+ MB; the published weights, 3 MB\.\n$/);
    assert.equal(existsSync(published), false);
  });

  it('removes what an interrupted model add left, where nothing is installed', async () => {
    const entry = catalogue().find((one): one is FileEntry => one.kind === 'file')!;
    const remove = () => run(['model', 'remove', entry.id]);
    const expectGone = (path: string) => assert.equal(existsSync(path), false, path);
    await assert.rejects(remove(), { code: 'model-missing' });
    const partial = join(home, 'downloads', `${entry.sha256}.gguf.partial`);
    writeFileSync(partial, 'x');
    assert.equal(await remove(), `What was unfinished of ${entry.id} is removed.\n`);
    expectGone(partial);
    const conversion = join(home, 'models', entry.id, 'int4.partial');
    mkdirSync(conversion, { recursive: true });
    await remove();
    expectGone(conversion);
    await assert.rejects(remove(), { code: 'model-missing' });
    assert.ok(existsSync(folder), 'another model stays');
  });

  it('shows and removes what is saved of conversations, also with the model', async () => {
    const page = (id: string) => {
      const pages = join(home, 'kv', id, 'fp32');
      mkdirSync(pages, { recursive: true });
      writeFileSync(join(pages, `${'a'.repeat(64)}.kv`), Buffer.alloc(3_000_000));
      return pages;
    };
    assert.match(await run(['cache', 'show']), /^Nothing is saved/);
    const [tiny, other] = [page('tiny'), page('other')];
    assert.match(await run(['cache', 'show']), /^other +3 MB\ntiny +3 MB\n$/);
    assert.equal(await run(['cache', 'clear', 'other']), '3 MB removed.\n');
    assert.deepEqual([existsSync(tiny), existsSync(other)], [true, false]);
    await assert.rejects(run(['cache', 'clear', '..']), { code: 'bad-request' });
    await run(['model', 'remove', 'tiny']);
    assert.equal(existsSync(tiny), false);
    page('other');
    assert.equal(await run(['cache', 'clear']), '3 MB removed.\n');
    assert.equal(existsSync(join(home, 'kv')), false);
  });

  /** A machine whose answers are quickest in 8 bits. */
  const quickAt8 = (): MachineProfile => {
    const speed = (read: number) => ({ write: 20e9, read });
    return {
      ...{ format: 2, ...thisMachine(), measuredAt: new Date().toISOString(), tookMs: 1 },
      ...{ tried: [{ threads: 1, ...speed(100e9) }], threads: 1, operatorSeconds: 1e-6, share: 1 },
      ...{ int4: speed(100e9), int8: speed(200e9), w8a8: speed(800e9) },
    };
  };

  /** The tiny model as if it were made of the catalogue's first one. */
  const installAsFirst = async (given: Partial<Manifest>): Promise<string> => {
    const entry = catalogue().find((one): one is FileEntry => one.kind === 'file')!;
    const models = join(home, 'models', entry.id);
    renameSync(join(home, 'models', 'tiny'), models);
    const path = join(models, given.variant ?? 'fp32');
    if (given.variant) renameSync(join(models, 'fp32'), path);
    const { source, ...manifest } = await readManifest(path);
    await writeManifest(path, { ...manifest, source: { ...source, sha256: entry.sha256 }, ...given });
    return entry.id;
  };

  it('does not fetch what is there', async () => {
    const id = await installAsFirst({});
    const text = await run(['model', 'add', id, '--variant', 'fp32', '--json-progress']);
    const { done, model, variant, wasThere } = JSON.parse(text);
    assert.deepEqual([done, model, variant, wasThere], [true, id, 'fp32', true]);
  });

  it('does not take other weights for a model of the catalogue because they have its id', async () => {
    const { source } = await readManifest(folder);
    const id = await installAsFirst({ source });
    const add = ['model', 'add', id, '--variant', 'fp32', '--json-progress'];
    await assert.rejects(run(add), { code: 'bad-request', message: /made of other weights/ });
    assert.deepEqual(readdirSync(join(home, 'downloads')), [], 'nothing is fetched');
  });

  it('gives a folder that is called like a model of the catalogue neither its id nor what was trained for it', async () => {
    const published = join(home, 'Qwen2.5-Coder-1.5B');
    await writeFamilyCheckpoint(published, familyGolden('qwen2'));
    const add = ['model', 'add', published, '--variant', 'int4', '--json-progress'];
    const refused = { code: 'bad-request', message: /model of the catalogue/ };
    await assert.rejects(run([...add, '--id', 'qwen2.5-coder-1.5b']), refused);
    // The id's carving, of other dimensions, would be refused.
    const { model } = JSON.parse((await run(add, '', ROOT)).trim().split('\n').at(-1)!);
    assert.equal(model, 'qwen2.5-coder-1.5b-2');
    const { experts, graphs } = await readManifest(join(home, 'models', model, 'int4'));
    assert.deepEqual([experts, graphs.drafter], [null, null]);
  });

  it('adds a model in the form that is quickest here unless one is named', async () => {
    const id = await installAsFirst({ variant: 'int8', products: await productsHere('int8') });
    await writeMachineProfile(home, quickAt8());
    const added = JSON.parse(await run(['model', 'add', id, '--json-progress']));
    assert.deepEqual([added.wasThere, added.variant], [true, 'int8']);
  });

  it('adds a folder in 4 bits where that is advised of its weights, however quick 8 are', async () => {
    const published = join(home, 'an-moe');
    await writeFamilyCheckpoint(published, familyGolden('qwen3_moe'));
    await writeMachineProfile(home, quickAt8());
    const text = await run(['model', 'add', published, '--json-progress']);
    const { variant, wasThere } = JSON.parse(text.trim().split('\n').at(-1)!);
    assert.deepEqual([variant, wasThere], ['int4', false]);
  });

  it('does not take the place of other weights, also where those have the products of another machine', async () => {
    const int8 = join(home, 'models', 'tiny', 'int8');
    renameSync(folder, int8);
    const products = (await productsHere('int8')) === 'blocks' ? 'codes' : 'blocks';
    const manifest = { ...(await readManifest(int8)), variant: 'int8', products } as const;
    await writeManifest(int8, manifest);
    const file = join(home, 'tiny.gguf');
    const weights = tinyGguf();
    writeFileSync(file, weights);
    const add = () => run(['model', 'add', file, '--variant', 'int8', '--json-progress']);
    await assert.rejects(add(), { code: 'bad-request', message: /made of other weights/ });
    const sha256 = createHash('sha256').update(weights).digest('hex');
    await writeManifest(int8, { ...manifest, source: { ...manifest.source, sha256 } });
    const { wasThere } = JSON.parse((await add()).trim().split('\n').at(-1)!);
    assert.equal(wasThere, false, 'the same weights are converted again');
  });

  it('knows the model that is there by its weights, and does not take another for it', async () => {
    const weights = tinyGguf();
    const server = await FaultServer.start(weights);
    const file = join(home, 'tiny.gguf');
    writeFileSync(file, weights);
    const add = (source: string) => run(['model', 'add', source, '--variant', 'fp32', '--json-progress']);
    try {
      const manifest = await readManifest(folder);
      for (const [source, help] of [
        [file, /another id with --id or by renaming it/],
        [`${server.url}/tiny.gguf`, /another id with --id, or/],
      ] as const)
        await assert.rejects(add(source), { code: 'bad-request', message: help });
      assert.deepEqual(readdirSync(join(home, 'downloads')), [], 'what was fetched is not kept');
      assert.deepEqual(await readManifest(folder), manifest);
      const sha256 = createHash('sha256').update(weights).digest('hex');
      await writeManifest(folder, { ...manifest, source: { ...manifest.source, sha256 } });
      for (const source of [file, `${server.url}/tiny.gguf`]) {
        const last = (await add(source)).trim().split('\n').at(-1)!;
        assert.equal(JSON.parse(last).wasThere, true);
      }
    } finally {
      await server.stop();
    }
  });

  it('makes 8 bits again that are there with the products of another processor or version', async () => {
    const file = join(home, 'tiny.gguf');
    const weights = tinyGguf();
    writeFileSync(file, weights);
    const int8 = join(home, 'models', 'tiny', 'int8');
    renameSync(folder, int8);
    const sha256 = createHash('sha256').update(weights).digest('hex');
    const { source, ...manifest } = await readManifest(int8);
    const add = async (products: 'codes' | 'blocks') => {
      await writeManifest(int8, { ...manifest, variant: 'int8', products, source: { ...source, sha256 } });
      return JSON.parse(
        (await run(['model', 'add', file, '--variant', 'int8', '--json-progress']))
          .trim()
          .split('\n')
          .at(-1)!,
      );
    };
    const here = await productsHere('int8');
    assert.equal((await add(here)).wasThere, true);
    assert.equal((await add(here === 'codes' ? 'blocks' : 'codes')).wasThere, false);
    assert.equal((await readManifest(int8)).products, here);
  });

  it('says which weights it cannot read', async () => {
    const file = join(home, 'other.gguf');
    await assert.rejects(run(['model', 'add', file]), { code: 'not-found' });
    appendFileSync(file, 'no weights at all');
    await assert.rejects(run(['model', 'add', file, '--variant', 'int4']), { code: 'format-invalid' });
    assert.deepEqual(existsSync(join(home, 'models', 'other', 'int4')), false);
    await assert.rejects(run(['model', 'add', 'http://example.org/a.gguf']), /https only/);
    await assert.rejects(run(['model', 'add', 'no-such-model']), { code: 'not-found' });
  });

  it('refuses to convert what it cannot read before it is hashed, and says how far hashing is', async () => {
    const [source, out] = [join(home, 'weights'), join(home, 'out')];
    const golden = familyGolden('qwen2');
    const convert = () => run(['convert', source, '--out', out, '--variant', 'fp32', '--json-progress']);
    const phases = (output: string) => [
      ...new Set(output.split('\n').flatMap(line => (line ? [JSON.parse(line).phase] : []))),
    ];
    await writeFamilyCheckpoint(source, { ...golden, config: { ...golden.config, hidden_act: 'gelu' } });
    const terminal = memoryTerminal();
    const args = ['convert', source, '--out', out, '--json-progress'];
    await assert.rejects(createProgram(terminal, '0').parseAsync(['node', 'moebius', ...args]), {
      code: 'unsupported',
    });
    assert.deepEqual(phases(terminal.output()), [undefined]);
    await writeFamilyCheckpoint(source, golden);
    assert.deepEqual(phases(await convert()), ['verify', 'convert', undefined]);
  });

  it('converts into a folder of its own or over a converted model, and replaces nothing else', async () => {
    const mine = tempFolder({
      'work/notes.txt': 'mine',
      'work/deep/x': 'y',
      'web/manifest.json': '{"name":"app"}',
    });
    const [source, out] = [join(mine, 'weights'), join(mine, 'out')];
    await writeFamilyCheckpoint(source, familyGolden('qwen2'));
    const convert = (to: string, from = source) =>
      run(['convert', from, '--out', to, '--variant', 'fp32', '--json-progress']);
    const refused = async (to: string, message: RegExp, from?: string) => {
      const names = readdirSync(mine, { recursive: true });
      await assert.rejects(convert(to, from), { code: 'bad-request', message });
      assert.deepEqual(readdirSync(mine, { recursive: true }), names);
    };
    await refused(join(mine, 'work'), /something other than a converted model/);
    await refused(join(mine, 'web'), /something other than a converted model/);
    await refused(join(mine, 'work', 'notes.txt'), /is no folder/);
    symlinkSync(source, join(mine, 'link'));
    for (const to of [source, mine, join(mine, 'link')]) await refused(to, /holds the weights/);
    await refused(source, /holds the weights/, join(mine, 'link'));
    // It is made beside its place, and what is there is removed first.
    renameSync(source, `${out}.partial`);
    await refused(out, /out\.partial holds the weights/, `${out}.partial`);
    renameSync(`${out}.partial`, source);
    renameSync(join(mine, 'work'), `${out}.partial`);
    await refused(out, /out\.partial holds something other/);
    renameSync(`${out}.partial`, join(mine, 'work'));
    mkdirSync(out);
    for (let i = 0; i < 2; i++) {
      await convert(out);
      assert.deepEqual(
        readdirSync(out).filter(name => name.startsWith('.')),
        [],
      );
      mkdirSync(`${out}.partial`);
      for (const left of [BUILD_MARK, 'body.data']) writeFileSync(join(`${out}.partial`, left), '');
    }
    rmSync(`${out}.partial`, { recursive: true });
    assert.ok(existsSync(join(out, 'manifest.json')));
    // The weights were moved into the model that was made of them.
    renameSync(source, join(out, 'weights'));
    await refused(out, /holds the weights/, join(out, 'weights'));
  });

  it('generates the same text from an argument, from stdin, and in a batch', async () => {
    const prompt = 'the quick';
    const text = await run(['generate', prompt, '-n', '8', ...ENGINE]);
    assert.ok(text.length > 1);
    assert.equal(await run(['generate', '-n', '8', ...ENGINE], prompt), text);
    const lines = `${JSON.stringify({ id: 1, kind: 'generate', prompt, maxTokens: 8 })}\n`;
    const answer = JSON.parse(await run(['batch', ...ENGINE], lines));
    assert.equal(`${answer.text}\n`, text);
    assert.equal(answer.outputTokens, 8);
  });

  it('answers through the module as the commands do', async () => {
    const moebius = await openModel({ model: 'tiny', variant: 'fp32', context: 512, threads: 1 });
    try {
      let streamed = '';
      const onText = (part: string) => {
        streamed += part;
      };
      const text = await moebius.generateText({ prompt: 'the quick', maxTokens: 8, onText });
      assert.equal(`${text}\n`, await run(['generate', 'the quick', '--chat', '-n', '8', ...ENGINE]));
      assert.equal(streamed, text);
      const middle = await moebius.completeCode({ prefix: 'the ', suffix: ' fox', maxTokens: 3 });
      const record = { kind: 'infill', prefix: 'the ', suffix: ' fox', maxTokens: 3 };
      assert.equal(middle, JSON.parse(await run(['batch', ...ENGINE], JSON.stringify(record))).text);
    } finally {
      await moebius.dispose();
    }
  });

  it('reads and writes files in a batch', async () => {
    const [input, output] = [join(home, 'in.jsonl'), join(home, 'out.jsonl')];
    writeFileSync(
      input,
      '{"id":1,"kind":"infill","prefix":"the ","suffix":" fox","maxTokens":3}\r\n\r\nbad\r\n',
    );
    assert.equal(await run(['batch', '--input', input, '--output', output, ...ENGINE]), '');
    const results = readFileSync(output, 'utf8')
      .trim()
      .split('\n')
      .map(line => JSON.parse(line));
    assert.equal(results[0].id, 1);
    assert.equal(results[0].outputTokens, 3);
    assert.deepEqual([results[1].line, results[1].error.code], [3, 'bad-request']);
  });

  it('says before the model is loaded which file of a batch it cannot open, and leaves the other as it was', async () => {
    const [input, output] = [join(home, 'in.jsonl'), join(home, 'out.jsonl')];
    writeFileSync(output, 'an earlier answer');
    const batch = (from: string, to: string, model: string) =>
      run(['batch', '--input', from, '--output', to, ...ENGINE, '--model', model]);
    const refusal = (message: RegExp) => ({ code: 'bad-request', message });
    await assert.rejects(batch(input, output, 'none'), refusal(/in\.jsonl can't be read: ENOENT/));
    writeFileSync(input, '{"kind":"generate","prompt":"x","maxTokens":1}');
    await assert.rejects(batch(input, home, 'none'), refusal(/can't be written: EISDIR/));
    await assert.rejects(batch(input, output, 'none'), { code: 'model-missing' });
    assert.equal(readFileSync(output, 'utf8'), 'an earlier answer');
    await assert.rejects(batch(home, output, 'tiny'), /EISDIR/);
    // A device that is always full.
    if (existsSync('/dev/full')) await assert.rejects(batch(input, '/dev/full', 'tiny'), /ENOSPC/);
  });

  it('fills in between two files as in a batch', async () => {
    const [prefixFile, suffixFile] = [join(home, 'prefix'), join(home, 'suffix')];
    writeFileSync(prefixFile, 'the ');
    writeFileSync(suffixFile, ' fox');
    const places = ['--prefix-file', prefixFile, '--suffix-file', suffixFile];
    const record = { kind: 'infill', prefix: 'the ', suffix: ' fox', maxTokens: 3 };
    const answer = JSON.parse(await run(['batch', ...ENGINE], JSON.stringify(record)));
    assert.ok(answer.text.length > 0);
    assert.equal(await run(['infill', ...places, '-n', '3', ...ENGINE]), `${answer.text}\n`);
    await assert.rejects(run(['infill', '--file', prefixFile, ...ENGINE]), { code: 'bad-request' });
  });

  it('measures the levels that a model has', async () => {
    const { speeds } = JSON.parse(
      await run(['bench', '--json', '--prompt-tokens', '40', '--rounds', '1', ...ENGINE]),
    );
    assert.deepEqual(
      speeds.map((speed: { level: string }) => speed.level),
      ['exact', 'fast', 'frugal'],
    );
    for (const { prefillTokensPerSecond, decodeTokensPerSecond, draftedTokensPerSecond } of speeds)
      for (const speed of [prefillTokensPerSecond, decodeTokensPerSecond, draftedTokensPerSecond])
        assert.ok(speed > 0);
    const shown = await run([
      'bench',
      '--prompt-tokens',
      '40',
      '--rounds',
      '1',
      '--experts',
      'exact',
      ...ENGINE,
    ]);
    assert.match(
      shown,
      /writing tokens\/s {2}with drafts\nexact +\d+ +[\d.]+ +[\d.]+ +[\d.]+\nWriting is one token a step/,
    );
  });
});
