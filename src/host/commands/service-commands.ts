/** The daemon, the walkthrough, and the status bar's menu that leads to all of them. */
import * as vscode from 'vscode';
import { isLanguageOn } from '../../completion/languages.ts';
import { CHAT_LEVELS } from '../chat/level.ts';
import type { ChatView } from '../chat/view.ts';
import type { HostContext } from '../context.ts';
import { chosenModel, storeHome } from '../models/chosen-model.ts';
import { modelInUse } from '../models/model-in-use.ts';
import type { Pages } from '../pages.ts';
import { readSettings, updateSetting } from '../settings.ts';
import { describeStatus, isUp } from '../status/status-page.ts';
import type { CommandTable } from './command-table.ts';

interface Choice extends vscode.QuickPickItem {
  command?: string;
  args?: unknown[];
}

export function serviceCommands(
  context: HostContext,
  daemonLog: vscode.LogOutputChannel,
  pages: Pages,
  chat: ChatView,
): CommandTable {
  const { daemon } = context;
  return {
    'moebius.daemon.restart': async () => {
      await vscode.window.withProgress(
        { location: vscode.ProgressLocation.Window, title: 'Moebius: restarting' },
        async () => {
          await daemon.restart();
          const { model } = readSettings();
          if (chosenModel(storeHome(model.home), model.id) !== null) await daemon.ready();
        },
      );
    },
    'moebius.daemon.showLog': () => daemonLog.show(),
    'moebius.daemon.status': async () => {
      const status = isUp(daemon.state) ? await daemon.status() : null;
      await pages.show('Moebius status', describeStatus(daemon.state, status, await chat.diskUse()));
    },
    'moebius.chat.chooseLevel': chooseLevel,
    'moebius.walkthrough.open': () =>
      vscode.commands.executeCommand(
        'workbench.action.openWalkthrough',
        'moebius.moebius#moebius.start',
        false,
      ),
    'moebius.menu.show': async () => {
      const chosen = await vscode.window.showQuickPick(menu(context), {
        title: 'Moebius',
        placeHolder: 'State, model and switches',
      });
      if (chosen?.command) await vscode.commands.executeCommand(chosen.command, ...(chosen.args ?? []));
    },
  };
}

function menu({ daemon }: HostContext): Choice[] {
  const document = vscode.window.activeTextEditor?.document;
  const { completion, model, chat } = readSettings(document);
  const { state } = daemon;
  const current = modelInUse(state) ?? chosenModel(storeHome(model.home), model.id);
  const languageId = document?.languageId;
  return [
    {
      label: `$(pulse) ${STATES[state.kind]}`,
      ...('reason' in state && { detail: state.reason }),
      command: 'moebius.daemon.status',
    },
    current
      ? { label: `$(chip) Model: ${current}`, description: 'choose another', command: 'moebius.model.choose' }
      : { label: '$(cloud-download) Get a model…', command: 'moebius.model.download' },
    { label: `$(dashboard) Chat reads at level: ${chat.level}`, command: 'moebius.chat.chooseLevel' },
    { label: '$(comment-discussion) Open chat', command: 'moebius.chat.focusInput' },
    { label: '', kind: vscode.QuickPickItemKind.Separator },
    {
      label: `$(${completion.isEnabled ? 'circle-slash' : 'sparkle'}) Turn completions ${completion.isEnabled ? 'off' : 'on'}`,
      command: 'moebius.completion.toggle',
    },
    ...(languageId
      ? [
          {
            label: `$(${isLanguageOn(completion.languages, languageId) ? 'circle-slash' : 'sparkle'}) Turn completions ${isLanguageOn(completion.languages, languageId) ? 'off' : 'on'} for ${languageId}`,
            command: 'moebius.completion.toggleLanguage',
          },
        ]
      : []),
    { label: '$(bell-slash) Snooze completions…', command: 'moebius.completion.snooze' },
    { label: '$(question) Why this suggestion, why none', command: 'moebius.completion.why' },
    { label: '', kind: vscode.QuickPickItemKind.Separator },
    { label: '$(debug-restart) Restart the daemon', command: 'moebius.daemon.restart' },
    { label: '$(output) Show the log', command: 'moebius.daemon.showLog' },
    { label: '$(gear) Settings', command: 'workbench.action.openSettings', args: ['@ext:moebius.moebius'] },
    { label: '$(book) Walkthrough', command: 'moebius.walkthrough.open' },
  ];
}

const STATES = {
  idle: 'Not started; starts when it is needed',
  starting: 'Starting',
  'no-model': 'No model is loaded',
  loading: 'Loading the model',
  ready: 'Ready',
  backoff: 'Starting again after a crash',
  failed: 'Stopped after errors',
  stopped: 'Stopped',
} as const;

async function chooseLevel(): Promise<void> {
  const items = CHAT_LEVELS.map(level => ({ label: level, detail: LEVELS[level] }));
  const chosen = await vscode.window.showQuickPick(items, {
    title: 'Moebius: Level',
    placeHolder: 'How many experts read the prompt of a chat; completions and inline edits are always exact',
  });
  if (chosen) await updateSetting('chat.level', chosen.label);
}

const LEVELS = {
  auto: 'As few experts read a chat as the model was measured to stand, all read a task for the agent; all write',
  exact: 'Reads and writes with all experts',
  balanced: 'Reads the far part of the prompt with fewer experts, writes with all',
  fast: 'Reads with still fewer experts, writes with all',
  frugal: 'Also writes with fewer experts: the least work, and answers that are less reliable',
} as const;
