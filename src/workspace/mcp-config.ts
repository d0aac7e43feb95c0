/** Which MCP servers a configuration names, in the shapes that editors write it: one for the command line, the settings and files. */
import { type ParseError, parse, printParseErrorCode } from 'jsonc-parser';
import * as z from 'zod/mini';
import { MoebiusError } from '../base/errors.ts';

const MAX_SERVERS = 16;
// biome-ignore lint/suspicious/noTemplateCurlyInString: as the files write it
const FOLDER = '${workspaceFolder}';

const strings = z.record(z.string(), z.string());
const program = z.object({
  command: z.string().check(z.minLength(1)),
  args: z.optional(z.array(z.string())),
  env: z.optional(strings),
  /** Of VS Code. Known so that they are refused, not overlooked. */
  envFile: z.optional(z.string()),
  cwd: z.optional(z.string()),
});
const address = z.object({ url: z.string(), headers: z.optional(strings) });
const servers = z.record(z.string().check(z.regex(/^[\w.-]{1,40}$/)), z.union([program, address]));
const config = z.union([z.object({ servers }), z.object({ mcpServers: servers })]);

export type McpServerConfig = z.infer<typeof program> | z.infer<typeof address>;

export interface McpConfig {
  servers: Record<string, McpServerConfig>;
  /** Which can't be used and why, for the user. */
  problems: string[];
}

/**
 * `{"servers": {"<name>": {"command": ..., "args": [...], "env": {...}} or {"url": ..., "headers": {...}}}}`, with comments;
 * `mcpServers` as other programs call it is understood too. `folder` is put in for `${workspaceFolder}`.
 * @throws MoebiusError `bad-request` with what is wrong
 */
export function parseMcpConfig(text: string, folder: string): McpConfig {
  const errors: ParseError[] = [];
  const json: unknown = parse(text, errors, { allowTrailingComma: true });
  const [error] = errors;
  if (error) {
    const line = text.slice(0, error.offset).split('\n').length;
    const what = printParseErrorCode(error.error);
    throw new MoebiusError('bad-request', `The MCP configuration is no JSON: ${what} in line ${line}`);
  }
  const parsed = config.safeParse(json);
  if (!parsed.success)
    throw new MoebiusError(
      'bad-request',
      `The MCP configuration is not understood: ${z.prettifyError(parsed.error)}`,
    );
  const found = Object.entries('servers' in parsed.data ? parsed.data.servers : parsed.data.mcpServers);
  if (found.length > MAX_SERVERS)
    throw new MoebiusError('bad-request', `There are more than ${MAX_SERVERS} MCP servers; use fewer.`);
  const result: McpConfig = { servers: {}, problems: [] };
  for (const [name, server] of found) {
    const ready = withFolder(server, folder);
    const problem = problemOf(ready);
    if (problem === null) result.servers[name] = ready;
    else result.problems.push(`The MCP server ${name} can't be used: ${problem}`);
  }
  return result;
}

/** Strings with the folder in its place, in a copy. */
function withFolder<T>(value: T, folder: string): T {
  return JSON.parse(JSON.stringify(value), (_key, inner: unknown) =>
    typeof inner === 'string' ? inner.replaceAll(FOLDER, () => folder) : inner,
  );
}

function problemOf(server: McpServerConfig): string | null {
  const variable = /\$\{[^}]*\}/.exec(JSON.stringify(server));
  if (variable) return `${variable[0]} is not filled in here, only ${FOLDER} is.`;
  if ('url' in server)
    return /^https?:\/\//.test(server.url) && URL.canParse(server.url)
      ? null
      : `${server.url} is no address.`;
  if (server.envFile !== undefined) return '"envFile" is not supported; write what it needs under "env".';
  if (server.cwd !== undefined) return '"cwd" is not supported; it is started in the workspace.';
  return null;
}
