/** Debian packages, for machines that start bare: installed when we are root, asked for in words when we are not. */
import { childEnvironment, findProgram, run, ScriptError } from '../steps.ts';

export async function aptInstall(...packages: string[]): Promise<void> {
  const command = `apt-get install -y --no-install-recommends ${packages.join(' ')}`;
  if (process.getuid?.() !== 0 || !(await findProgram('apt-get'))) {
    throw new ScriptError(
      `Missing: ${packages.join(', ')}. Please install it, on Debian with "sudo ${command}".`,
    );
  }
  const env = childEnvironment({ DEBIAN_FRONTEND: 'noninteractive' });
  await run('apt-get', ['update', '-qq'], { env });
  await run('apt-get', command.split(' ').slice(1), { env });
}
