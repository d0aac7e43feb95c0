/** What the model and level pickers show. */
import { defaultModel } from '../../models/catalogue.ts';
import type { ChatLevel, Picker } from '../../protocol/webview.ts';
import type { Daemon } from '../context.ts';

/** `frugal` also writes with fewer experts; it is a setting, not a choice for every message. */
const SHOWN_LEVELS = ['exact', 'balanced', 'fast'] as const;

export async function readPicker(daemon: Daemon, level: ChatLevel): Promise<Picker> {
  // A daemon that can't be asked says so in the phase line; the picker is then empty, without an offer.
  const models = await daemon.listModels().catch(() => null);
  const { state } = daemon;
  const loaded = state.kind === 'ready' || state.kind === 'loading' ? state.model : null;
  const current = models?.find(model => model.id === loaded) ?? models?.[0];
  const levels = current?.capabilities.levels ?? [];
  return {
    // One entry a model: which of its variants runs is a setting.
    models: (models ?? [])
      .filter(({ id }, index) => models?.findIndex(model => model.id === id) === index)
      .map(({ id, name }) => ({ id, name })),
    current: current?.id ?? null,
    levels: levels.length > 1 ? ['auto', ...SHOWN_LEVELS.filter(shown => levels.includes(shown))] : [],
    level,
    download: models?.length === 0 || state.kind === 'no-model' ? defaultDownload() : null,
  };
}

/** Offered when nothing is installed. */
function defaultDownload(): Picker['download'] {
  const { name, sizeBytes } = defaultModel();
  return { name, sizeBytes };
}
