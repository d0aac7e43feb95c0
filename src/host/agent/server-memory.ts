/**
 * Which MCP servers of the workspace's files may be started: each by the fingerprint of all that its file says of it. Kept like the
 * commands that are always allowed, in the extension's own storage, where no repository can write.
 */
import type * as vscode from 'vscode';
import type { McpConsents } from './mcp-gate.ts';

const KEY = 'moebius.agent.mcpConsents';

export class ServerMemory implements McpConsents {
  readonly session: McpConsents['session'] = new Map();
  readonly #memory: vscode.Memento;

  constructor(memory: vscode.Memento) {
    this.#memory = memory;
  }

  /** Titles by fingerprint. */
  get remembered(): Readonly<Record<string, string>> {
    return this.#memory.get<Record<string, string>>(KEY, {});
  }

  isRemembered(mark: string): boolean {
    return Object.hasOwn(this.remembered, mark);
  }

  remember(mark: string, title: string): void {
    void this.#memory.update(KEY, { ...this.remembered, [mark]: title });
  }

  /** Also what was decided in this window: it is asked for again. */
  async forget(mark: string): Promise<void> {
    this.session.delete(mark);
    const { [mark]: _, ...rest } = this.remembered;
    await this.#memory.update(KEY, rest);
  }
}
