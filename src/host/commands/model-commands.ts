/** Models: choose, get, add from a file or an address, remove, show. */
import { dirname } from 'node:path';
import * as vscode from 'vscode';
import { MoebiusError } from '../../base/errors.ts';
import { isConvertible } from '../../models/architectures.ts';
import { catalogue, defaultModel } from '../../models/catalogue.ts';
import type { Machine } from '../../models/hardware.ts';
import { surveyMachine } from '../../models/machine.ts';
import { openStore, type StoredModel } from '../../models/store.ts';
import type { ModelVariant } from '../../protocol/daemon.ts';
import type { HostContext } from '../context.ts';
import { adviceBeforeDownload, noteOfEntry, noteOfInstalled } from '../models/advice.ts';
import { chosenModel, storeHome } from '../models/chosen-model.ts';
import { installModel } from '../models/install.ts';
import { megabytes } from '../models/install-progress.ts';
import { firstVariants, modelInUse, readyWith } from '../models/model-in-use.ts';
import { modelPage } from '../models/model-page.ts';
import { whileStopped } from '../models/while-stopped.ts';
import type { Pages } from '../pages.ts';
import { readSettings, updateSetting } from '../settings.ts';
import type { CommandTable } from './command-table.ts';

interface Choice extends vscode.QuickPickItem {
  run?(): Promise<unknown>;
}

export function modelCommands(context: HostContext, pages: Pages): CommandTable {
  const home = () => storeHome(readSettings().model.home);

  const use = async (id: string): Promise<void> => {
    if (readSettings().model.id !== id) await updateSetting('model.id', id);
    await vscode.window.withProgress(
      { location: vscode.ProgressLocation.Window, title: `Moebius: loading ${id}` },
      () => readyWith(context.daemon, id),
    );
  };

  /** Fetches, then uses. `source`: catalogue id, path or address. */
  const install = async (source: string, name: string, variant: ModelVariant | null): Promise<void> => {
    const { extensionPath } = context.extension;
    await use(await installModel({ extensionPath, home: home(), source, name, variant }));
    void vscode.window.showInformationMessage(`Moebius: ${name} is ready.`);
  };

  const download = async (id?: unknown): Promise<void> => {
    const entry = catalogue().find(model => model.id === id) ?? defaultModel();
    const { extensionPath } = context.extension;
    const advice = await adviceBeforeDownload(entry, { extensionPath, home: home() });
    const choice = await vscode.window.showInformationMessage(
      `Download ${entry.name} (${megabytes(entry.sizeBytes)} MB)?`,
      { modal: true, detail: `${entry.description} ${advice.sentence}\nLicense: ${entry.license}.` },
      'Download',
    );
    if (choice) await install(entry.id, entry.name, advice.variant);
  };

  const add = async (source?: unknown): Promise<void> => {
    const from = typeof source === 'string' ? source : await askSource();
    if (from) await install(from, from.split(/[\\/]/).pop()!, null);
  };

  const choose = async (id?: unknown): Promise<void> => {
    if (typeof id === 'string') return use(id);
    const store = await openStore(home());
    const installed = await store.list();
    const machine = await surveyMachine(store);
    const current = modelInUse(context.daemon.state) ?? chosenModel(home(), readSettings().model.id);
    const choices: Choice[] = [
      ...separated(
        'Installed',
        await Promise.all(
          firstVariants(installed).map(model => installedChoice(model, machine, current, use)),
        ),
      ),
      ...separated(
        'To download',
        catalogue()
          .filter(({ architecture }) => isConvertible(architecture))
          .filter(({ id }) => !installed.some(model => model.id === id))
          .map(entry => ({
            label: `$(cloud-download) ${entry.name}`,
            description: `${megabytes(entry.sizeBytes)} MB`,
            detail: `${noteOfEntry(entry, machine)}. ${entry.description}`,
            run: () => download(entry.id),
          })),
      ),
      ...separated('More', [
        { label: '$(add) Add from a file or an address…', run: () => add() },
        ...(installed.length > 0 ? [{ label: '$(trash) Remove a model…', run: () => remove() }] : []),
      ]),
    ];
    const chosen = await vscode.window.showQuickPick(choices, {
      title: 'Moebius: Choose Model',
      placeHolder: 'The model runs on this machine; nothing leaves it',
      matchOnDescription: true,
    });
    await chosen?.run?.();
  };

  const remove = async (): Promise<void> => {
    const store = await openStore(home());
    const items = firstVariants(await store.list()).map(model => ({
      label: model.name,
      description: `${megabytes(model.sizeBytes)} MB`,
      model,
    }));
    if (items.length === 0) throw new MoebiusError('model-missing', 'No model is installed.');
    const chosen = await vscode.window.showQuickPick(items, { title: 'Moebius: Remove Model' });
    if (!chosen) return;
    const { id, name, path, manifest } = chosen.model;
    const sure = await vscode.window.showWarningMessage(
      `Remove ${name} from this machine?`,
      {
        modal: true,
        detail: `Frees what lies in ${dirname(path)} in every variant, and the published weights where they were kept.`,
      },
      'Remove',
    );
    if (!sure) return;
    const removeAll = async () => {
      await store.remove(id);
      await store.removeDownload(manifest.source.sha256);
      await store.removeRepository(id);
      if (readSettings().model.id === id) await updateSetting('model.id', undefined);
    };
    // A process that has the files open would keep their space, and on Windows the files themselves.
    await (modelInUse(context.daemon.state) === id ? whileStopped(context.daemon, removeAll) : removeAll());
  };

  const show = async (): Promise<void> => {
    const id = chosenModel(home(), readSettings().model.id);
    if (id === null) throw new MoebiusError('model-missing', 'No model is installed.');
    const store = await openStore(home());
    const model = await store.find(id);
    const note = await noteOfInstalled(model, await surveyMachine(store));
    const { state } = context.daemon;
    const loaded = state.kind === 'ready' && state.model === id ? await context.daemon.ready() : null;
    await pages.show(`Moebius model ${id}`, modelPage(model, loaded, note));
  };

  return {
    'moebius.model.choose': choose,
    'moebius.model.download': download,
    'moebius.model.add': add,
    'moebius.model.remove': remove,
    'moebius.model.show': show,
  };
}

