/**
 * A conversation in the chat: a system prompt of 2,000 tokens, a file attached, one turn after another. Time from the
 * message to the first text of the answer, through the daemon; "without reuse" is the same turn of a conversation that
 * the daemon has never seen.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { askContent, SYSTEM_PROMPT } from '../../../src/agent/chat-prompt.ts';
import type { Backend } from '../../../src/backends/backend.ts';
import type { ChatMessage } from '../../../src/protocol/daemon.ts';
import { promptOfLength, readCorpus, SPEED_FILES } from '../corpus.ts';
import { withDaemon } from '../daemon.ts';
import type { Figure, Log, Plan } from '../plan.ts';
import { eachRound, Samples } from '../rounds.ts';

const SYSTEM_TOKENS = { full: 2000, quick: 300 };
const FILE = 'queue.py';
const FILE_CHARS = { full: Number.POSITIVE_INFINITY, quick: 2000 };
const ANSWER = { full: 48, quick: 12 };
/** How long the user reads the last answer before the daemon is restarted. */
const READING_MS = { full: 10_000, quick: 2000 };
const QUESTIONS = [
  'What is this file for? Answer in two sentences.',
  'Which of its methods may block? Name them.',
  'Show how two threads would use it.',
];
const EDITED = 'Which of its methods raise an exception? Name them.';

export const FRESH = 'without reuse';
export const REUSED = 'with reuse';
export const SECOND_TURN_FIGURE = 'first text, second turn';

interface Reply {
  /** From the request to the first text. */
  firstTextMs: number;
  reusedTokens: number;
  text: string;
}

export async function turns(plan: Plan, log: Log): Promise<Figure[]> {
  const size = plan.quick ? 'quick' : 'full';
  const corpus = readCorpus(SPEED_FILES);
  const file = readCorpus([FILE]).text.slice(0, FILE_CHARS[size]);
  const columns = () => new Samples([FRESH, REUSED]);
  const first = columns();
  const second = columns();
  const third = columns();
  const edited = columns();
  const restarted = columns();
  const restart = new Samples(['moebius']);

  const attachment = {
    id: '0',
    kind: 'file' as const,
    label: FILE,
    language: 'python',
    text: file,
    tokens: null,
    cut: null,
  };

  await withDaemon(plan, async ({ backend, supervisor }) => {
    const tokenize = async (text: string) => ({ length: (await backend.count({ text })).tokens });
    const rules = await promptOfLength(corpus.text, SYSTEM_TOKENS[size], 0, tokenize);
    // Conversations of different names share next to nothing. A name is never used again: a daemon may keep what it read.
    const begin = (): ChatMessage[] => [
      { role: 'system', content: `Conversation ${randomUUID()}.\n${SYSTEM_PROMPT}\n${rules}` },
      { role: 'user', content: askContent({ text: QUESTIONS[0]!, attachments: [attachment] }) },
    ];
    const send = (messages: ChatMessage[], sequence: string) =>
      ask(backend, messages, sequence, ANSWER[size]);
    const renamed = (messages: ChatMessage[]): ChatMessage[] => [begin()[0]!, ...messages.slice(1)];
    await send(begin().slice(1), 'warm-up');

    for (const round of eachRound(plan, 'turns', log)) {
      const one = begin();
      const answer1 = requireFresh(await send(one, 'chat'));
      first.add(FRESH, answer1.firstTextMs);

      const two = next(one, answer1, QUESTIONS[1]!);
      const answer2 = await send(two, 'chat');
      second.add(REUSED, requireReuse(answer2).firstTextMs);
      second.add(FRESH, requireFresh(await send(renamed(two), 'fresh')).firstTextMs);

      const three = next(two, answer2, QUESTIONS[2]!);
      third.add(REUSED, requireReuse(await send(three, 'chat')).firstTextMs);
      third.add(FRESH, requireFresh(await send(renamed(three), 'fresh')).firstTextMs);

      const changed = next(one, answer1, EDITED);
      const answer = await send(changed, 'chat');
      edited.add(REUSED, requireReuse(answer).firstTextMs);

      await sleep(READING_MS[size]);
      const began = performance.now();
      await supervisor.restart();
      await supervisor.ready();
      restart.add('moebius', performance.now() - began);
      const resumed = await send(next(changed, answer, QUESTIONS[2]!), 'chat');
      restarted.add(resumed.reusedTokens > SHARED_TOKENS ? REUSED : FRESH, resumed.firstTextMs);
      log(`after restart ${round + 1}, ${resumed.reusedTokens} tokens were reused`);
    }
  });
  return [
    first.figure('turns', 'first text, first turn', 'ms'),
    second.figure('turns', SECOND_TURN_FIGURE, 'ms'),
    third.figure('turns', 'first text, third turn', 'ms'),
    edited.figure('turns', 'first text, second message edited', 'ms'),
    restarted.figure('turns', 'first text, third turn after a restart', 'ms'),
    restart.figure('turns', 'restart of the daemon until the model is loaded', 'ms'),
  ];
}

async function ask(
  backend: Backend,
  messages: ChatMessage[],
  sequence: string,
  maxTokens: number,
): Promise<Reply> {
  const began = performance.now();
  let firstTextMs: number | null = null;
  const { text, usage } = await backend.generate(
    { messages, sequence, maxTokens, temperature: 0, level: 'exact', priority: 'chat' },
    {
      onEvent(event) {
        if (event.type === 'text') firstTextMs ??= performance.now() - began;
      },
    },
  );
  if (firstTextMs === null) throw new Error(`The answer to "${messages.at(-1)!.content}" is empty.`);
  return { firstTextMs, reusedTokens: usage.reusedTokens, text };
}

const next = (messages: ChatMessage[], answer: Reply, question: string): ChatMessage[] => [
  ...messages,
  { role: 'assistant', content: answer.text },
  { role: 'user', content: question },
];

/** The template's own start and the word before the name are in every conversation. */
const SHARED_TOKENS = 16;

function requireFresh(reply: Reply): Reply {
  if (reply.reusedTokens > SHARED_TOKENS)
    throw new Error(`A new conversation reused ${reply.reusedTokens} tokens.`);
  return reply;
}

function requireReuse(reply: Reply): Reply {
  if (reply.reusedTokens <= SHARED_TOKENS) throw new Error('The daemon read the whole conversation again.');
  return reply;
}
