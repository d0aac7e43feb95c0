/**
 * MCP servers, over the protocol's own SDK: started or reached when the agent first asks for tools, ended with it. Who runs this
 * decides which configuration is read: that of a workspace starts programs, so only of one that is trusted.
 */
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { getDefaultEnvironment, StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { McpPort, McpTool } from '../agent/ports.ts';
import { orAborted } from '../base/abort.ts';
import { MoebiusError, toMoebiusError } from '../base/errors.ts';
import type { McpServerConfig } from './mcp-config.ts';

/** Whether a server is there is known soon; a server that is started with npx may download itself first. */
const CONNECT_TIMEOUT_MS = 30_000;
const CALL_TIMEOUT_MS = 120_000;
const MAX_TOOLS = 200;
const MAX_CHARS = 200_000;

export class McpServers implements McpPort {
  #configs: Readonly<Record<string, McpServerConfig>>;
  readonly #clients = new Map<string, Promise<Client>>();
  readonly #folder: string;
  readonly #disposed = new AbortController();

  /** `folder`: where programs are started. */
  constructor(configs: Readonly<Record<string, McpServerConfig>>, folder: string) {
    this.#configs = configs;
    this.#folder = folder;
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
    const lists = Object.keys(this.#configs).map(server =>
      orAborted(this.#toolsOf(server), signal).catch(thrown => {
        if (signal.aborted) throw thrown;
        problems.push(`The MCP server ${server} can't be used: ${toMoebiusError(thrown).message}`);
        return [];
      }),
    );
    return { tools: (await Promise.all(lists)).flat().slice(0, MAX_TOOLS), problems };
  }

  async call(server: string, name: string, args: Record<string, unknown>, signal: AbortSignal) {
    const client = await orAborted(this.#client(server), signal);
    try {
      const result = await client.callTool({ name, arguments: args }, undefined, {
        signal,
        timeout: CALL_TIMEOUT_MS,
      });
      return { ok: result.isError !== true, text: textOf(result.content) };
    } catch (cause) {
      signal.throwIfAborted();
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

  async #toolsOf(server: string): Promise<McpTool[]> {
    const client = await this.#client(server);
    const tools: McpTool[] = [];
    let cursor: string | undefined;
    do {
      const page = await client.listTools(cursor === undefined ? {} : { cursor }, {
        timeout: CONNECT_TIMEOUT_MS,
      });
      for (const { name, description = '', inputSchema } of page.tools)
        tools.push({ server, name, description, schema: inputSchema });
      cursor = page.nextCursor;
    } while (cursor !== undefined && tools.length < MAX_TOOLS);
    return tools;
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
    await client.connect(this.#transport(serverConfig), { signal, timeout: CONNECT_TIMEOUT_MS });
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