async function installedChoice(
  model: StoredModel,
  machine: Machine,
  current: string | null,
  use: (id: string) => Promise<void>,
): Promise<Choice> {
  const experts = model.manifest.experts;
  const layout = experts ? `${experts.routed} routed experts (${experts.kind})` : 'dense';
  return {
    label: `$(${model.id === current ? 'check' : 'circle-outline'}) ${model.name}`,
    description: `${model.variant}, ${megabytes(model.sizeBytes)} MB`,
    detail: `${await noteOfInstalled(model, machine)}; ${layout}; ${model.manifest.license}`,
    run: () => use(model.id),
  };
}

const separated = (label: string, choices: Choice[]): Choice[] =>
  choices.length === 0 ? [] : [{ label, kind: vscode.QuickPickItemKind.Separator }, ...choices];

async function askSource(): Promise<string | undefined> {
  const file = { label: '$(file) From a GGUF file on this machine' };
  const address = { label: '$(globe) From an address (https)' };
  const kind = await vscode.window.showQuickPick([file, address], { title: 'Moebius: Add Model' });
  if (kind === file) {
    const picked = await vscode.window.showOpenDialog({
      title: 'Moebius: Add Model',
      filters: { 'GGUF models': ['gguf'] },
      openLabel: 'Add',
    });
    return picked?.[0]?.fsPath;
  }
  if (kind !== address) return undefined;
  return vscode.window.showInputBox({
    title: 'Moebius: Add Model',
    prompt: 'Address of a GGUF file. It is downloaded from there to this machine.',
    placeHolder: 'https://…/model-q4_k_m.gguf',
    validateInput: text =>
      /^https:\/\/\S+\.gguf(\?\S*)?$/.test(text) ? null : 'An https address that ends in .gguf',
  });
}
