// Builds the bundles. `node esbuild.js [--watch] [--production]`; writes dist/meta.json for the layer test.
const { mkdirSync, writeFileSync } = require('node:fs');
const esbuild = require('esbuild');

const watch = process.argv.includes('--watch');
const production = process.argv.includes('--production');
const common = {
  bundle: true,
  sourcemap: !production,
  minify: production,
  metafile: true,
  logLevel: 'warning',
  outdir: 'dist',
};
const node = {
  ...common,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  external: ['vscode', 'onnxruntime-node'],
  entryPoints: [
    { in: 'src/extension.ts', out: 'extension' },
    { in: 'src/daemon.ts', out: 'daemon' },
    { in: 'src/cli.ts', out: 'cli' },
    { in: 'src/engine/session/worker.ts', out: 'engine-worker' },
  ],
};
const browser = {
  ...common,
  platform: 'browser',
  target: 'es2022',
  format: 'iife',
  jsx: 'automatic',
  jsxImportSource: 'preact',
  loader: { '.ttf': 'file' },
  entryPoints: [{ in: 'src/webview.ts', out: 'webview' }],
};

async function main() {
  mkdirSync('dist', { recursive: true });
  if (watch) {
    for (const options of [node, browser]) await (await esbuild.context(options)).watch();
    return;
  }
  const results = await Promise.all([node, browser].map(options => esbuild.build(options)));
  const inputs = Object.assign({}, ...results.map(result => result.metafile.inputs));
  const outputs = Object.assign({}, ...results.map(result => result.metafile.outputs));
  writeFileSync('dist/meta.json', JSON.stringify({ inputs, outputs }));
}

main().catch(error => {
  console.error(error.message);
  process.exit(1);
});
