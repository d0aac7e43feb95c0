/**
 * A model's chat template (Jinja), rendered with @huggingface/jinja. A template comes with a model file from anywhere,
 * so it is run under a time limit, with a bounded `range` and a bounded output.
 */
import { createContext, Script } from 'node:vm';
import { Environment, Interpreter, parse, tokenize } from '@huggingface/jinja';
import { MoebiusError } from '../base/errors.ts';
import type { ChatMessage, ToolDefinition } from '../protocol/daemon.ts';
import type { Piece, SpecialText } from './special-text.ts';
import type { TemplateMessage, ToolDialect } from './tools/dialect.ts';

const SOURCE_LIMIT_CHARS = 256 * 1024;
/** Far above any honest template (1 ms for a long chat), short enough not to look like a hang. */
const TIME_LIMIT_MS = 2000;
const RANGE_LIMIT = 10_000;
/** A template repeats the conversation once; what is much longer is no conversation. */
const OUTPUT_FACTOR = 4;
const OUTPUT_SLACK_CHARS = 256 * 1024;
const ROLES: ReadonlySet<string> = new Set<ChatMessage['role']>(['system', 'user', 'assistant', 'tool']);

export interface TemplateOptions {
  source: string;
  specialText: SpecialText;
  /** Literals of these ids may stand in an assistant's message, because the model itself may write them. */
  assistantMayWrite: ReadonlySet<number>;
  /** That the template teaches. */
  dialect?: ToolDialect | null;
  bosToken: string;
  eosToken: string;
}

interface RenderOptions {
  answerPrefix?: string;
  tools?: readonly ToolDefinition[];
  thinking?: boolean;
  /** The answer is to begin at once, where the model was taught to write something else first. */
  isDirect?: boolean;
}

export class ChatTemplate {
  readonly #options: TemplateOptions;
  readonly #program: ReturnType<typeof parse>;

  /** Throws `model-invalid` when the template doesn't parse. */
  constructor(options: TemplateOptions) {
    this.#options = options;
    if (options.source.length > SOURCE_LIMIT_CHARS) throw invalid('it is longer than 256 KiB');
    this.#program = limited(() =>
      parse(tokenize(options.source, { lstrip_blocks: true, trim_blocks: true })),
    );
  }

  /**
   * The conversation as text pieces and special ids, ready for the assistant's answer, whose given beginning
   * `answerPrefix` is appended. Only the template's own text (and what an assistant may write) yields special ids.
   * `tools` are described in the way the template has for them, if it has one; `thinking` says whether the model may think
   * aloud before it answers, to a template that asks.
   */
  render(messages: readonly ChatMessage[], options: RenderOptions = {}): Piece[] {
    const { answerPrefix = '', tools = [], thinking = false, isDirect = false } = options;
    const { dialect, specialText, assistantMayWrite, bosToken, eosToken } = this.#options;
    for (const { role } of messages) {
      if (!ROLES.has(role))
        throw new MoebiusError('bad-request', `A message has the unknown role "${role}".`);
    }
    const functions = JSON.stringify(tools.map(tool => ({ type: 'function', function: tool })));
    const texts = messages.map(message => message.content);
    const marker = specialText.pickMarker([...texts, answerPrefix, functions]);
    // Literals hold no character that JSON escapes, so they are found, and broken, in JSON too.
    const shieldJson = <T>(value: T): T => JSON.parse(specialText.shield(JSON.stringify(value), marker));
    const shield = ({ role, content, tool_calls }: TemplateMessage) => ({
      role,
      content: specialText.shield(content, marker, role === 'assistant' ? assistantMayWrite : undefined),
      ...(tool_calls && { tool_calls: shieldJson(tool_calls) }),
    });
    const text = this.#run({
      messages: (dialect?.forTemplate?.(messages) ?? messages).map(shield),
      ...(tools.length > 0 && { tools: shieldJson(JSON.parse(functions)) }),
      add_generation_prompt: true,
      // What Qwen3's and GLM's templates ask, and what gpt-oss's does.
      enable_thinking: thinking,
      reasoning_effort: thinking ? 'medium' : 'low',
      bos_token: bosToken,
      eos_token: eosToken,
    });
    const chars = texts.reduce((sum, content) => sum + content.length, functions.length);
    if (text.length > chars * OUTPUT_FACTOR + OUTPUT_SLACK_CHARS)
      throw invalid('its output grows without bound');
    const answer = specialText.shield(answerPrefix, marker, assistantMayWrite);
    const opening = isDirect ? (dialect?.answerOpening ?? '') : '';
    return specialText.split(text + opening + answer, marker);
  }

  #run(variables: Record<string, unknown>): string {
    const environment = new Environment();
    for (const [name, value] of Object.entries({ ...GLOBALS, ...variables })) environment.set(name, value);
    const interpreter = new Interpreter(environment);
    return limited(() => String(interpreter.run(this.#program).value));
  }
}

/** What templates expect to find. The library's own set is not used because its `range` has no limit. */
const GLOBALS = {
  true: true,
  True: true,
  false: false,
  False: false,
  none: null,
  None: null,
  range: boundedRange,
  strftime_now: (format: string) => formatTime(new Date(), format),
  raise_exception: (message: string) => {
    throw new Error(message);
  },
};

/** Jinja's range(stop) or range(start, stop, step). */
function boundedRange(first: number, second?: number, step = 1): number[] {
  const [start, stop] = second === undefined ? [0, first] : [first, second];
  const length = Math.max(0, Math.ceil((stop - start) / step));
  if (!(length <= RANGE_LIMIT)) throw new Error(`range() of ${length} numbers`);
  return Array.from({ length }, (_, i) => start + i * step);
}

/** strftime's directives that templates use to tell the model the date. */
function formatTime(now: Date, format: string): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const name = (options: Intl.DateTimeFormatOptions) => now.toLocaleString('en-US', options);
  const directives: Record<string, () => string> = {
    Y: () => String(now.getFullYear()),
    m: () => two(now.getMonth() + 1),
    d: () => two(now.getDate()),
    H: () => two(now.getHours()),
    M: () => two(now.getMinutes()),
    S: () => two(now.getSeconds()),
    a: () => name({ weekday: 'short' }),
    A: () => name({ weekday: 'long' }),
    b: () => name({ month: 'short' }),
    B: () => name({ month: 'long' }),
  };
  return format.replace(/%([a-zA-Z])/g, (whole, letter: string) => directives[letter]?.() ?? whole);
}

const sandbox = createContext({ work: undefined as unknown });
const runWork = new Script('work()');

/** Runs `work` under the time limit: vm's watchdog interrupts any JavaScript, wherever it was defined. */
function limited<T>(work: () => T): T {
  sandbox.work = work;
  try {
    return runWork.runInContext(sandbox, { timeout: TIME_LIMIT_MS }) as T;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') {
      throw invalid(`it ran for more than ${TIME_LIMIT_MS / 1000} s`);
    }
    throw invalid(cause instanceof Error ? cause.message : String(cause), cause);
  } finally {
    sandbox.work = undefined;
  }
}

function invalid(reason: string, cause?: unknown): MoebiusError {
  return new MoebiusError('model-invalid', `The model's chat template can't be used: ${reason}.`, { cause });
}
