/** A chat that outlives its daemon: keys and values on disk, the daemon as it ships, a real model. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LocalBackend } from '../../src/backends/local.ts';
import type { ChatMessage } from '../../src/protocol/daemon.ts';
import { stopAll, until, watchDaemon } from '../support/daemons.ts';
import { linkedStore, needFiles, variantFolder } from '../support/models.ts';

const MODEL = 'qwen2.5-coder-0.5b';
const SCRIPT = join(__dirname, '../../dist/daemon.js');
const FACTS = Array.from({ length: 40 }, (_, i) => `Shelf ${i + 1} holds box ${(i * 7) % 40}.`).join(' ');
const CHAT: ChatMessage[] = [
  { role: 'system', content: `You answer in one short sentence. ${FACTS}` },
  { role: 'user', content: 'My name is Ada. Say hello to me.' },
];

describe('a chat after its daemon', function () {
  this.timeout(180_000);
  let home: string;

  before(function () {
    needFiles(this, SCRIPT, join(variantFolder(MODEL, 'int4'), 'manifest.json'));
  });
  beforeEach(() => {
    home = linkedStore(mkdtempSync(join(tmpdir(), 'moebius-saved-chat-')));
  });
  afterEach(async () => {
    await stopAll();
    rmSync(home, { recursive: true, force: true });
  });

  const start = async (env: Record<string, string> = {}) => {
    const watched = watchDaemon(SCRIPT, {
      model: MODEL,
      env: { MOEBIUS_HOME: home, ...env },
      timings: { shutdownMs: 20_000 }, // whatever a busy machine takes, it is saved
    });
    watched.settings.threads = 2;
    await watched.supervisor.ready();
    const backend = new LocalBackend(signal => watched.supervisor.connect(signal));
    const say = (messages: ChatMessage[]) => backend.generate({ messages, maxTokens: 24, temperature: 0 });
    return { watched, backend, say };
  };
  const pages = () => {
    const folder = join(home, 'kv', MODEL, 'int4');
    return existsSync(folder) ? readdirSync(folder).filter(name => name.endsWith('.kv')) : [];
  };

  it('goes on from the rows on disk, after a kill, with the same words', async () => {
    const first = await start();
    const hello = await first.say(CHAT);
    const { promptTokens, outputTokens } = hello.usage;
    await until(() => pages().length === Math.ceil((promptTokens + outputTokens - 1) / 256), 30_000);
    const question: ChatMessage = { role: 'user', content: 'What is my name?' };
    const messages: ChatMessage[] = [...CHAT, { role: 'assistant', content: hello.text }, question];
    const uninterrupted = await first.say(messages);
    first.watched.processes[0]!.kill('SIGKILL');
    await stopAll();

    const second = await start();
    const restored = await second.say(messages);
    assert.ok(
      restored.usage.reusedTokens >= promptTokens,
      `${restored.usage.reusedTokens} of ${promptTokens}`,
    );
    assert.equal(restored.usage.reusedTokens, uninterrupted.usage.reusedTokens);
    assert.equal(restored.text, uninterrupted.text);
    assert.match(restored.text, /Ada/);
    console.log(
      `      ${restored.usage.reusedTokens} of ${restored.usage.promptTokens} tokens from disk; prompt in ${restored.usage.prefillMs.toFixed(0)} ms, ` +
        `${hello.usage.promptTokens} tokens before in ${hello.usage.prefillMs.toFixed(0)} ms`,
    );
  });

  it('is saved when the daemon is asked to end, and gone when nothing may be kept', async () => {
    const first = await start();
    const { usage } = await first.say(CHAT);
    await stopAll();
    assert.ok(pages().length > 0, 'the idle second had not passed');
    const second = await start();
    assert.ok((await second.say(CHAT)).usage.reusedTokens > usage.promptTokens / 2);
    await stopAll();
    const third = await start({ MOEBIUS_KV_MEGABYTES: '0' });
    assert.equal(existsSync(join(home, 'kv')), false);
    assert.equal((await third.say(CHAT)).usage.reusedTokens, 0);
    await stopAll();
    assert.equal(existsSync(join(home, 'kv')), false);
  });

  it('serves two daemons at a time', async () => {
    const [one, other] = await Promise.all([start(), start()]);
    await one.say(CHAT);
    await until(() => pages().length >= 2, 30_000);
    const result = await other.say([
      ...CHAT,
      { role: 'assistant', content: 'Hello.' },
      { role: 'user', content: 'Hm?' },
    ]);
    assert.ok(result.usage.reusedTokens > 400, `${result.usage.reusedTokens}`);
    await Promise.all([one.say([...CHAT.slice(0, 1), { role: 'user', content: 'a' }]), other.say(CHAT)]);
    await stopAll();
    const again = await start();
    assert.ok((await again.say(CHAT)).usage.reusedTokens > 400);
  });
});
