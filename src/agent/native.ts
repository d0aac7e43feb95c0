/**
 * The loop for models that call tools: the model writes, its calls are carried out in order, it reads the results and writes again,
 * until it says that it is done, a budget is used up, or it goes round in circles. What was sent stays as it was sent, so each turn
 * only adds to what the model has read.
 */
import { type ErrorCode, type MoebiusError, toMoebiusError } from '../base/errors.ts';
import type { ChatMessage, GenerateResult, ToolCall, ToolDefinition } from '../protocol/daemon.ts';
import { createActions } from './actions.ts';
import type { Actions, AgentOptions, AgentOutcome } from './agent.ts';
import { attachmentBlock } from './chat-prompt.ts';
import { checkName, folderName, guessedWrong, whyUseless, withoutCheck } from './check-command.ts';
import { ContextWindow, SUMMARY_TOKENS } from './context.ts';
import { shownData } from './data-text.ts';
import { withDeadline } from './deadline.ts';
import { NATIVE_SYSTEM_PROMPT, PROMPT_TOKENS, systemMessage, taskMessage } from './native-prompt.ts';
import { rulesMessage, touchedPaths } from './near-rules.ts';
import type { StopReason, TodoItem } from './ports.ts';
import { RepetitionWatch } from './repetition.ts';
import { fitText, lines } from './result-text.ts';
import { historyEvent } from './steps.ts';
import { Tally } from './tally.ts';
import { withoutThoughts } from './thoughts.ts';
import { ToolRunner } from './tool-runner.ts';
import { TOOLS } from './tools/all.ts';
import { askUser } from './tools/ask-user.ts';
import { commandOutput } from './tools/command-output.ts';
import { mcpTools } from './tools/mcp.ts';
import { todoText } from './tools/todo.ts';
import type { Tool } from './tools/tool.ts';

const TEMPERATURE = 0.2;
/** Of one answer. A model that writes more calls at once plans with results that it does not have. */
const MAX_CALLS = 16;
/** How often the host checks a finished task and gives the failure back, if it is another each time. */
const MAX_CHECKS = 3;
const CHECK_TIMEOUT_MS = 600_000;
/** A check may fail for reasons that are older than the task. */
const UNRELATED =
  'failed before your changes, or has nothing to do with the task, say so and call task_done.';

/** Begun with words, a summary is no call. */
const SUMMARY_START = 'Summary:\n';

const AGAIN = '\n(You made this call before, with the same result. Do something different.)';
const NOT_FINISHED = 'Not finished: a call before this one failed.';
const INTERRUPTED = 'Interrupted while this was done: it is not known how far it came.';
const RETRIES = {
  empty: 'Your answer was empty. Go on with the task: call a tool, or answer in words.',
  repetition: 'You were repeating yourself. Go on with the task in another way.',
  length: 'Your answer was cut off because it was too long. Go on from where it ends, in smaller steps.',
};

/** Never throws for what the model, the user or a tool can cause: the outcome says why it ended. */
export const runNative = (
  options: AgentOptions,
  createHands: (options: AgentOptions) => Actions = createActions,
): Promise<AgentOutcome> =>
  withDeadline(options, async (timed, isTimeUp) =>
    new NativeRun(timed, await toolsFor(timed), createHands(timed), isTimeUp).run(),
  );

async function toolsFor({ mode, ports, backend, emit, signal }: AgentOptions): Promise<readonly Tool[]> {
  if (mode === 'ask') return [];
  if (!ports.mcp) return TOOLS;
  const isRoomFor = async (more: readonly Tool[]): Promise<boolean> => {
    const tools = [...TOOLS, ...more].map(tool => tool.definition);
    const counted = await backend.count({ messages: [systemMessage('')], tools }, { signal });
    return counted.tokens <= PROMPT_TOKENS;
  };
  const { tools, problems } = await mcpTools(ports.mcp, signal, isRoomFor);
  for (const text of problems) emit({ type: 'notice', text });
  return [...TOOLS, ...tools];
}

interface End {
  reason: StopReason;
  text: string;
  errorCode?: ErrorCode;
}

