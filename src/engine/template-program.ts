/**
 * A Jinja template, run with @huggingface/jinja as transformers runs it. A template comes with a model file from anywhere, so it
 * is run under a time limit and with a bounded `range`.
 */
import { createContext, Script } from 'node:vm';
import { Environment, Interpreter, parse, tokenize } from '@huggingface/jinja';
import { MoebiusError } from '../base/errors.ts';
import { pythonText, type TemplateValue } from './python-text.ts';

const SOURCE_LIMIT_CHARS = 256 * 1024;
/** Far above any honest template (some ms for a long chat), short enough not to look like a hang. */
const TIME_LIMIT_MS = 2000;
/**
 * gpt-oss's looks from every call at all messages behind it: its time grows with their square, 0.65 s for 400, 4.1 s for 1,000 and
 * 20 s for 2,000. There this limit, which grows with their number, ends it: a conversation that long is not to hang for minutes.
 */
const MESSAGE_LIMIT_MS = 10;
const RANGE_LIMIT = 10_000;

export class TemplateProgram {
  readonly #program: ReturnType<typeof parse>;

  /** Throws `model-invalid` when the template doesn't parse. */
  constructor(source: string) {
    if (source.length > SOURCE_LIMIT_CHARS) throw invalidTemplate('it is longer than 256 KiB');
    this.#program = limited(() => {
      const program = parse(tokenize(source, { lstrip_blocks: true, trim_blocks: true }));
      callForText(program);
      return program;
    });
  }

  /** Throws `model-invalid` when the template fails or refuses. `now` is what it is told of the time. */
  run(variables: Record<string, unknown> & { messages: readonly unknown[] }, now: Date): string {
    const environment = new Environment();
    const strftime_now = (format: string) => formatTime(now, format);
    for (const [name, value] of Object.entries({ ...GLOBALS, strftime_now, ...variables }))
      environment.set(name, value);
    const interpreter = new Interpreter(environment);
    const limitMs = TIME_LIMIT_MS + variables.messages.length * MESSAGE_LIMIT_MS;
    return limited(() => String(interpreter.run(this.#program).value), limitMs);
  }
}

export function invalidTemplate(reason: string, cause?: unknown): MoebiusError {
  return new MoebiusError('model-invalid', `The model's chat template can't be used: ${reason}.`, { cause });
}

/** The library's filter `string` fails on null and writes other values as JavaScript does: it becomes a call of PYTHON_TEXT. */
function callForText(node: unknown): void {
  if (typeof node !== 'object' || node === null) return;
  const children = node instanceof Map ? [...node].flat() : Object.values(node);
  for (const child of children) callForText(child);
  const { type, operand, filter } = node as { type?: string; operand?: unknown; filter?: JinjaName };
  if (type !== 'FilterExpression' || filter?.type !== 'Identifier' || filter.value !== 'string') return;
  const callee: JinjaName = { type: 'Identifier', value: PYTHON_TEXT };
  // In a list, because a value that is given to a function by itself comes without its type.
  Object.assign(node, { type: 'CallExpression', callee, args: [{ type: 'ArrayLiteral', value: [operand] }] });
}

interface JinjaName {
  type: string;
  value: string;
}

/** No name that a template can spell. */
const PYTHON_TEXT = 'python text';

/** What templates expect to find. The library's own set is not used because its `range` has no limit. */
const GLOBALS = {
  true: true,
  True: true,
  false: false,
  False: false,
  none: null,
  None: null,
  range: boundedRange,
  [PYTHON_TEXT]: ([value]: [TemplateValue]) => pythonText(value),
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
function limited<T>(work: () => T, limitMs = TIME_LIMIT_MS): T {
  sandbox.work = work;
  try {
    return runWork.runInContext(sandbox, { timeout: limitMs }) as T;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') {
      throw invalidTemplate(`it ran for more than ${Math.round(limitMs / 1000)} s`);
    }
    throw invalidTemplate(cause instanceof Error ? cause.message : String(cause), cause);
  } finally {
    sandbox.work = undefined;
  }
}
