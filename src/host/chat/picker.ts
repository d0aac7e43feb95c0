/** What the model and level pickers show. */
import type { ExpertLevel } from '../../protocol/daemon.ts';
import type { Picker } from '../../protocol/webview.ts';
import type { Daemon } from '../context.ts';

/** Offered when nothing is installed: the default model, the size of its download. */
const DEFAULT_DOWNLOAD = { name: 'Qwen2.5-Coder 1.5B', sizeBytes: 1_117_320_768 };
/** `frugal` also writes with fewer experts; it is a setting, not a choice for every message. */
const SHOWN_LEVELS: ExpertLevel[] = ['exact', 'balanced', 'fast'];

export async function readPicker(daemon: Daemon, level: ExpertLevel): Promise<Picker> {
  // A daemon that can't be asked says so in the phase line; the picker is then empty, without an offer.
  const models = await daemon.listModels().catch(() => null);
  const { state } = daemon;
  const loaded = state.kind === 'ready' || state.kind === 'loading' ? state.model : null;
  const current = models?.find(model => model.id === loaded) ?? models?.[0];
  const levels = current?.capabilities.levels ?? [];
  return {
    models: (models ?? []).map(({ id, name, variant }) => ({ id, name, variant })),
    current: current?.id ?? null,
    levels: SHOWN_LEVELS.filter(shown => levels.includes(shown)),
    level,
    download: models?.length === 0 || state.kind === 'no-model' ? DEFAULT_DOWNLOAD : null,
  };
}
