/** A model's chat template, given a conversation in which nobody's text can become a control token. */
import { MoebiusError } from '../base/errors.ts';
import type { ChatMessage, ToolDefinition } from '../protocol/daemon.ts';
import type { Piece, SpecialText } from './special-text.ts';
import { invalidTemplate, TemplateProgram } from './template-program.ts';
import type { TemplateMessage, ToolDialect } from './tools/dialect.ts';

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
  readonly #program: TemplateProgram;
  /** What the template is told: a date that changes amid a conversation would have all of it read again. */
  #now = new Date();

  /** Throws `model-invalid` when the template doesn't parse. */
  constructor(options: TemplateOptions) {
    this.#options = options;
    this.#program = new TemplateProgram(options.source);
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
    if (!messages.some(({ role }) => role === 'assistant')) this.#now = new Date();
    const functions = JSON.stringify(tools.map(templateTool));
    const texts = messages.map(message => message.content);
    const marker = specialText.pickMarker([...texts, answerPrefix, functions]);
    // Literals hold no character that JSON escapes, so they are found, and broken, in JSON too.
    const shieldJson = <T>(value: T): T => JSON.parse(specialText.shield(JSON.stringify(value), marker));
    const shield = ({ role, content, tool_calls }: TemplateMessage) => ({
      role,
      content: specialText.shield(content, marker, role === 'assistant' ? assistantMayWrite : undefined),
      ...(tool_calls && { tool_calls: shieldJson(tool_calls) }),
    });
    const variables = {
      messages: (dialect?.forTemplate?.(messages) ?? messages).map(shield),
      ...(tools.length > 0 && { tools: shieldJson(JSON.parse(functions)) }),
      add_generation_prompt: true,
      // What Qwen3's and GLM's templates ask, and what gpt-oss's does. GLM-4.7's begins the thought itself.
      enable_thinking: thinking && !isDirect,
      reasoning_effort: thinking ? 'medium' : 'low',
      bos_token: bosToken,
      eos_token: eosToken,
    };
    const text = this.#program.run(variables, this.#now);
    const chars = texts.reduce((sum, content) => sum + content.length, functions.length);
    if (text.length > chars * OUTPUT_FACTOR + OUTPUT_SLACK_CHARS)
      throw invalidTemplate('its output grows without bound');
    const answer = specialText.shield(answerPrefix, marker, assistantMayWrite);
    const opening = isDirect ? (dialect?.answerOpening ?? '') : '';
    return specialText.split(text + opening + answer, marker);
  }
}

/** As transformers describes a tool: gpt-oss's template fails without a description. */
const templateTool = ({ name, description = '', parameters }: ToolDefinition) => ({
  type: 'function',
  function: { name, description, parameters },
});
