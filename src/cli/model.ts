/** `moebius model`: what is in the store, and what could be. */
import { Command } from 'commander';
import { MoebiusError } from '../base/errors.ts';
import { isConvertible } from '../models/architectures.ts';
import { catalogue } from '../models/catalogue.ts';
import {
  adviseAddition,
  adviseInstalled,
  type HardwareAdvice,
  limitNote,
  speedNote,
} from '../models/hardware.ts';
import { surveyMachine } from '../models/machine.ts';
import { verifyModel } from '../models/manifest-file.ts';
import { packedBytes } from '../models/packed.ts';
import { openStore, type StoredModel } from '../models/store.ts';
import type { ModelVariant } from '../protocol/daemon.ts';
import { optionalVariantOption } from './engine-session.ts';
import { modelAddCommand } from './model-add.ts';
import { modelPackCommand } from './model-pack.ts';
import { modelRemoveCommand } from './model-remove.ts';
import { megabytes, withProgress } from './progress.ts';
import { type Terminal, writeLine } from './terminal.ts';

export function modelCommand(terminal: Terminal): Command {
  const command = new Command('model').description('list, add, pack, inspect, verify and remove models');
  for (const create of [
    listCommand,
    modelAddCommand,
    modelPackCommand,
    modelRemoveCommand,
    infoCommand,
    verifyCommand,
  ]) {
    command.addCommand(create(terminal));
  }
  return command.addHelpText('after', '\nExample:\n  $ moebius model list');
}

function listCommand(terminal: Terminal): Command {
  return new Command('list')
    .description('models that are installed and models that can be added')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample:\n  $ moebius model list --json')
    .action(async ({ json }: { json?: boolean }) => {
      const store = await openStore();
      const installed = await store.list();
      const available = catalogue().filter(entry => installed.every(model => model.id !== entry.id));
      if (json) {
        const models = installed.map(({ manifest: _manifest, ...summary }) => summary);
        return writeLine(terminal.stdout, JSON.stringify({ home: store.home, installed: models, available }));
      }
      const machine = await surveyMachine(store);
      for (const model of installed) {
        const { id, variant, name } = model;
        const advice = await adviseInstalled(model, machine);
        const diskBytes = model.sizeBytes + (await packedBytes(model.path));
        const costs = [diskOf(diskBytes), memoryOf(advice), limitNote(advice) ?? speedNote(advice)];
        await writeLine(terminal.stdout, row(id, variant, costs, name));
      }
      if (installed.length === 0) await writeLine(terminal.stdout, `No model is installed in ${store.home}.`);
      if (available.length > 0)
        await writeLine(terminal.stdout, '\nCan be added with `moebius model add <id>`:');
      for (const { id, license, sizeBytes, description, architecture, facts } of available) {
        const advice = adviseAddition(facts, sizeBytes, machine);
        const costs = [diskOf(advice.diskBytes), memoryOf(advice), availability(architecture, advice)];
        await writeLine(terminal.stdout, row(id, license, costs, description));
      }
      if (!machine.speed) await writeLine(terminal.stdout, '\nFor speeds, run `moebius doctor` once.');
    });
}

const diskOf = (bytes: number): string => `${megabytes(bytes)} MB disk`;
const memoryOf = ({ memoryBytes }: HardwareAdvice): string => `${megabytes(memoryBytes)} MB memory`;

/** What keeps a model from running well here, else how fast it would be. */
function availability(architecture: string, advice: HardwareAdvice): string | null {
  if (!isConvertible(architecture)) return `${architecture} can't be converted yet`;
  return limitNote(advice) ?? speedNote(advice);
}

/** `costs`: disk, memory, and what there is to say of speed. */
function row(id: string, kind: string, [disk, memory, speed]: (string | null)[], text: string): string {
  const columns = [id.padEnd(22), kind.padEnd(10), disk!.padStart(15), memory!.padStart(17)];
  return [...columns, [speed, text].filter(Boolean).join('; ')].join('  ');
}

function infoCommand(terminal: Terminal): Command {
  return new Command('info')
    .description('what an installed model is and can do')
    .argument('<id>')
    .addOption(optionalVariantOption())
    .option('--json', 'print the manifest')
    .addHelpText('after', '\nExample:\n  $ moebius model info qwen2.5-coder-1.5b')
    .action(async (id: string, { variant, json }: { variant?: ModelVariant; json?: boolean }) => {
      const model = await (await openStore()).find(id, variant);
      const { path, manifest, capabilities } = model;
      const text = json ? JSON.stringify({ path, ...manifest, capabilities }) : describeModel(model);
      await writeLine(terminal.stdout, text);
    });
}

export function describeModel({ manifest, path, sizeBytes, capabilities }: StoredModel): string {
  const { dims, experts, source } = manifest;
  const abilities = {
    chat: capabilities.chat,
    'fill in the middle': capabilities.fillInTheMiddle,
    'tool calls': capabilities.toolCalls,
  };
  const lines: [string, string][] = [
    ['name', manifest.name],
    ['id', `${manifest.id} (${manifest.variant})`],
    [
      'architecture',
      `${manifest.architecture}, ${(manifest.parameters / 1e9).toFixed(2)} billion parameters, ${dims.layers} layers`,
    ],
    [
      'experts',
      experts
        ? `${experts.sharedNeurons > 0 ? '1 shared and ' : ''}${experts.routed} routed in each layer, ${experts.kind}`
        : 'none (dense)',
    ],
    ['levels', capabilities.levels.join(', ')],
    ['context', `${dims.trainedContext.toLocaleString('en-US')} tokens`],
    [
      'can',
      Object.entries(abilities)
        .filter(([, can]) => can)
        .map(([ability]) => ability)
        .join(', '),
    ],
    ['licence', manifest.license],
    ['made from', `${source.file}, sha256 ${source.sha256}`],
    ['folder', `${path} (${megabytes(sizeBytes)} MB)`],
  ];
  return lines.map(([label, value]) => `${label.padEnd(13)} ${value}`).join('\n');
}

function verifyCommand(terminal: Terminal): Command {
  return new Command('verify')
    .description('check every file of a model (or of all) against its hash')
    .argument('[id]')
    .addOption(optionalVariantOption())
    .addHelpText('after', '\nExample:\n  $ moebius model verify qwen2.5-coder-1.5b')
    .action(async (id: string | undefined, { variant }: { variant?: ModelVariant }) => {
      const store = await openStore();
      const wanted = (model: StoredModel) =>
        (!id || model.id === id) && (!variant || model.variant === variant);
      const models = (await store.list()).filter(wanted);
      if (models.length === 0)
        throw new MoebiusError(
          'model-missing',
          `${id ?? 'A model'} is not installed, or its manifest is damaged.`,
        );
      for (const model of models) {
        await withProgress(terminal, false, report =>
          verifyModel(model.path, {
            signal: terminal.signal,
            onProgress: (doneBytes, totalBytes) =>
              report({ phase: 'verify', percent: (100 * doneBytes) / totalBytes, doneBytes, totalBytes }),
          }),
        );
        await writeLine(terminal.stdout, `${model.id} (${model.variant}): whole`);
      }
    });
}
