/** Child process of the benchmark: one engine, driven over IPC by child-contender.ts. argv[2] is its config as JSON. */
import type { ChildSide, ContenderConfig, ContenderReply, ContenderRequest } from './contender.ts';

const send = (reply: ContenderReply) => process.send?.(reply);

async function open(config: ContenderConfig): Promise<ChildSide> {
  if (config.kind === 'llama') return (await import('./llama.ts')).openLlama(config);
  if (config.isSingleSteps) return (await import('./single-steps.ts')).openSingleSteps(config);
  return (await import('./moebius.ts')).openMoebius(config);
}

async function main(): Promise<void> {
  const config: ContenderConfig = JSON.parse(process.argv[2]!);
  const start = performance.now();
  const contender = await open(config);
  send({ loadedMs: performance.now() - start });
  process.on('message', async ({ method, args }: ContenderRequest) => {
    try {
      // The method's name comes from our parent, which took it from the same type.
      const call = contender[method] as (...args: unknown[]) => Promise<unknown>;
      send({ value: await call(...args) });
      if (method === 'close') process.disconnect();
    } catch (error) {
      send({ error: (error as Error).stack ?? String(error) });
    }
  });
}

main().catch(error => {
  send({ error: error.stack ?? String(error) });
  process.exit(1);
});
