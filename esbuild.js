// Builds the four bundles. `node esbuild.js [--watch] [--production]`; writes dist/meta.json for the layer test.
import { mkdirSync, writeFileSync } from 'node:fs';
import * as esbuild from 'esbuild';

const watch = process.argv.includes('--watch');
const production = process.argv.includes('--production');
const common = { bundle: true, sourcemap: !production, minify: production, metafile: true, logLevel: 'info', outdir: 'dist' };
const node = { ...common, platform: 'node', target: 'node20', format: 'cjs', outExtension: { '.js': '.cjs' }, external: ['vscode', 'onnxruntime-node'] };

const bundles = [
  { ...node, entryPoints: ['src/extension.ts'] },
  { ...node, entryPoints: ['src/daemon.ts', 'src/cli.ts', { in: 'src/engine/session/worker.ts', out: 'engine-worker' }].map(e => (typeof e === 'string' ? { in: e, out: e.slice(4, -3) } : e)) },
  { ...common, platform: 'browser', target: 'es2022', format: 'iife', entryPoints: ['src/webview.ts'], jsx: 'automatic', jsxImportSource: 'preact', loader: { '.ttf': 'file' } },
];

mkdirSync('dist', { recursive: true });
if (watch) {
  for (const options of bundles) await (await esbuild.context(options)).watch();
} else {
  const results = await Promise.all(bundles.map(options => esbuild.build(options)));
  const inputs = Object.assign({}, ...results.map(result => result.metafile.inputs));
  const outputs = Object.assign({}, ...results.map(result => result.metafile.outputs));
  writeFileSync('dist/meta.json', JSON.stringify({ inputs, outputs }));
}
