/**
 * MCP servers of the workspace's own files run programs, so each is asked for before its first start: exactly as the file describes
 * it now. What was allowed for another command line, or in another folder, does not count. Those of the user's settings were chosen
 * by the user. No `vscode` in here.
 */
import type { ActionPolicy } from '../../agent/actions.ts';
import { shownData } from '../../agent/data-text.ts';
import { fingerprint } from '../../agent/fingerprint.ts';
import type { AgentEvent, ApprovalDecision, ApprovalPort, McpPort } from '../../agent/ports.ts';
import { cancelled } from '../../base/errors.ts';
import type { McpServers } from '../../workspace/mcp.ts';
import type { McpConfig, McpServerConfig } from '../../workspace/mcp-config.ts';
import type { McpFileServer } from '../../workspace/mcp-files.ts';

/** Decisions about servers, by fingerprint. */
export interface McpConsents {
  /** Until the window is closed or reloaded. */
  session: Map<string, 'allowed' | 'denied'>;
  isRemembered(mark: string): boolean;
  /** `title`: the server as the user will find it in the list of what is allowed. */
  remember(mark: string, title: string): void;
}

export interface McpGateOptions {
  servers: Pick<McpServers, 'configure' | 'list' | 'call'>;
  /** Of the user's settings. @throws MoebiusError `bad-request` when they are wrong */
  readOwn(): McpConfig;
  readFiles(): Promise<{ servers: McpFileServer[]; problems: string[] }>;
  /** Where programs are started. */
  folder: string;
  consents: McpConsents;
  turnId: string;
  policy(): ActionPolicy;
  approval: ApprovalPort;
  emit(event: AgentEvent): void;
}

/** Whether there is any, good or bad, of which a task has something to tell; nothing is started. */
export async function namesServers({
  readOwn,
  readFiles,
}: Pick<McpGateOptions, 'readOwn' | 'readFiles'>): Promise<boolean> {
  try {
    const own = readOwn();
    const files = await readFiles();
    return [Object.keys(own.servers), own.problems, files.servers, files.problems].some(
      one => one.length > 0,
    );
  } catch {
    return true; // What is wrong with them is told where they are listed.
  }
}

/** The servers for one task. */
export function gatedMcp(options: McpGateOptions): McpPort {
  const { servers } = options;
  return {
    async list(signal) {
      const own = options.readOwn();
      const files = await options.readFiles();
      const problems = [...own.problems, ...files.problems];
      const configs = { ...own.servers };
      for (const server of files.servers) {
        const problem = Object.hasOwn(own.servers, server.name)
          ? `${server.source}: your settings name a server ${server.name} too; that one is used.`
          : await refusalOf(options, server, signal);
        if (problem === null) configs[server.name] = server.config;
        else problems.push(problem);
      }
      servers.configure(configs);
      const listed = await servers.list(signal);
      return { tools: listed.tools, problems: [...problems, ...listed.problems] };
    },
    call: (server, name, args, signal) => servers.call(server, name, args, signal),
  };
}

/** Why a server is not started, for the user; null: it may be. */
async function refusalOf(
  options: McpGateOptions,
  server: McpFileServer,
  signal: AbortSignal,
): Promise<string | null> {
  const { consents, folder, policy } = options;
  const { name, config, source } = server;
  const mark = await fingerprint({ name, config, folder });
  const decided = consents.session.get(mark);
  if (decided === 'allowed') return null;
  if (decided === 'denied') return `The MCP server ${name} is not started: you did not allow it.`;
  const { askEverything, readOnly } = policy();
  if (consents.isRemembered(mark) && !askEverything) return null;
  if (readOnly) return `The MCP server ${name} of ${source} is not started: the agent is read-only.`;
  const decision = await ask(options, server, mark, signal);
  consents.session.set(mark, decision.kind === 'deny' ? 'denied' : 'allowed');
  if (decision.kind === 'always')
    consents.remember(mark, `${name}: ${describeServer(config).split('\n', 1)[0]}`);
  return decision.kind === 'deny' ? `The MCP server ${name} is not started: you did not allow it.` : null;
}

async function ask(
  { approval, emit, turnId, folder }: McpGateOptions,
  { name, config, source }: McpFileServer,
  mark: string,
  signal: AbortSignal,
): Promise<ApprovalDecision> {
  const isProgram = 'command' in config;
  const callId = `${turnId}.mcp.${name}`;
  const title = `${isProgram ? 'Start' : 'Connect to'} the MCP server ${name}`;
  const call = { kind: 'call', name: 'mcp_server', arguments: { server: name } } as const;
  const request = {
    callId,
    capability: 'mcp',
    title,
    detail: isProgram ? `${describeServer(config)}\n(in ${folder})` : describeServer(config),
    warning: isProgram
      ? `${source} of this workspace names it. What it does is not seen here and not asked for.`
      : `${source} of this workspace names it. What the agent gives it leaves this machine.`,
    fingerprint: mark,
    remember: `${name}, exactly like this`,
  } as const;
  emit({ type: 'call', callId, call, title });
  emit({ type: 'approval', request });
  const decision = await approval.ask(request, signal);
  if (signal.aborted) throw cancelled();
  emit({ type: 'decision', callId, decision });
  const isAllowed = decision.kind !== 'deny';
  const summary = isAllowed ? 'Allowed' : 'Not allowed';
  emit({ type: 'result', callId, ok: isAllowed, text: '', summary, changes: [] });
  return decision;
}

/** All of it, in full, with what is invisible made visible. The first line is the command line or the address. */
export function describeServer(config: McpServerConfig): string {
  const [first, extras] =
    'command' in config
      ? [[config.command, ...(config.args ?? [])].map(quoted).join(' '), config.env ?? {}]
      : [quoted(config.url), config.headers ?? {}];
  const lines = Object.entries(extras).map(([name, value]) => `${name}=${quoted(value)}`);
  return shownData([first, ...lines].join('\n'));
}

const quoted = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : JSON.stringify(word));
