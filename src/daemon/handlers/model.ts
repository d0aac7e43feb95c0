import { parseParams } from '../params.ts';
import type { ServerContext } from '../server.ts';

/** `model/load`, `model/unload`, `model/info`, `model/list`. */
export function handleModel({ serve, residency, options }: ServerContext): void {
  serve('model/load', async (params, signal) => residency.load(parseParams('model/load', params), signal));
  serve('model/unload', async () => {
    await residency.unload();
    return {};
  });
  serve('model/info', async () => residency.loaded?.info() ?? null);
  serve('model/list', async () => ({
    models: await options.store.list(),
    loaded: residency.loaded?.info().id ?? null,
  }));
}
