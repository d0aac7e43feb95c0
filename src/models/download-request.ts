/** How every download is asked for: directly, or through the proxy that the environment names, as other programs understand it. */

export interface RequestOptions {
  headers?: Record<string, string>;
  signal: AbortSignal;
}

/** A GET; redirects are followed. Rejects as `fetch` does, see `networkReason`. */
export async function requestDownload(url: string, options: RequestOptions): Promise<Response> {
  const proxies = proxiesOf(process.env);
  if (!proxies) return fetch(url, options);
  // Only where it is needed: Node's own `fetch` takes a proxy in its newest versions alone.
  const undici = await import('undici');
  try {
    const dispatcher = new undici.EnvHttpProxyAgent(proxies);
    // Its class is not the global one, its methods are.
    return (await undici.fetch(url, { ...options, dispatcher })) as unknown as Response;
  } catch (error) {
    if (options.signal.aborted) throw error;
    throw new TypeError('fetch failed', { cause: new Error(proxyReason(error, proxies), { cause: error }) });
  }
}

/** `fetch failed` says nothing; its cause does. */
export function networkReason(error: unknown): string {
  const cause = (error as Error).cause as (Error & { code?: string }) | undefined;
  return cause?.message || cause?.code || (error as Error).message;
}

interface Proxies {
  httpProxy: string;
  httpsProxy: string;
  noProxy: string;
}

/** What another machine could not reach, whatever the environment says. */
const HERE = ['localhost', '127.0.0.1', '[::1]'];

/** null where none is named. Of a variable in both cases the small one counts, as for curl; an empty one is none. */
function proxiesOf(env: NodeJS.ProcessEnv): Proxies | null {
  const httpProxy = withScheme(env.http_proxy ?? env.HTTP_PROXY ?? '');
  const httpsProxy = withScheme(env.https_proxy ?? env.HTTPS_PROXY ?? '');
  const none = env.no_proxy ?? env.NO_PROXY ?? '';
  const noProxy = none === '*' ? none : [none, ...HERE].join();
  return httpProxy || httpsProxy ? { httpProxy, httpsProxy, noProxy } : null;
}

/** `host:port` is the habit of many. */
const withScheme = (proxy: string): string =>
  proxy === '' || /^\w+:\/\//.test(proxy) ? proxy : `http://${proxy}`;

function proxyReason(error: unknown, { httpProxy, httpsProxy }: Proxies): string {
  let first = error as Error;
  while (first.cause instanceof Error) first = first.cause;
  const reason = networkReason(first);
  // Without the password that may stand in it.
  const hosts = [httpsProxy, httpProxy].map(
    proxy => proxy && (URL.parse(proxy)?.host ?? 'of the environment'),
  );
  const proxy = `the proxy ${[...new Set(hosts.filter(Boolean))].join(' or ')}`;
  const status = /^Proxy response \((\d+)\)/.exec(reason)?.[1];
  if (status === '407') {
    return `${proxy} wants a user name and a password (https_proxy=http://user:password@host:port)`;
  }
  if (status) return `${proxy} refused, with status ${status}`;
  return `${reason} (the environment names ${proxy})`;
}
