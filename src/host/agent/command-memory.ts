/**
 * Which commands run without asking: those of the user's settings, and those that were allowed for always in this workspace. The
 * latter are kept in the extension's own storage, where no repository can write.
 */
import type * as vscode from 'vscode';
import { type CommandRule, rulesFor } from '../../agent/commands/rules.ts';

const KEY = 'moebius.agent.commandRules';

export class CommandMemory {
  readonly #memory: vscode.Memento;

  constructor(memory: vscode.Memento) {
    this.#memory = memory;
  }

  get remembered(): CommandRule[] {
    return this.#memory.get<CommandRule[]>(KEY, []);
  }

  rules(allowedCommands: readonly string[]): CommandRule[] {
    // From a setting a command is meant for any folder. One that can't be allowed for always is left out: it is asked for.
    const fromSettings = allowedCommands.flatMap(command => rulesFor(command, null) ?? []);
    return [...this.remembered, ...fromSettings];
  }

  remember(rules: readonly CommandRule[]): void {
    const known = new Set(this.remembered.map(keyOf));
    void this.#memory.update(KEY, [...this.remembered, ...rules.filter(rule => !known.has(keyOf(rule)))]);
  }

  async forget(rule: CommandRule): Promise<void> {
    const rest = this.remembered.filter(one => keyOf(one) !== keyOf(rule));
    await this.#memory.update(KEY, rest);
  }
}

const keyOf = ({ cwd, words }: CommandRule): string => JSON.stringify([cwd, words]);
