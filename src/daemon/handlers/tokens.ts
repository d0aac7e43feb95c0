import { parseParams } from '../params.ts';
import type { ServerContext } from '../server.ts';

/** `tokens/count`: does not use the sessions, so it is answered at once, whatever runs. */
export function handleTokens({ serve, residency }: ServerContext): void {
  serve('tokens/count', async (raw, signal) => {
    const params = parseParams('tokens/count', raw);
    await residency.whenLoaded(signal);
    return residency.engine().count(params);
  });
}
