/** Builds the VSIX for one platform: `npm run package [-- <target>]`, target as vsce names it, e.g. `linux-x64`. */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { main, ROOT, run, ScriptError, step } from './steps.ts';

/** onnxruntime-node ships one folder of native libraries for each of these. */
const TARGETS = ['linux-x64', 'linux-arm64', 'darwin-arm64', 'win32-x64', 'win32-arm64'];

export const hostTarget = (): string => `${process.platform}-${process.arch}`;

/** Builds for production and packages. Returns the VSIX's path. */
export async function packageVsix(target = hostTarget()): Promise<string> {
  if (!TARGETS.includes(target)) {
    throw new ScriptError(`No onnxruntime binary for "${target}". Known: ${TARGETS.join(', ')}.`);
  }
  await run(process.execPath, ['esbuild.js', '--production']);
  writeFileSync(join(ROOT, 'dist/third-party-licenses.txt'), bundledLicences());
  const { name, version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const vsix = join(ROOT, `${name}-${version}-${target}.vsix`);
  const vsce = join(ROOT, 'node_modules/@vscode/vsce/vsce');
  const options = ['--target', target, '--ignoreFile', ignoreFileFor(target), '--out', vsix];
  const asWritten = ['--allow-missing-repository', '--no-rewrite-relative-links'];
  await run(process.execPath, [vsce, 'package', ...options, ...asWritten]);
  return vsix;
}

/** What travels beside the bundles. */
const COPIED = ['node_modules/onnxruntime-node', 'node_modules/@vscode/tree-sitter-wasm'];

function ignoreFileFor(target: string): string {
  const [os, arch] = target.split('-');
  const file = join(ROOT, `.cache/vscodeignore-${target}`);
  mkdirSync(join(ROOT, '.cache'), { recursive: true });
  const binary = `!node_modules/onnxruntime-node/bin/napi-v6/${os}/${arch}/**\n`;
  writeFileSync(file, readFileSync(join(ROOT, '.vscodeignore'), 'utf8') + binary);
  return file;
}

/** The licences of what the bundles contain, as those licences ask for; the bundler's metafile says what that is. */
function bundledLicences(): string {
  const { inputs } = JSON.parse(readFileSync(join(ROOT, 'dist/meta.json'), 'utf8')) as { inputs: object };
  const names = Object.keys(inputs).map(path => path.match(/.*node_modules\/((?:@[^/]+\/)?[^/]+)/)?.[0]);
  const folders = [...new Set(names.filter(name => name !== undefined)), ...COPIED];
  return folders.sort().map(licenceOf).join('\n\n');
}

function licenceOf(folder: string): string {
  const path = join(ROOT, folder);
  const { name, version, license } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'));
  const file = readdirSync(path).find(entry => /^licen[cs]e/i.test(entry));
  const text = file ? readFileSync(join(path, file), 'utf8').trim() : '';
  return `${name} ${version} (${license})\n${text}`.trim();
}

if (require.main === module) {
  main(async () => {
    const vsix = await step('Package', () => packageVsix(process.argv[2]));
    if (!existsSync(vsix)) throw new ScriptError(`vsce reported success, but ${vsix} is not there.`);
    console.log(`${(statSync(vsix).size / 1e6).toFixed(1)} MB`);
    return 0;
  });
}
