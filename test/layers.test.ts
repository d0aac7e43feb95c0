/**
 * Holds the architecture: which room may use which, over the imports that the bundler really followed, and which
 * outside world a file may touch, over the sources. A room that needs a new arrow gets it here, in a commit that says why.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(__dirname, '..');

/** room -> rooms it may import, besides itself. Downwards only. */
const ROOMS: Record<string, string[]> = {
  base: [],
  protocol: ['base'],
  rpc: ['protocol', 'base'],
  formats: ['base'],
  models: ['formats', 'protocol', 'base'],
  convert: ['models', 'formats', 'protocol', 'base'],
  engine: ['models', 'formats', 'protocol', 'base'],
  daemon: ['engine', 'models', 'rpc', 'protocol', 'base'],
  backends: ['rpc', 'protocol', 'base'],
  completion: ['backends', 'protocol', 'base'],
  agent: ['backends', 'protocol', 'base'],
  workspace: ['agent', 'protocol', 'base'],
  host: ['agent', 'workspace', 'completion', 'backends', 'models', 'rpc', 'protocol', 'base'],
  webview: ['protocol', 'base'],
  cli: [
    'agent',
    'workspace',
    'backends',
    'completion',
    'convert',
    'daemon',
    'engine',
    'formats',
    'models',
    'protocol',
    'rpc',
    'base',
  ],
};
/** Entry points hold no logic: they start one room. */
const ENTRY_POINTS: Record<string, string[]> = {
  'src/extension.ts': ['host'],
  'src/daemon.ts': ['daemon', 'engine', 'models', 'base'],
  'src/cli.ts': ['cli', 'base'],
  'src/webview.ts': ['webview'],
};

/** What only some files may contain. `pattern` is tried on each line that is not a comment. */
const PLACES: { what: string; pattern: RegExp; allowed: RegExp }[] = [
  { what: 'vscode', pattern: /from 'vscode'|require\('vscode'\)/, allowed: /^src\/(host\/|extension\.ts)/ },
  {
    what: 'onnxruntime-node',
    pattern: /(from|require\(|import\()\s*['"]onnxruntime-node/,
    allowed: /^src\/engine\/session\//,
  },
  {
    what: 'child processes',
    pattern: /['"](node:)?child_process['"]/,
    // pip, for the package mirror, is run by the download; everything else that starts a process has one place.
    allowed: /^src\/(host\/daemon\/spawn|workspace\/process|models\/(download|source)[\w/-]*)\.ts$/,
  },
  {
    what: 'stdout',
    pattern: /process\.stdout|console\.log/,
    // serve.ts takes stdout away from everyone else; in session.ts `process` is the daemon seen from its client.
    allowed: /^src\/cli\.ts|^src\/cli\/|^src\/(host\/daemon\/session|daemon\/serve)\.ts$/,
  },
  {
    what: 'the network',
    pattern: /\bfetch\(|['"]node:https?['"]/,
    allowed: /^src\/(models\/download|backends\/openai)/,
  },
  {
    what: 'listening sockets',
    pattern: /['"]node:net['"]|\.listen\([^)]/,
    // It compares addresses, and opens no socket.
    allowed: /^src\/models\/no-proxy\.ts$/,
  },
];
const WRITES = /\b(writeFile|writeFileSync|appendFile|createWriteStream|mkdir|rename|unlink|rmSync)\(/;
const PURE = /^src\/(agent|completion|engine|base|protocol|webview)\//;

interface Metafile {
  inputs: Record<string, { imports: { path: string; external?: boolean }[] }>;
}

const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
  .filter(path => /\.tsx?$/.test(path))
  .map(path => `src/${path.replaceAll('\\', '/')}`)
  .sort();
const lines = (path: string): string[] => readFileSync(join(ROOT, path), 'utf8').split('\n');
const roomOf = (path: string): string | undefined => path.match(/^src\/([^/]+)\//)?.[1];
const isComment = (line: string): boolean => /^\s*(\/\/|\*|\/\*)/.test(line);

function offenders(pattern: RegExp, isAllowed: (path: string) => boolean): string[] {
  return sources
    .filter(path => !isAllowed(path))
    .flatMap(path =>
      lines(path).flatMap((line, index) =>
        pattern.test(line) && !isComment(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [],
      ),
    );
}

describe('layers', () => {
  it('every room is known', () => {
    const unknown = [...new Set(sources.map(roomOf))].filter(room => room !== undefined && !(room in ROOMS));
    assert.deepEqual(unknown, []);
  });

  it('rooms import downwards only', () => {
    const file = join(ROOT, 'dist/meta.json');
    assert.ok(existsSync(file), 'dist/meta.json is missing: run "npm run build" first');
    const { inputs } = JSON.parse(readFileSync(file, 'utf8')) as Metafile;
    const wrong = Object.entries(inputs).flatMap(([path, { imports }]) => {
      const room = roomOf(path);
      const allowed = room ? ROOMS[room] : ENTRY_POINTS[path];
      if (!allowed) return [];
      return imports.flatMap(({ path: target }) => {
        const targetRoom = roomOf(target);
        const isFine = !targetRoom || targetRoom === room || allowed.includes(targetRoom);
        return isFine ? [] : [`${path} -> ${target}`];
      });
    });
    assert.deepEqual(wrong, []);
  });

  for (const { what, pattern, allowed } of PLACES) {
    it(`${what} only where it belongs`, () => {
      assert.deepEqual(
        offenders(pattern, path => allowed.test(path)),
        [],
      );
    });
  }

  it('agent, completion and engine write no files', () => {
    assert.deepEqual(
      offenders(WRITES, path => !PURE.test(path)),
      [],
    );
  });

  it('entry points are short', () => {
    const limits: [string, number][] = [
      ['src/extension.ts', 60],
      ['src/daemon.ts', 60],
      ['src/cli.ts', 120],
      ['src/webview.ts', 30],
    ];
    const long = limits.filter(([path, limit]) => sources.includes(path) && lines(path).length > limit);
    assert.deepEqual(long, []);
  });

  it('no file is past 500 lines', () => {
    assert.deepEqual(
      sources.filter(path => lines(path).length > 500),
      [],
    );
  });
});
