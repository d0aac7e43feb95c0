/** MCP servers that the files of a workspace name: Moebius' own file, and the one that VS Code reads. */
import type { WorkspacePort } from '../agent/ports.ts';
import { toMoebiusError } from '../base/errors.ts';
import { type McpServerConfig, parseMcpConfig } from './mcp-config.ts';

const FILES = ['.moebius/mcp.json', '.vscode/mcp.json'];

export interface McpFileServer {
  name: string;
  config: McpServerConfig;
  /** Path of the file that names it. */
  source: string;
}

/** `prefix`: what paths in the folder begin with (workspaces of several folders); `root`: where it is on disk. Never rejects. */
export async function readMcpFiles(
  workspace: WorkspacePort,
  { prefix, root }: { prefix: string; root: string },
): Promise<{ servers: McpFileServer[]; problems: string[] }> {
  const found: McpFileServer[] = [];
  const problems: string[] = [];
  for (const file of FILES) {
    const source = prefix + file;
    try {
      const config = parseMcpConfig((await workspace.read(source)).text, root);
      problems.push(...config.problems.map(problem => `${source}: ${problem}`));
      for (const [name, server] of Object.entries(config.servers)) {
        if (found.some(one => one.name === name))
          problems.push(`${source}: another file names a server ${name} too; that one is used.`);
        else found.push({ name, config: server, source });
      }
    } catch (thrown) {
      const { code, message } = toMoebiusError(thrown);
      if (code !== 'not-found') problems.push(`${source}: ${message}`);
    }
  }
  return { servers: found, problems };
}
