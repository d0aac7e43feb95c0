/** Checkers and test runners of the agent's evaluation: pinned, installed into .tools/ on demand, no dependencies of the product. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const TOOLS = join(__dirname, '..', '..', '..', '.tools');

const NODE_PACKAGES = {
  checkers: {
    typescript: '5.8.3',
    eslint: '8.57.1',
    '@typescript-eslint/parser': '8.32.1',
    pyright: '1.1.400',
  },
  jest: { jest: '29.7.0', 'babel-jest': '29.7.0', '@babel/core': '7.27.1', '@babel/preset-env': '7.27.2' },
} as const;
const PYTHON_PACKAGES = { pylint: '3.3.7', ruff: '0.11.10' } as const;

/** The folder of `node_modules` with these packages. @throws with npm's own words when they can't be installed. */
export function nodePackages(name: keyof typeof NODE_PACKAGES): string {
  const folder = join(TOOLS, name);
  const modules = join(folder, 'node_modules');
  const packages = Object.entries(NODE_PACKAGES[name]);
  const isThere = packages.every(([id, version]) => installedVersion(join(modules, id)) === version);
  if (!isThere) {
    mkdirSync(folder, { recursive: true });
    const wanted = packages.map(([id, version]) => `${id}@${version}`);
    execFileSync('npm', ['install', '--prefix', folder, '--no-audit', '--no-fund', ...wanted], {
      stdio: ['ignore', 'inherit', 'inherit'],
      shell: process.platform === 'win32',
    });
  }
  return modules;
}

function installedVersion(folder: string): string | null {
  const file = join(folder, 'package.json');
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).version : null;
}

/** The program `name` of a Python environment of its own. @throws with pip's own words when it can't be installed. */
export function pythonTool(name: keyof typeof PYTHON_PACKAGES): string {
  const folder = join(TOOLS, 'python');
  const programs = join(folder, process.platform === 'win32' ? 'Scripts' : 'bin');
  const wanted = Object.entries(PYTHON_PACKAGES).map(([id, version]) => `${id}==${version}`);
  const stamp = join(folder, 'installed.txt');
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted.join('\n')) {
    const options = { stdio: ['ignore', 'inherit', 'inherit'] as ['ignore', 'inherit', 'inherit'] };
    execFileSync('python3', ['-m', 'venv', folder], options);
    execFileSync(join(programs, 'pip'), ['install', '--quiet', ...wanted], options);
    writeFileSync(stamp, wanted.join('\n'));
  }
  return join(programs, name);
}
