/** How every download is asked for: directly, or through the proxy that the environment names, as other programs understand it. */
import { isExempt } from './no-proxy.ts';

export interface RequestOptions {
  headers?: Record<string, string>;
  signal: AbortSignal;
}

/** A GET; redirects are followed. Rejects as `fetch` does, see `networkReason`. */
export async function requestDownload(url: string, options: RequestOptions): Promise<Response> {
  const proxies = proxiesOf(process.env);
  if (!proxies.http && !proxies.https) return fetch(url, options);
  // Only where it is needed: Node's own `fetch` takes a proxy in its newest versions alone.
  const { Agent, fetch: fetchBy, Pool, ProxyAgent } = await import('undici');
  /** The proxy of the server that was asked last: a redirect may lead to another. */
  let asked = null as URL | null;
  try {
    const dispatcher = new Agent({
      factory: (origin, agentOptions) => {
        // Until it is known which: not the one before.
        asked = null;
        asked = proxyFor(new URL(origin), proxies);
        if (!asked) return new Pool(origin, agentOptions as object);
        // A tunnel for TLS alone: many proxies open none to other ports.
        return new ProxyAgent({ uri: asked.href, proxyTunnel: false, ...tokenOf(asked) });
      },
    });
    // Its class is not the global one, its methods are.
    return (await fetchBy(url, { ...options, dispatcher })) as unknown as Response;
  } catch (error) {
    if (options.signal.aborted || !asked) throw error;
    throw new TypeError('fetch failed', { cause: new Error(proxyReason(error, asked), { cause: error }) });
  }
}

/** `fetch failed` says nothing; its cause does. */
export function networkReason(error: unknown): string {
  const cause = (error as Error).cause as (Error & { code?: string }) | undefined;
  return cause?.message || cause?.code || (error as Error).message;
}

/** '' for none. */
interface Proxies {
  http: string;
  https: string;
  noProxy: string;
}

/** Of a variable in both cases the small one counts, as for curl; an empty one is none. */
const proxiesOf = (env: NodeJS.ProcessEnv): Proxies => ({
  http: env.http_proxy ?? env.HTTP_PROXY ?? '',
  https: env.https_proxy ?? env.HTTPS_PROXY ?? '',
  noProxy: env.no_proxy ?? env.NO_PROXY ?? '',
});

/** null: directly. Throws where the proxy is no address. */
function proxyFor(server: URL, { http, https, noProxy }: Proxies): URL | null {
  const named = server.protocol === 'https:' ? https : http;
  if (named === '' || isExempt(server, noProxy)) return null;
  // `host:port` is the habit of many.
  const proxy = URL.parse(/^\w+:\/\//.test(named) ? named : `http://${named}`);
  // An @ behind the host: a password was taken for one, and must not be shown.
  if (proxy && !`${proxy.pathname}${proxy.search}${proxy.hash}`.includes('@')) return proxy;
  const form = 'http://user:password@host:port, with / # ? @ of a password as %2F %23 %3F %40';
  throw new Error(`the environment names a proxy that is no address (${form})`);
}

/** Also of a user without a password, and of a password with a % of its own. */
function tokenOf({ username, password }: URL): { token?: string } {
  if (!username && !password) return {};
  const [user, secret] = [username, password].map(decoded);
  return { token: `Basic ${Buffer.from(`${user}:${secret}`).toString('base64')}` };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Names the proxy without the password that may stand in its address. */
function proxyReason(error: unknown, { host }: URL): string {
  let first = error as Error;
  while (first.cause instanceof Error) first = first.cause;
  const reason = networkReason(first);
  const status = /^Proxy [\w ]+ \((\d+)\)/.exec(reason)?.[1];
  if (status === '407')
    return `the proxy ${host} wants a user name and a password (https_proxy=http://user:password@host:port)`;
  if (status) return `the proxy ${host} refused, with status ${status}`;
  return `${reason} (the environment names the proxy ${host})`;
}
