/** The agent's hands in this window, for the folders that are open now. */
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { AgentPorts, SyntaxPort } from '../../agent/ports.ts';
import { monotonicClock } from '../../base/clock.ts';
import { MoebiusError } from '../../base/errors.ts';
import { CHECKPOINT_BYTES, Checkpoints } from '../../workspace/checkpoints.ts';
import { decodeText } from '../../workspace/encoding.ts';
import { WorkspaceFolders } from '../../workspace/folders.ts';
import { McpServers } from '../../workspace/mcp.ts';
import { NodeEdits } from '../../workspace/node-edits.ts';
import { NodeTerminal } from '../../workspace/node-terminal.ts';
import { EditorDiagnostics } from './diagnostics.ts';
import { EditorEdits } from './editor-edits.ts';
import { EditorFileStates, editorWorkspace } from './editor-files.ts';
import { EditorSymbols } from './symbols.ts';

export class WorkspacePorts implements vscode.Disposable {
  readonly folders: WorkspaceFolders;
  readonly checkpoints: Checkpoints;
  readonly ports: Omit<AgentPorts, 'approval' | 'questions' | 'mcp'>;
  /** None is configured yet: whoever runs a task says which may be used. */
  readonly servers: McpServers;
  /** The first folder on disk: where servers are started. */
  readonly root: string;
  readonly terminal: NodeTerminal;

  private constructor(folders: WorkspaceFolders, storage: string, root: string, syntax: SyntaxPort) {
    this.folders = folders;
    this.root = root;
    this.checkpoints = new Checkpoints(
      join(storage, 'checkpoints'),
      new EditorFileStates(folders),
      CHECKPOINT_BYTES,
    );
    this.terminal = new NodeTerminal(folders);
    this.servers = new McpServers({}, root);
    this.ports = {
      workspace: editorWorkspace(folders),
      edits: new EditorEdits(folders, new NodeEdits(folders, this.checkpoints), this.checkpoints),
      terminal: this.terminal,
      diagnostics: new EditorDiagnostics(folders),
      symbols: new EditorSymbols(folders),
      syntax,
      clock: monotonicClock,
    };
  }

  /**
   * `storage`: folder of the extension's own for this workspace.
   * @throws MoebiusError `unsupported` when no folder is open
   */
  static async open(storage: string, syntax: SyntaxPort): Promise<WorkspacePorts> {
    const folders = vscode.workspace.workspaceFolders ?? [];
    const paths = folders.map(({ uri }) => uri.fsPath);
    if (paths.length === 0)
      throw new MoebiusError('unsupported', 'Open a folder to let the agent work in it.');
    const opened = await WorkspaceFolders.open(
      paths,
      folders.map(({ name }) => name),
    );
    return new WorkspacePorts(opened, storage, paths[0]!, syntax);
  }

  /** What a file was before a turn; '' if there was none, or if it is no longer kept. */
  async textBefore(turnId: string, path: string): Promise<string> {
    const state = await this.checkpoints.before(turnId, path);
    return state ? decodeText(state.bytes, path).text : '';
  }

  /** What a turn left of a file; null if it deleted it, or if that is no longer kept. */
  async textAfter(turnId: string, path: string): Promise<string | null> {
    const state = await this.checkpoints.after(turnId, path);
    return state && decodeText(state.bytes, path).text;
  }

  /** What a file says now, unsaved changes included; null: there is none that can be read. */
  async textNow(path: string): Promise<string | null> {
    return this.ports.workspace.read(path).then(
      ({ text }) => text,
      () => null,
    );
  }

  /** Ends the commands and servers that still run. */
  dispose(): void {
    this.terminal.dispose();
    void this.servers.dispose();
  }
}
