// `npm start`: runs on a bare clone, so it may use nothing but Node. Installs the dependencies, then hands over.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const run = (command, args, options) => {
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options });
  if (status !== 0) process.exit(status ?? 1);
};

if (Number(process.versions.node.split('.')[0]) < 20) {
  console.error(`Moebius needs Node 20 or newer; this is ${process.version}.`);
  process.exit(1);
}
if (!existsSync(join(root, 'node_modules/.package-lock.json'))) {
  console.log('Installing dependencies');
  // On Windows npm is a batch file. Only for it: a shell would cut our paths at their blanks.
  const shell = process.platform === 'win32';
  run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { shell });
}
run(process.execPath, ['--import', 'tsx', join(root, 'scripts/open.ts'), ...process.argv.slice(2)]);
