/** The chat templates that publishers ship, against transformers: byte for byte, and what is written by them is read back. */
import assert from 'node:assert/strict';
import type { EngineCore } from '../../../src/engine/core.ts';
import { generateRequest } from '../../../src/engine/generate.ts';
import { TemplateProgram } from '../../../src/engine/template-program.ts';
import { TextStream } from '../../../src/engine/text-stream.ts';
import type { AnswerPart } from '../../../src/engine/tools/call-reader.ts';
import type { ChatMessage, GenerateParams, ToolCall } from '../../../src/protocol/daemon.ts';
import {
  CONVERSATIONS,
  GOLDEN_NOW,
  PUBLISHED,
  publishedCore,
  publishedSource,
  REFERENCE_TOOLS,
  type ReferenceMessage,
  templateGoldens,
} from '../../support/published-template.ts';

const TOOLS = REFERENCE_TOOLS.map(tool => tool.function);
const toolsOn = { grammar: { kind: 'tools', tools: TOOLS } } as const;
/** Forms of calls that are not read: tools are then not offered. */
const WITHOUT_CALLS = ['granite-3.3'];
const THINKING = ['qwen3', 'glm-4.5', 'glm-4.7-flash', 'gpt-oss'];

const isPlain = (messages: readonly ReferenceMessage[]) =>
  messages.every(({ tool_calls, reasoning_content }) => !tool_calls && reasoning_content === undefined);