class NativeRun {
  readonly #options: AgentOptions;
  readonly #actions: Actions;
  readonly #isTimeUp: () => boolean;
  readonly #definitions: ToolDefinition[];
  /** Names of tools after which a check may come to something else: they act, or wait for the user or a command that does. */
  readonly #acting: ReadonlySet<string>;
  readonly #runner: ToolRunner;
  readonly #window: ContextWindow;
  readonly #task: ChatMessage;
  readonly #tally: Tally;
  #watch = new RepetitionWatch();
  #history: ChatMessage[];
  #todo: TodoItem[];
  #retries = 0;
  #checks = 0;
  /** What the check said when it failed last. */
  #failure = '';
  /** The model has been told so, and nothing was done since. */
  #isAsItFailed = false;
  #lastText = '';

  constructor(options: AgentOptions, tools: readonly Tool[], actions: Actions, isTimeUp: () => boolean) {
    this.#options = options;
    this.#actions = actions;
    this.#isTimeUp = isTimeUp;
    this.#definitions = tools.map(tool => tool.definition);
    const acting = [...tools.filter(tool => tool.isChanging), askUser, commandOutput];
    this.#acting = new Set(acting.map(tool => tool.definition.name));
    this.#runner = new ToolRunner(tools, options, actions);
    this.#window = new ContextWindow(
      options.backend,
      options.windowTokens,
      this.#definitions,
      options.signal,
    );
    this.#tally = new Tally(options);
    this.#task = taskMessage(options);
    this.#history = options.history;
    this.#todo = options.todo ?? [];
  }

  async run(): Promise<AgentOutcome> {
    this.#setHistory([...opening(this.#options), this.#task]);
    if (this.#todo.length > 0) this.#options.emit({ type: 'todo', items: this.#todo });
    const end = await this.#turns().catch(thrown => this.#failed(toMoebiusError(thrown)));
    this.#options.emit({ type: 'end', reason: end.reason, text: end.text });
    return {
      ...end,
      ...this.#tally.result,
      history: this.#history,
    };
  }

  async #turns(): Promise<End> {
    const { budget, signal, emit } = this.#options;
    for (;;) {
      signal.throwIfAborted();
      const { turns, outputTokens } = this.#tally;
      if (turns >= budget.turns) return this.#limit(`${budget.turns} turns`);
      if (outputTokens >= budget.outputTokens) return this.#limit(`${budget.outputTokens} written tokens`);
      const promptTokens = await this.#makeRoom();
      emit({ type: 'turn', turn: ++this.#tally.turns });
      const answer = await this.#ask(promptTokens);
      const end = await this.#act(answer, promptTokens + answer.usage.outputTokens);
      if (end) return end;
    }
  }

  /** Tokens of the prompt, which fits now. */
  async #makeRoom(): Promise<number> {
    const window = this.#window;
    const tokens = await window.countPrompt(this.#history);
    const isBegin = this.#history.at(-1) === this.#task && this.#options.history.length === 0;
    if (isBegin) window.begin(tokens);
    if (!window.isFull(tokens)) return tokens;
    const compaction = await window.compact(this.#history, tokens, this.#task, {
      summarise: messages => this.#summarise(messages),
      plan: shownData(todoText(this.#todo)),
      facts: this.#tally.facts,
    });
    this.#options.emit({ type: 'notice', text: compaction.notice });
    this.#runner.forget(this.#tally.turns - compaction.wholeTurns);
    // What is read again because it was left out is no repetition.
    this.#watch = new RepetitionWatch();
    this.#setHistory(compaction.messages);
    return compaction.tokens;
  }

  async #ask(promptTokens: number): Promise<GenerateResult> {
    const { emit, budget } = this.#options;
    const left = budget.outputTokens - this.#tally.outputTokens;
    let isStreamed = false;
    const result = await this.#generate(
      this.#history,
      Math.min(left, this.#window.answerRoom(promptTokens)),
      text => {
        isStreamed = true;
        const shown = withoutThoughts(text);
        if (shown !== '') emit({ type: 'text', text: shown });
      },
    );
    if (!isStreamed && !result.calls?.length && result.text !== '')
      emit({ type: 'text', text: withoutThoughts(result.text) });
    return result;
  }

  /** Only words: a call is none. */
  async #summarise(messages: ChatMessage[]): Promise<string> {
    let said = '';
    const note = (text: string) => {
      said += text;
    };
    await this.#generate(messages, SUMMARY_TOKENS, note, SUMMARY_START);
    return withoutThoughts(said);
  }

  /** With the tools even where no call is wanted: they are part of the cached beginning. */
  async #generate(
    messages: ChatMessage[],
    maxTokens: number,
    onText: (text: string) => void,
    answerPrefix = '',
  ): Promise<GenerateResult> {
    const { backend, sequence, level, signal } = this.#options;
    const result = await backend.generate(
      {
        messages,
        sequence,
        maxTokens,
        priority: 'chat',
        temperature: TEMPERATURE,
        ...(answerPrefix && { answerPrefix }),
        ...(level && { level }),
        ...(this.#definitions.length > 0 && { grammar: { kind: 'tools', tools: this.#definitions } }),
      },
      { signal, onEvent: event => void (event.type === 'text' && onText(event.text)) },
    );
    signal.throwIfAborted();
    this.#tally.noteUsage(result.usage);
    return result;
  }

  /** What an answer leads to; null: the model goes on. */
  async #act({ text, calls = [], finish }: GenerateResult, usedTokens: number): Promise<End | null> {
    const said = withoutThoughts(text).trimEnd();
    if (said === '') return this.#retry('empty', 'The model answered nothing, twice.');
    this.#append({ role: 'assistant', content: said });
    if (calls.length > 0) return this.#carryOut(calls, usedTokens);
    this.#lastText = said;
    if (finish === 'repetition') return this.#retry('repetition', 'The model repeats itself.');
    if (finish === 'length' || finish === 'time') return this.#retry('length', 'The answer does not end.');
    return this.#finished('answered', said);
  }

  #retry(kind: keyof typeof RETRIES, text: string): End | null {
    if (this.#retries++ > 0) {
      const reason = kind === 'length' ? 'limit' : kind;
      return { reason, text };
    }
    this.#append({ role: 'user', content: RETRIES[kind] });
    return null;
  }

  async #carryOut(calls: readonly ToolCall[], usedTokens: number): Promise<End | null> {
    let used = usedTokens;
    let isStuck = false;
    let hasFailed = false;
    const touched: string[] = [];
    const first = calls.slice(0, MAX_CALLS);
    for (const [index, call] of first.entries()) {
      this.#options.signal.throwIfAborted();
      const room = this.#window.resultRoom(used, first.length - 1 - index);
      const { text, result } = await this.#runner
        .run(call, this.#tally.turns, room, one => this.#window.countText(one))
        .catch(thrown => {
          this.#append({ role: 'tool', content: INTERRUPTED });
          throw thrown;
        });
      if (result.ok) this.#retries = 0;
      if (result.todo) this.#todo = result.todo;
      this.#tally.noteChanges(result.changes);
      touched.push(...touchedPaths(call, result));
      const { command } = result;
      const hasActed = command
        ? this.#tally.noteCommand(command, { ok: result.ok, exitCode: command.exitCode })
        : call.kind === 'call' && this.#acting.has(call.name);
      if (hasActed) this.#isAsItFailed = false;
      // The end was written before the failure could be read.
      const isTooSoon = result.done !== undefined && hasFailed;
      const isExpected = isTooSoon || result.isWait;
      const repeated = isExpected ? 'new' : this.#watch.note(call, text, result.changes.length > 0);
      const content = isTooSoon ? NOT_FINISHED : repeated === 'new' ? text : text + AGAIN;
      this.#append({ role: 'tool', content });
      used += await this.#window.countText(content);
      if (result.done !== undefined && !isTooSoon) {
        if (result.isGivenUp) return { reason: 'unfinished', text: result.done };
        return this.#finished('done', result.done);
      }
      hasFailed ||= !result.ok;
      isStuck ||= repeated === 'stop';
    }
    if (isStuck) return { reason: 'repetition', text: 'The model makes the same call again and again.' };
    const others = calls.length - first.length;
    if (others > 0)
      this.#append({
        role: 'tool',
        content: `${others} more calls were not carried out: at most ${MAX_CALLS} at once.`,
      });
    const room = this.#window.resultRoom(used, 0);
    const rules = await rulesMessage(this.#options, touched, this.#history, this.#window, room);
    if (rules) this.#append(rules);
    return null;
  }

  /** The end, unless the project's own check says otherwise: then the model reads why. */
  async #finished(reason: 'done' | 'answered', text: string): Promise<End | null> {
    this.#lastText = text;
    const { mode } = this.#options;
    const isUnknown = this.#tally.isUnchecked && !this.#isAsItFailed;
    const isCheckable = mode === 'agent' && isUnknown && this.#checks < MAX_CHECKS;
    const failure = isCheckable ? await this.#check() : null;
    if (failure === null) return { reason, text };
    this.#append({ role: 'user', content: failure });
    return null;
  }

  /** What the model is told of a check that fails, or that the user denies with a word; null: nothing is known, or it has heard that. */
  async #check(): Promise<string | null> {
    const { checkCommand, checkFolder = '', isCheckGuessed, emit, turnId, ports } = this.#options;
    if (checkCommand === null) return null;
    const name = checkCommand + folderName(checkFolder);
    const callId = `${turnId}.check${++this.#checks}`;
    const call: ToolCall = { kind: 'call', name: 'run_command', arguments: { command: checkCommand } };
    emit({ type: 'call', callId, call, title: `Check: ${name}` });
    const result = await this.#actions.command(callId, checkCommand, checkFolder, CHECK_TIMEOUT_MS);
    const { exitCode, runningId, text, denial } = result;
    if (denial?.reason) {
      // Asked once is enough.
      this.#checks = MAX_CHECKS;
      return `I did not allow ${checkName(this.#options)}. ${denial.reason}`;
    }
    this.#tally.noteCommand({ command: checkCommand, cwd: checkFolder }, result);
    if (runningId !== null) {
      await ports.terminal.kill(runningId);
      const limit = `${checkName(this.#options)} did not come to its end, for which it has ${CHECK_TIMEOUT_MS / 1000} s`;
      emit({ type: 'notice', text: `${limit}: it is not known whether it passes.` });
    }
    // Not allowed, or not over: nothing is known, and nothing is claimed.
    if (exitCode === null || exitCode === 0) return null;
    const useless = isCheckGuessed ? whyUseless(checkCommand, exitCode, text) : null;
    if (useless !== null) {
      this.#tally.dropCheck();
      emit({ type: 'notice', text: withoutCheck(guessedWrong(checkName(this.#options), useless)) });
      return null;
    }
    const failure = withoutTimes(text);
    const isKnown = failure === this.#failure || (isCheckGuessed && this.#checks > 1);
    this.#failure = failure;
    this.#isAsItFailed = true;
    if (isKnown) return null;
    const told = isCheckGuessed
      ? `${name} fails. If your changes are the cause, fix it. If it ${UNRELATED}`
      : `The task is not done yet: ${name} fails. Find the cause and fix it. If it ${UNRELATED}`;
    return `${await this.#output(text)}\n\n${told}`;
  }

  /** Of the check, marked as the data that it is. */
  async #output(output: string): Promise<string> {
    const room = this.#window.resultRoom(0, 0);
    const fitted = await fitText({ ...lines(shownData(output)), keepsEnd: true }, room, one =>
      this.#window.countText(one),
    );
    const label = `output of ${this.#options.checkCommand}`;
    return attachmentBlock({ kind: 'text', label, language: '', text: fitted.text, cut: null });
  }

  #limit(what: string): End {
    return { reason: 'limit', text: `The budget of ${what} is used up. The work can be continued.` };
  }

  #failed(error: MoebiusError): End {
    const { code, message } = error;
    if (!this.#options.signal.aborted) return { reason: 'error', text: message, errorCode: code };
    return this.#isTimeUp() ? this.#limit('time') : { reason: 'stopped', text: this.#lastText };
  }

  #append(...messages: ChatMessage[]): void {
    this.#setHistory([...this.#history, ...messages]);
  }

  #setHistory(messages: ChatMessage[]): void {
    const before = this.#history;
    this.#history = messages;
    this.#options.emit(historyEvent(before, messages));
  }
}

/** Two runs that say the same differ in how long they took, and when. */
const withoutTimes = (output: string): string =>
  output.replace(/\d+(?:\.\d+)? ?m?s\b|(?<=duration_ms:? )[\d.]+|\d\d[:_]\d\d[:_]\d\S*/g, '');

/** The conversation so far; one that another profile, or another version, began goes on under this system prompt. */
function opening({ history, rules }: AgentOptions): ChatMessage[] {
  if (history[0]?.content.startsWith(NATIVE_SYSTEM_PROMPT)) return history;
  return [systemMessage(rules), ...history.slice(1)];
}
