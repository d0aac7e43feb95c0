/** How fast each model was read on this machine, from one start of the editor to the next: the first prompt is sized by it. */
import type * as vscode from 'vscode';
import type { ModelInfo } from '../protocol/daemon.ts';

const KEY = 'moebius.readSpeeds';
/** A change by less is no reason to write. */
const TELLING = 0.2;

export class SpeedMemory {
  readonly #state: vscode.Memento;

  constructor(state: vscode.Memento) {
    this.#state = state;
  }

  /** Tokens a second; null: it was never measured. */
  of(model: Model): number | null {
    return this.#all()[nameOf(model)] ?? null;
  }

  /** null: it was not measured yet. */
  note(model: Model, tokensPerSecond: number | null): void {
    if (tokensPerSecond === null) return;
    const known = this.of(model);
    if (known !== null && Math.abs(tokensPerSecond - known) <= TELLING * known) return;
    void this.#state.update(KEY, { ...this.#all(), [nameOf(model)]: Math.round(tokensPerSecond) });
  }

  #all(): Readonly<Record<string, number>> {
    return this.#state.get(KEY, {});
  }
}

type Model = Pick<ModelInfo, 'id' | 'variant'>;

/** Its forms are read at other speeds. */
const nameOf = ({ id, variant }: Model): string => `${id} ${variant}`;
