/** The settings that the host reads, in one place; chat reads `moebius.chat.*` itself. */
import * as vscode from 'vscode';
import type { AgentProfile } from '../agent/agent.ts';
import type { MultilineSetting } from '../completion/extent.ts';
import type { LanguageSwitches } from '../completion/languages.ts';
import type { ChatLevel } from '../protocol/webview.ts';
import { readLevel } from './chat/level.ts';

export interface Settings {
  completion: {
    isEnabled: boolean;
    trigger: 'automatic' | 'manual';
    languages: LanguageSwitches;
    multiline: MultilineSetting;
    /** null: by how fast the user types. */
    debounceMs: number | null;
    decodeBudgetMs: number;
    /** Nothing is computed but what a pause in typing asks for; `auto`: while the machine runs on battery. */
    savePower: 'auto' | 'on' | 'off';
    nextEdits: boolean;
  };
  model: {
    /** '' = the default model, or whichever is installed. */
    id: string;
    /** '' = MOEBIUS_HOME, else ~/.moebius. */
    home: string;
  };
  /** How many experts read a chat's prompt. */
  chat: { level: ChatLevel };
  agent: {
    /** Run without asking, besides what was remembered for the workspace. */
    allowedCommands: string[];
    /** null: guessed from the project; `none`: there is none. */
    checkCommand: string | null;
    /** `auto`: as suits the model. */
    profile: AgentProfile | 'auto';
    /** By name; checked where they are used. */
    mcpServers: Record<string, unknown>;
    /** The user's own, for every task. */
    rules: string;
    maxTurns: number;
    commandTimeoutMs: number;
  };
  engine: { threads: number | null; contextTokens: number; savedMegabytes: number };
  daemon: { startsOnActivation: boolean };
}

export function readSettings(scope?: vscode.ConfigurationScope): Settings {
  const get = <T>(name: string, fallback: T): T =>
    vscode.workspace.getConfiguration('moebius', scope).get<T>(name, fallback);
  return {
    completion: {
      isEnabled: get('completion.enabled', true),
      trigger: get('completion.trigger', 'automatic'),
      languages: get('completion.languages', {}),
      multiline: get('completion.multiline', 'auto'),
      debounceMs: get<number | null>('completion.debounceMs', null),
      decodeBudgetMs: get('completion.decodeBudgetMs', 1500),
      savePower: get('completion.savePower', 'auto'),
      nextEdits: get('completion.nextEdits', true),
    },
    model: { id: get('model.id', '').trim(), home: get('model.home', '').trim() },
    chat: { level: readLevel(get('chat.level', 'auto')) },
    agent: {
      allowedCommands: get('agent.allowedCommands', []),
      checkCommand: get('agent.checkCommand', '').trim() || null,
      profile: get<AgentProfile | 'auto'>('agent.profile', 'auto'),
      mcpServers: get('agent.mcpServers', {}),
      rules: get('agent.rules', ''),
      maxTurns: get('agent.maxTurns', 25),
      commandTimeoutMs: get('agent.commandTimeoutMs', 120000),
    },
    engine: {
      threads: get<number>('engine.threads', 0) || null,
      contextTokens: get('engine.contextTokens', 8192),
      savedMegabytes: get('engine.savedMegabytes', 2048),
    },
    daemon: { startsOnActivation: get('daemon.startOnActivation', true) },
  };
}

/** Where a change takes effect: in the workspace if that has the setting, else with the user; and what stands there now. */
export function ownSetting<T>(name: string): { target: vscode.ConfigurationTarget; value: T | undefined } {
  const set = vscode.workspace.getConfiguration('moebius').inspect<T>(name);
  return set?.workspaceValue === undefined
    ? { target: vscode.ConfigurationTarget.Global, value: set?.globalValue }
    : { target: vscode.ConfigurationTarget.Workspace, value: set.workspaceValue };
}

export const updateSetting = (name: string, value: unknown): Thenable<void> =>
  vscode.workspace.getConfiguration('moebius').update(name, value, ownSetting(name).target);
