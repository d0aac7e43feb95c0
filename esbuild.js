// Builds the bundles. `node esbuild.js [--watch] [--production]`; writes dist/meta.json for the layer test.
const { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } = require('node:fs');
const { dirname, join } = require('node:path');
const esbuild = require('esbuild');

const watch = process.argv.includes('--watch');
const production = process.argv.includes('--production');
const GRAMMARS =
  /^tree-sitter-(?:bash|c-sharp|cpp|go|java|javascript|php|python|ruby|rust|tsx|typescript)\.wasm$/;
const common = {
  bundle: true,
  sourcemap: !production,
  minify: production,
  metafile: true,
  // When a build begins and ends, `tasks.json` reads from what it says.
  logLevel: watch ? 'info' : 'warning',
  outdir: 'dist',
};

/**
 * This package says `"type": "module"`, but its one file is UMD (it carries its WebAssembly inline): without `exports` it puts
 * its names on the global object, where no import finds them. Here it gets an `exports`, and its names are exported.
 */
const xgrammar = {
  name: 'xgrammar',
  setup(build) {
    build.onLoad({ filter: /[\\/]web-xgrammar[\\/]lib[\\/]index\.js$/ }, ({ path }) => ({
      contents: `const exports = {}, module = { exports };\n${readFileSync(path, 'utf8')}\nexport const { Grammar, GrammarCompiler, GrammarMatcher, TokenizerInfo } = exports;`,
      loader: 'js',
    }));
  },
};
const node = {
  ...common,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  external: ['vscode', 'onnxruntime-node'],
  // Its `main` is UMD, whose inner `require` is not found when it is bundled.
  alias: {
    'jsonc-parser': 'jsonc-parser/lib/esm/main.js',
    // Its ESM looks for itself by `import.meta.url`, which a bundle in CommonJS has not.
    'web-tree-sitter': require.resolve('web-tree-sitter'),
  },
  plugins: [xgrammar],
  entryPoints: [
    { in: 'src/extension.ts', out: 'extension' },
    { in: 'src/daemon.ts', out: 'daemon' },
    { in: 'src/cli.ts', out: 'cli' },
    { in: 'src/engine/session/worker.ts', out: 'engine-worker' },
    { in: 'src/engine/grammar/worker.ts', out: 'grammar-worker' },
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

/** The parser and its grammars, as many as completion/syntax/grammars.ts names, beside the bundles: they are read when a language needs them. */
function copyGrammars() {
  mkdirSync('dist/grammars', { recursive: true });
  const runtime = require.resolve('web-tree-sitter/web-tree-sitter.wasm');
  copyFileSync(runtime, 'dist/grammars/web-tree-sitter.wasm');
  const folder = dirname(require.resolve('@vscode/tree-sitter-wasm'));
  for (const file of readdirSync(folder))
    if (GRAMMARS.test(file)) copyFileSync(join(folder, file), join('dist/grammars', file));
}

async function main() {
  mkdirSync('dist', { recursive: true });
  copyGrammars();
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
