/** Small projects with tests (test/fixtures/agent), and the bugs that can be put into them. */
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Files } from './memory-ports.ts';

const FOLDER = join(__dirname, '..', 'fixtures', 'agent');
const TSX = pathToFileURL(createRequire(__filename).resolve('tsx')).href;

export interface SampleProject {
  name: string;
  language: 'python' | 'javascript';
  /** What the user would type; `argv` runs it where no shell and no packages are. */
  checkCommand: string;
  argv: string[];
  bugs: Bug[];
}
interface Bug {
  name: string;
  path: string;
  /** Occurs once in the file. */
  right: string;
  wrong: string;
}

export const SAMPLE_PROJECTS: readonly SampleProject[] = [
  {
    name: 'js-cart',
    language: 'javascript',
    checkCommand: 'npm test',
    argv: [process.execPath, '--test'],
    bugs: [
      {
        name: 'quantity replaced',
        path: 'src/cart.js',
        right: 'line.quantity += quantity;',
        wrong: 'line.quantity = quantity;',
      },
      { name: 'boundary', path: 'src/cart.js', right: 'this.count >= 10', wrong: 'this.count > 10' },
      {
        name: 'sum of prices',
        path: 'src/cart.js',
        right: 'sum += price * quantity;',
        wrong: 'sum += price;',
      },
      { name: 'padding', path: 'src/money.js', right: ".padStart(2, '0')", wrong: '' },
    ],
  },
  {
    name: 'py-inventory',
    language: 'python',
    checkCommand: 'python3 -m unittest',
    argv: ['python3', '-m', 'unittest'],
    bugs: [
      { name: 'comments', path: 'inventory.py', right: ' or line.startswith("#")', wrong: '' },
      {
        name: 'order',
        path: 'inventory.py',
        right: 'key=lambda item: item.quantity',
        wrong: 'key=lambda item: item.name',
      },
      {
        name: 'old price',
        path: 'inventory.py',
        right: '            merged[item.name].price = item.price\n',
        wrong: '',
      },
      {
        name: 'aliasing',
        path: 'inventory.py',
        right: 'merged = {item.name: Item(item.name, item.quantity, item.price) for item in first}',
        wrong: 'merged = {item.name: item for item in first}',
      },
    ],
  },
  {
    name: 'ts-scheduler',
    language: 'javascript',
    checkCommand: 'npm test',
    argv: [process.execPath, '--import', TSX, '--test', 'test/scheduler.test.ts'],
    bugs: [
      { name: 'touching', path: 'src/interval.ts', right: 'start <= last.end', wrong: 'start < last.end' },
      {
        name: 'inner end',
        path: 'src/interval.ts',
        right: 'last.end = Math.max(last.end, end)',
        wrong: 'last.end = end',
      },
      {
        name: 'overlap',
        path: 'src/interval.ts',
        right: 'a.start < b.end && b.start < a.end',
        wrong: 'a.start <= b.end && b.start <= a.end',
      },
      {
        name: 'last gap',
        path: 'src/scheduler.ts',
        right: '    if (end - at >= minutes) gaps.push({ start: at, end });\n',
        wrong: '',
      },
    ],
  },
];

/** The project's files, with `bug` in them. */
export function sampleFiles({ name }: SampleProject, bug: Bug | null): Files {
  const root = join(FOLDER, name);
  const files: Files = new Map();
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    files.set(path.slice(root.length + 1).replaceAll('\\', '/'), readFileSync(path, 'utf8'));
  }
  if (bug) {
    const parts = files.get(bug.path)!.split(bug.right);
    if (parts.length !== 2) throw new Error(`${bug.name}: \`${bug.right}\` must occur once in ${bug.path}.`);
    files.set(bug.path, parts.join(bug.wrong));
  }
  return files;
}
