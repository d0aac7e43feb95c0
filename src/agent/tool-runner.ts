/** Carries out one call of the model: finds the tool, checks the arguments, tells what is done before it is, and fits the result. */
import { type MoebiusError, toMoebiusError } from '../base/errors.ts';
import type { ToolCall } from '../protocol/daemon.ts';
import type { Actions, AgentOptions } from './agent.ts';
import { shownData } from './data-text.ts';
import { fitText, lines, type PagedText } from './result-text.ts';
import { type SeenFile, type Tool, type ToolContext, type ToolResult, told } from './tools/tool.ts';

export interface CallOutcome {
  /** What the model reads. */
  text: string;
  result: ToolResult;
}

const PLAN_ONLY =
  'Not done: this is plan mode, nothing may be changed. Go on reading, then answer with the plan in words.';

export class ToolRunner {
  readonly #tools: readonly Tool[];
  readonly #options: AgentOptions;
  readonly #actions: Actions;
  readonly #seen = new Map<string, SeenFile>();
  readonly #heard = new Map<string, string>();
  #calls = 0;

  constructor(tools: readonly Tool[], options: AgentOptions, actions: Actions) {
    this.#tools = tools;
    this.#options = options;
    this.#actions = actions;
  }

  /**
   * `count` and `roomTokens` limit what the model reads.
   * @throws MoebiusError `cancelled`; everything else is a result
   */
  async run(
    call: ToolCall,
    turn: number,
    roomTokens: number,
    count: (text: string) => Promise<number>,
  ): Promise<CallOutcome> {
    const { emit } = this.#options;
    const callId = `${this.#options.turnId}.${++this.#calls}`;
    const prepared = this.#prepare(call);
    const title = 'error' in prepared ? 'A call that can not be carried out' : prepared.title;
    emit({ type: 'call', callId, call, title: shownData(title) });
    const result =
      'error' in prepared
        ? told(prepared.error, 'not carried out', false)
        : await this.#carryOut(callId, turn, prepared.run);
    const paged = typeof result.text === 'string' ? lines(result.text) : result.text;
    const { text, isWhole } = await fitText(shownPages(paged), roomTokens, count);
    const { ok, changes, shows } = result;
    if (shows && isWhole) this.#seen.set(shows.path, { version: shows.version, turn });
    const summary = shownData(result.summary);
    if (!result.isTold) emit({ type: 'result', callId, ok, text, summary, changes });
    return { text, result };
  }

  /** What the model was shown up to this turn has left its prompt. */
  forget(turn: number): void {
    for (const [path, file] of this.#seen) if (file.turn <= turn) this.#seen.delete(path);
  }

  #prepare(call: ToolCall): ReturnType<Tool['prepare']> {
    if (call.kind === 'broken') return { error: call.error };
    const tool = this.#tools.find(one => one.definition.name === call.name);
    if (!tool) {
      const names = this.#tools.map(one => one.definition.name).join(', ');
      return { error: `There is no tool "${call.name}". The tools are: ${names}.` };
    }
    if (tool.isChanging && this.#options.mode !== 'agent') return { error: PLAN_ONLY };
    return tool.prepare(call.arguments);
  }

  async #carryOut(
    callId: string,
    turn: number,
    run: (context: ToolContext) => Promise<ToolResult>,
  ): Promise<ToolResult> {
    const { ports, signal, emit, commandTimeoutMs = Infinity } = this.#options;
    try {
      const known = { seen: this.#seen, heard: this.#heard };
      return await run({
        callId,
        turn,
        ports,
        commandTimeoutMs,
        signal,
        emit,
        actions: this.#actions,
        ...known,
      });
    } catch (thrown) {
      const error: MoebiusError = toMoebiusError(thrown);
      if (error.code === 'cancelled' || signal.aborted) {
        const text = 'Stopped.';
        emit({ type: 'result', callId, ok: false, text, summary: 'stopped', changes: [] });
        throw error;
      }
      const text = error.code === 'internal' ? `The tool failed: ${error.message}` : error.message;
      return told(text, 'failed', false);
    }
  }
}

const shownPages = (paged: PagedText): PagedText => ({
  ...paged,
  lines: paged.lines.map(shownData),
  ...(paged.head !== undefined && { head: shownData(paged.head) }),
});
