/**
 * MCP servers, over the protocol's own SDK: started or reached when the agent first asks for tools, ended with it. Who runs this
 * decides which configuration is read: that of a workspace starts programs, so only of one that is trusted.
 */
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { getDefaultEnvironment, StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import {
  StreamableHTTPClientTransport,
  StreamableHTTPError,
} from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { McpPort, McpTool } from '../agent/ports.ts';
import { orAborted } from '../base/abort.ts';
import { cancelled, MoebiusError, toMoebiusError } from '../base/errors.ts';
import type { McpServerConfig } from './mcp-config.ts';

/** Whether a server is there, and what it offers, is known soon; a server that is started with npx may download itself first. */
const LIST_MS = 30_000;
/** A server that held a task up holds none up again for so long. */
const LEFT_OUT_MS = 3 * 60_000;
const MAX_PAGES = 20;
const CALL_TIMEOUT_MS = 120_000;
const MAX_TOOLS = 200;
const MAX_CHARS = 200_000;

export class McpServers implements McpPort {
  #configs: Readonly<Record<string, McpServerConfig>>;
  readonly #clients = new Map<string, Promise<Client>>();
  /** Servers that took long to fail: as they were configured then. */
  readonly #slow = new Map<string, { config: string; problem: string; untilMs: number }>();
  readonly #folder: string;
  readonly #listMs: number;
  readonly #disposed = new AbortController();

  /** `folder`: where programs are started. `listMs`: how long all servers together may take to say what they offer. */
  constructor(configs: Readonly<Record<string, McpServerConfig>>, folder: string, listMs = LIST_MS) {
    this.#configs = configs;
    this.#folder = folder;
    this.#listMs = listMs;
  }

  /** From now on these, and no others: what is gone or was changed is ended. */
  configure(configs: Readonly<Record<string, McpServerConfig>>): void {
    for (const [server, client] of this.#clients) {
      if (JSON.stringify(configs[server]) === JSON.stringify(this.#configs[server])) continue;
      this.#clients.delete(server);
      client.then(one => one.close()).catch(() => undefined);
    }
    this.#configs = configs;
  }

  async list(signal: AbortSignal): Promise<{ tools: McpTool[]; problems: string[] }> {
    const problems: string[] = [];
    const timeUp = AbortSignal.timeout(this.#listMs);
    const startMs = performance.now();
    const lists = Object.keys(this.#configs).map(async server => {
      const config = JSON.stringify(this.#configs[server]);
      const slow = this.#slow.get(server);
      if (slow?.config === config && startMs < slow.untilMs) {
        problems.push(slow.problem);
        return [];
      }
      try {
        return await this.#toolsOf(server, AbortSignal.any([signal, timeUp]));
      } catch (thrown) {
        if (signal.aborted) throw cancelled();
        const why = timeUp.aborted ? 'It does not answer in time.' : toMoebiusError(thrown).message;
        const problem = `The MCP server ${server} can't be used: ${why}`;
        problems.push(problem);
        this.#noteFailure(server, { config, problem, startMs });
        return [];
      }
    });
    return { tools: (await Promise.all(lists)).flat().slice(0, MAX_TOOLS), problems };
  }

  #noteFailure(server: string, failure: { config: string; problem: string; startMs: number }): void {
    const nowMs = performance.now();
    if (nowMs - failure.startMs < this.#listMs / 10) return;
    const problem = `${failure.problem} (It is tried again in some minutes.)`;
    this.#slow.set(server, { config: failure.config, problem, untilMs: nowMs + LEFT_OUT_MS });
  }

  async call(server: string, name: string, args: Record<string, unknown>, signal: AbortSignal) {
    try {
      const result = await this.#with(server, signal, (client, own) =>
        client.callTool({ name, arguments: args }, undefined, { signal: own, timeout: CALL_TIMEOUT_MS }),
      );
      return { ok: result.isError !== true, text: textOf(result.content) };
    } catch (cause) {
      signal.throwIfAborted();
      if (cause instanceof MoebiusError) throw cause;
      throw new MoebiusError('not-found', `The MCP server ${server} says: ${toMoebiusError(cause).message}`, {
        cause,
      });
    }
  }

  async dispose(): Promise<void> {
    this.#disposed.abort();
    const clients = [...this.#clients.values()];
    this.#clients.clear();
    await Promise.allSettled(clients.map(async client => (await client).close()));
  }

  async #toolsOf(server: string, signal: AbortSignal): Promise<McpTool[]> {
    const tools: McpTool[] = [];
    const cursors = new Set<string | undefined>();
    let cursor: string | undefined;
    do {
      cursors.add(cursor);
      const params = cursor === undefined ? {} : { cursor };
      const page = await this.#with(server, signal, (client, own) =>
        client.listTools(params, { signal: own, timeout: this.#listMs }),
      );
      for (const { name, description = '', inputSchema } of page.tools)
        tools.push({ server, name, description, schema: inputSchema });
      cursor = page.nextCursor;
    } while (
      cursor !== undefined &&
      !cursors.has(cursor) &&
      cursors.size < MAX_PAGES &&
      tools.length < MAX_TOOLS
    );
    return tools;
  }

  /**
   * Asks a server. One that has forgotten the session, since it was started anew or was idle for long, is greeted again, once. `own`: a
   * signal for this request alone, because the SDK listens to it for good.
   */
  async #with<T>(
    server: string,
    signal: AbortSignal,
    ask: (client: Client, own: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const client = await orAborted(this.#client(server), signal);
    try {
      return await ask(client, AbortSignal.any([signal]));
    } catch (error) {
      const isForgotten = error instanceof StreamableHTTPError && error.code === 404;
      if (!isForgotten) throw error;
      // Closed, it is no longer the one that is asked.
      await client.close();
      return ask(await orAborted(this.#client(server), signal), AbortSignal.any([signal]));
    }
  }

  /** Connected once; a server that failed or has ended is started again the next time. */
  #client(server: string): Promise<Client> {
    const known = this.#clients.get(server);
    if (known) return known;
    const forget = () => {
      // Meanwhile another may be there under the name.
      if (this.#clients.get(server) === client) this.#clients.delete(server);
    };
    const client: Promise<Client> = this.#connect(server, forget);
    this.#clients.set(server, client);
    client.catch(forget);
    return client;
  }

  async #connect(server: string, onEnd: () => void): Promise<Client> {
    const serverConfig = Object.hasOwn(this.#configs, server) ? this.#configs[server] : undefined;
    if (!serverConfig) throw new MoebiusError('not-found', `There is no MCP server ${server}.`);
    const client = new Client({ name: 'moebius', version: '1' });
    client.onclose = onEnd;
    const { signal } = this.#disposed;
    await client.connect(this.#transport(serverConfig), { signal, timeout: this.#listMs });
    return client;
  }

  #transport(serverConfig: McpServerConfig): Transport {
    if ('url' in serverConfig) {
      const { url, headers = {} } = serverConfig;
      // The SDK's own class does not declare the optional fields as its interface does.
      return new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }) as Transport;
    }
    const { command, args = [], env = {} } = serverConfig;
    // Of this process's environment only what every program needs: it may hold secrets.
    const environment = { ...getDefaultEnvironment(), ...env };
    return new StdioClientTransport({ command, args, env: environment, cwd: this.#folder, stderr: 'ignore' });
  }
}

/** The text of a result; what is no text is named. */
function textOf(content: unknown): string {
  if (!Array.isArray(content)) return '';
  const parts = content.map((part: { type?: unknown; text?: unknown; resource?: { text?: unknown } }) => {
    if (typeof part.text === 'string') return part.text;
    if (typeof part.resource?.text === 'string') return part.resource.text;
    return `(${String(part.type)} left out)`;
  });
  const text = parts.join('\n');
  return text.length <= MAX_CHARS
    ? text
    : `${text.slice(0, MAX_CHARS)}\n(The result is longer; the rest is left out.)`;
}
