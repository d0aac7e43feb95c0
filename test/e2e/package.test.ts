/** What travels in the VSIX: the whole list, so that neither a forgotten file nor a stray one goes unnoticed. */
import assert from 'node:assert/strict';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { open as openZip } from 'yauzl';
import { ROOT } from '../../scripts/steps.ts';
import { packageOnce } from '../support/workbench.ts';

/** Folders whose every file travels. */
const WHOLE = ['dist/grammars', 'media', 'models', 'node_modules/onnxruntime-common/dist/cjs'];
const SINGLE = [
  'package.json',
  'readme.md',
  'LICENSE.txt',
  'changelog.md',
  'dist/cli.js',
  'dist/codicon.ttf',
  'dist/daemon.js',
  'dist/engine-worker.js',
  'dist/extension.js',
  'dist/grammar-worker.js',
  'dist/third-party-licenses.txt',
  'dist/webview.css',
  'dist/webview.js',
  'node_modules/onnxruntime-common/package.json',
  'node_modules/onnxruntime-node/package.json',
  'node_modules/onnxruntime-node/dist/backend.js',
  'node_modules/onnxruntime-node/dist/binding.js',
  'node_modules/onnxruntime-node/dist/index.js',
  'node_modules/onnxruntime-node/dist/version.js',
];

function filesBelow(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && !/\.(map|d\.ts)$/.test(entry.name))
    .map(entry => join(entry.parentPath, entry.name).slice(ROOT.length + 1));
}

function listZip(path: string): Promise<string[]> {
  return new Promise((resolve, reject) => {
    openZip(path, { lazyEntries: false }, (error, zip) => {
      if (error) return reject(error);
      const names: string[] = [];
      zip.on('entry', entry => names.push(entry.fileName));
      zip.once('error', reject);
      zip.once('end', () => resolve(names));
    });
  });
}

describe('the package', () => {
  it('holds what is needed at run time, with the native library of one platform, and nothing else', async () => {
    const names = await listZip(await packageOnce());
    const shipped = names
      .filter(name => name.startsWith('extension/'))
      .map(name => name.slice('extension/'.length).replace(/codicon-\w+\.ttf/, 'codicon.ttf'));
    const native = filesBelow(
      `node_modules/onnxruntime-node/bin/napi-v6/${process.platform}/${process.arch}`,
    );
    const expected = [...SINGLE, ...WHOLE.flatMap(filesBelow), ...native];
    assert.deepEqual(shipped.sort(), expected.sort());
  });

  // 48 MB of it are the native library and the models' recipes, 2 MB grammars; all code together is below 2 MB.
  it('is below 58 MB', async () => {
    assert.ok(statSync(await packageOnce()).size < 58e6);
  });
});
