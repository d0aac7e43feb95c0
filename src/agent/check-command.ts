/** How a project is checked, by what lies at its root, when the user has not said. Only a guess: it runs with the usual approval. */
import type { WorkspacePort } from './ports.ts';

/** [a file at the root, the command]; the first that is there decides. */
const BY_FILE: readonly (readonly [string, string])[] = [
  ['Cargo.toml', 'cargo test'],
  ['go.mod', 'go test ./...'],
  ['pytest.ini', 'python -m pytest -q'],
  ['pyproject.toml', 'python -m pytest -q'],
  ['conftest.py', 'python -m pytest -q'],
  ['pom.xml', 'mvn -q test'],
];
const PACKAGE_MANAGERS: readonly (readonly [string, string])[] = [
  ['pnpm-lock.yaml', 'pnpm test'],
  ['yarn.lock', 'yarn test'],
];
/** More names at the root of a project are not one project. */
const ROOT_ENTRIES = 500;

/** null: nothing tells. */
export async function guessCheckCommand(workspace: WorkspacePort): Promise<string | null> {
  const entries = await workspace.list('', { recursive: false, limit: ROOT_ENTRIES });
  const names = new Set(entries.map(({ path }) => path));
  const firstOf = (table: typeof BY_FILE) => table.find(([name]) => names.has(name))?.[1];
  if (names.has('package.json') && (await hasTestScript(workspace))) {
    return firstOf(PACKAGE_MANAGERS) ?? 'npm test';
  }
  return firstOf(BY_FILE) ?? null;
}

async function hasTestScript(workspace: WorkspacePort): Promise<boolean> {
  try {
    const { scripts } = JSON.parse((await workspace.read('package.json')).text) as {
      scripts?: { test?: unknown };
    };
    // What `npm init` writes is no test.
    return typeof scripts?.test === 'string' && !scripts.test.includes('no test specified');
  } catch {
    return false;
  }
}