for (const name of PUBLISHED) {
  describe(`the published template of ${name}`, () => {
    const program = new TemplateProgram(publishedSource(name));
    let core: EngineCore;
    before(async () => {
      core = await publishedCore(name);
    });
    after(() => core.grammars.dispose());

    /** transformers gives gpt-oss's template the thoughts by the name that it has for them. */
    const aliased = (messages: readonly ReferenceMessage[]) =>
      messages.map(({ reasoning_content: thought, ...message }) => ({
        ...message,
        ...(thought !== undefined && { reasoning_content: thought, thinking: thought }),
      }));
    const reference = (messages: readonly ReferenceMessage[], told: object, hasTools = false) =>
      program.run(
        {
          ...{ messages: aliased(messages), bos_token: '', eos_token: '', reasoning_effort: 'low' },
          ...(hasTools && { tools: REFERENCE_TOOLS }),
          ...told,
        },
        GOLDEN_NOW,
      );
    const request = (messages: readonly ReferenceMessage[], params: Partial<GenerateParams> = {}) =>
      generateRequest(core, { requestId: 'r', messages: messages as ChatMessage[], ...params });
    /** What the daemon gives the model to read, on the day of the goldens. */
    const promptOf = (messages: readonly ReferenceMessage[], params: Partial<GenerateParams> = {}) =>
      onGoldenDay(core.tokenizer.decode(request(messages, params).prompt));
    const specialsOf = (ids: readonly number[]) => ids.flatMap(id => core.tokenizer.specials.get(id) ?? []);

    /** An answer of these tokens as the daemon takes it apart, up to a token that ends it. */
    function answer(asked: ReturnType<typeof request>, tokens: readonly number[]) {
      const { stopTokens, reasoning, calls } = asked;
      const stream = new TextStream(core.tokenizer);
      const parts: AnswerPart[] = [];
      let [text, thoughts] = ['', ''];
      for (const [at, token] of tokens.entries()) {
        if (stopTokens.has(token)) {
          parts.push(...(calls?.end(false) ?? []));
          const found = parts.filter((part): part is ToolCall => part.kind !== 'text');
          return { text, thoughts, calls: found, written: tokens.slice(0, at), end: token };
        }
        assert.ok(
          !core.banned.includes(token) || asked.allowed?.has(token),
          `${specialsOf([token])} can't be written`,
        );
        const written = stream.push(token);
        const piece = reasoning?.push(token, written) ?? { text: written, reasoning: '' };
        text += piece.text;
        thoughts += piece.reasoning;
        parts.push(...(calls?.push(piece.text) ?? []));
      }
      return assert.fail(`nothing ends ${JSON.stringify(text)}`);
    }

    /** What the template has behind `before` at the end of it: an assistant's message and what comes next. */
    function behind(before: string, all: string): number[] {
      assert.ok(all.startsWith(before), all.slice(-200));
      return core.tokenizer.encodeTrusted(all.slice(before.length));
    }

    it('is rendered as transformers renders it', () => {
      for (const { conversation, tools, told, text } of templateGoldens(name)) {
        const messages = CONVERSATIONS[conversation]!;
        if (text === null) assert.throws(() => reference(messages, told, tools), conversation);
        else assert.equal(reference(messages, told, tools), text, conversation);
      }
    });

    it('is what the daemon reads', () => {
      for (const { conversation, tools, told, text } of templateGoldens(name)) {
        const messages = CONVERSATIONS[conversation]!;
        if (!told.add_generation_prompt || !isPlain(messages) || (tools && !core.dialect)) continue;
        const prompt = promptOf(messages, { thinking: told.enable_thinking, ...(tools && toolsOn) });
        // A user who writes GLM's token has written text.
        const isAsked = conversation === 'escapes' && name === 'glm-4.5';
        const expected = isAsked ? text!.replace('|>\n/nothink', '|>\n/nothink/nothink') : text;
        assert.equal(prompt, expected, conversation);
      }
    });

    it('makes no control token of what others wrote', () => {
      const turns = CONVERSATIONS.escapes!.map(message => ({ ...message, content: 'x' }));
      const literals = specialsOf(request(CONVERSATIONS.escapes!).prompt);
      assert.deepEqual(literals, specialsOf(request(turns).prompt));
    });

    it('has tokens behind an answer that end it', () => {
      const [asked, said] = CONVERSATIONS.answered as [ReferenceMessage, ReferenceMessage];
      const told = { add_generation_prompt: true, enable_thinking: true };
      const before = reference([asked], told);
      // gpt-oss's alone differs where nothing follows; GLM's alone needs what follows.
      const isLast = name === 'gpt-oss';
      const all = reference([asked, said, asked].slice(0, isLast ? 2 : 3), {
        add_generation_prompt: !isLast,
      });
      const begun = before.replace(/<think>$/, '');
      const { text, thoughts } = answer(request([asked], { thinking: true }), behind(begun, all));
      assert.deepEqual([text.trim(), thoughts.trim()], ['1.', '']);
    });

    it('adds a turn to the one before, so that only what is new is read', () => {
      const turns = CONVERSATIONS.turns!;
      for (const thinking of [false, true]) {
        const first = promptOf(turns.slice(0, 2), { thinking });
        const second = promptOf(turns, { thinking });
        // Qwen3's forgets the thought that it says was not thought, GLM-4.7's the beginning of one: the answer is read again.
        const isForgotten = name === 'qwen3' ? !thinking : name === 'glm-4.7-flash' && thinking;
        assert.equal(second.startsWith(first), !isForgotten, `thinking: ${thinking}`);
        if (isForgotten) assert.ok(second.startsWith(first.replace(/<think>(\n\n<\/think>\n\n)?$/, '')));
        else
          assert.match(
            second.slice(first.length),
            /^\s*(<think><\/think>\n|<\|channel\|>final<\|message\|>)?1\./,
          );
      }
    });

    it('keeps an answer whole that holds what thoughts stand between', () => {
      const content = 'First <think> then </think>.';
      const [asked] = CONVERSATIONS.plain as [ReferenceMessage];
      const prompt = request([asked, { role: 'assistant', content }, asked]).prompt;
      assert.ok(core.tokenizer.decode(prompt).includes(content));
      // The template's own aside.
      const tags = specialsOf(request([asked, { role: 'assistant', content: '1.' }, asked]).prompt);
      assert.deepEqual(specialsOf(prompt), tags);
    });

    it('lets an answer begin at once that is begun for it, or has a form', () => {
      for (const begun of [
        { answerPrefix: 'Sure' },
        { grammar: { kind: 'json-schema', schema: {} } } as const,
      ]) {
        const { prompt, reasoning } = request(CONVERSATIONS.plain!, { ...begun, thinking: true });
        const text = core.tokenizer.decode(prompt);
        assert.ok(text.lastIndexOf('<think>') <= text.lastIndexOf('</think>'), text);
        const [token] = core.tokenizer.encodePlain('!') as [number];
        assert.equal(reasoning?.push(token, '!').text ?? '!', '!');
      }
    });

    if (THINKING.includes(name))
      it('has thoughts that are told apart, and not told the model again', () => {
        const messages = CONVERSATIONS.thoughts!.slice(0, 2);
        const [asked, said] = messages as [ReferenceMessage, ReferenceMessage];
        const told = { enable_thinking: true };
        const before = reference([asked], { ...told, add_generation_prompt: true });
        const tokens = behind(before, reference(messages, { ...told, add_generation_prompt: false }));
        if (name.startsWith('glm')) tokens.push(...core.tokenizer.encodeTrusted('<|user|>'));
        const { text, thoughts } = answer(request([asked], { thinking: true }), tokens);
        assert.deepEqual([text, thoughts.trim()], ['1.', said.reasoning_content!.trim()]);
        const { reasoning_content: _, ...without } = said;
        assert.equal(
          promptOf([asked, without, asked]),
          reference([asked, said, asked], { enable_thinking: false, add_generation_prompt: true }),
        );
      });

    if (WITHOUT_CALLS.includes(name)) {
      it('teaches a form of calls that is not read', () => {
        assert.equal(core.dialect, null);
        assert.throws(() => request(CONVERSATIONS.plain!, toolsOn), { code: 'unsupported' });
      });
      return;
    }

    for (const conversation of ['called', 'called-types', 'called-twice'])
      it(`has calls that are read back, and read again as they were: ${conversation}`, async () => {
        const given = CONVERSATIONS[conversation]!;
        // Qwen3's alone writes a thought that was not thought, and forgets it.
        const told = { enable_thinking: name === 'qwen3' };
        const params = { ...toolsOn, thinking: told.enable_thinking };
        const ours: ReferenceMessage[] = [];
        for (const [i, message] of given.entries()) {
          if (!message.tool_calls) {
            ours.push(message);
            continue;
          }
          const before = reference(given.slice(0, i), { ...told, add_generation_prompt: true }, true);
          const next = given.findIndex((one, at) => at > i && one.role !== 'tool');
          const until = given.slice(0, next < 0 ? undefined : next);
          const tokens = behind(before, reference(until, { ...told, add_generation_prompt: true }, true));
          const asked = request(ours, params);
          const { text, calls, written, end } = answer(asked, tokens);
          // gpt-oss's template has one call a message.
          const wanted = name === 'gpt-oss' ? message.tool_calls.slice(0, 1) : message.tool_calls;
          assert.deepEqual(
            calls,
            wanted.map(({ function: call }) => ({ kind: 'call', ...call })),
          );
          await assertFits(asked, [...written, end]);
          ours.push({ role: 'assistant', content: text.trimEnd() });
          const again = request([...ours, given[i + 1]!], params).prompt;
          const kept = [...asked.prompt, ...written];
          // What was thought before a call is not kept, and gpt-oss takes what is said before one for a thought.
          if (name !== 'gpt-oss' || message.content === '')
            assert.deepEqual(again.slice(0, kept.length), kept, 'a turn adds to the one before');
        }
        const golden = templateGoldens(name).find(one => one.conversation === conversation)!.text!;
        const isThought = name === 'gpt-oss' && conversation === 'called';
        const expected = isThought
          ? golden.replace(/<\|start\|>assistant<\|channel\|>analysis.*?<\|end\|>/, '')
          : golden;
        assert.equal(promptOf(ours, toolsOn), expected);
      });

    /** Tokens that the request's grammar lets the model write. */
    async function assertFits({ grammar }: ReturnType<typeof request>, tokens: readonly number[]) {
      const match = await core.grammars.open(grammar!, new AbortController().signal);
      try {
        for (const [at, token] of tokens.entries()) {
          const isFit = (match.mask[token >> 5]! >> (token & 31)) & 1;
          assert.ok(
            isFit,
            `the grammar ends at ${JSON.stringify(core.tokenizer.decode(tokens.slice(0, at + 1)))}`,
          );
          if (at < tokens.length - 1) await match.accept(token);
        }
      } finally {
        match.close();
      }
    }
  });
}

/** `text` with the day of the goldens where templates have today's. */
function onGoldenDay(text: string): string {
  const now = new Date();
  const [month, day] = [now.getMonth() + 1, now.getDate()].map(number => String(number).padStart(2, '0'));
  const name = now.toLocaleString('en-US', { month: 'long' });
  return text
    .replace(`Current date: ${now.getFullYear()}-${month}-${day}`, 'Current date: 2025-08-07')
    .replace(`Today's Date: ${name} ${day}, ${now.getFullYear()}`, "Today's Date: August 07, 2025");
}
