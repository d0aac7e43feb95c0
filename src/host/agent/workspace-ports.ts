/** The agent's hands in this window, for the folders that are open now. */
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { AgentPorts } from '../../agent/ports.ts';
import { MoebiusError } from '../../base/errors.ts';
import { Checkpoints } from '../../workspace/checkpoints.ts';
import { decodeText } from '../../workspace/encoding.ts';
import { WorkspaceFolders } from '../../workspace/folders.ts';
import { type McpServerConfig, McpServers } from '../../workspace/mcp.ts';
import { NodeEdits } from '../../workspace/node-edits.ts';
import { NodeTerminal } from '../../workspace/node-terminal.ts';
import { EditorDiagnostics } from './diagnostics.ts';
import { EditorEdits } from './editor-edits.ts';
import { EditorFileStates, editorWorkspace } from './editor-files.ts';

/** Of what the files were before, on disk; the oldest turns go first. */
export const CHECKPOINT_BYTES = 200 * 1024 * 1024;

export interface WorkspaceOptions {
  /** Folder of the extension's own for this workspace. */
  storage: string;
  /** Of the user's settings; what a repository asks for is not started. */
  mcpServers: Readonly<Record<string, McpServerConfig>>;
}

export class WorkspacePorts implements vscode.Disposable {
  readonly folders: WorkspaceFolders;
  readonly checkpoints: Checkpoints;
  readonly ports: Omit<AgentPorts, 'approval' | 'questions'>;
  readonly #terminal: NodeTerminal;
  readonly #servers: McpServers;

  private constructor(folders: WorkspaceFolders, options: WorkspaceOptions, root: string) {
    this.folders = folders;
    this.checkpoints = new Checkpoints(
      join(options.storage, 'checkpoints'),
      new EditorFileStates(folders),
      CHECKPOINT_BYTES,
    );
    this.#terminal = new NodeTerminal(folders);
    this.#servers = new McpServers(options.mcpServers, root);
    this.ports = {
      workspace: editorWorkspace(folders),
      edits: new EditorEdits(folders, new NodeEdits(folders, this.checkpoints), this.checkpoints),
      terminal: this.#terminal,
      diagnostics: new EditorDiagnostics(folders),
      ...(Object.keys(options.mcpServers).length > 0 && { mcp: this.#servers }),
    };
  }

  /** @throws MoebiusError `unsupported` when no folder is open */
  static async open(options: WorkspaceOptions): Promise<WorkspacePorts> {
    const paths = (vscode.workspace.workspaceFolders ?? []).map(folder => folder.uri.fsPath);
    if (paths.length === 0)
      throw new MoebiusError('unsupported', 'Open a folder to let the agent work in it.');
    return new WorkspacePorts(await WorkspaceFolders.open(paths), options, paths[0]!);
  }

  /** What a file was before a turn; '' if there was none, or if it is no longer kept. */
  async textBefore(turnId: string, path: string): Promise<string> {
    const state = await this.checkpoints.before(turnId, path);
    return state ? decodeText(state.bytes, path).text : '';
  }

  /** Ends the commands and servers that still run. */
  dispose(): void {
    this.#terminal.dispose();
    void this.#servers.dispose();
  }
}
