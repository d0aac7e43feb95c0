import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, readdirSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isAnswered } from '../../../src/agent/transcript.ts';
import { ChatStore } from '../../../src/host/chat/store.ts';

const A = 'aaaaaaaa-1111';
const B = 'bbbbbbbb-2222';

describe('chat store', () => {
  let folder: string;
  let store: ChatStore;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'moebius-chats-'));
    store = new ChatStore(folder);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const begin = (id: string, title: string, text: string) => {
    store.append(id, { type: 'chat', version: 1, id, at: 1, title });
    store.append(id, { type: 'ask', id: 'q', at: 1, text, attachments: [] });
  };

  it('lists the newest first, with titles', async () => {
    begin(A, 'First', 'one');
    begin(B, 'Second', 'two');
    utimesSync(join(folder, `${A}.jsonl`), 10, 10);
    assert.deepEqual(
      (await store.list()).map(chat => chat.title),
      ['Second', 'First'],
    );
  });

  it('finds text in messages, whatever its case', async () => {
    begin(A, 'First', 'about the Tokenizer');
    begin(B, 'Second', 'two');
    assert.deepEqual(
      (await store.list('tokenizer')).map(chat => chat.id),
      [A],
    );
    assert.deepEqual(await store.list('nothing'), []);
  });

  it('goes on after a torn line, and loses only that', async () => {
    begin(A, 'First', 'one');
    appendFileSync(join(folder, `${A}.jsonl`), '{"type":"ask","id":"torn');
    new ChatStore(folder).append(A, { type: 'ask', id: 'q2', at: 2, text: 'two', attachments: [] });
    const transcript = await store.load(A);
    assert.deepEqual(
      transcript?.entries.map(entry => entry.id),
      ['q', 'q2'],
    );
  });

  it('has the last line after its process was killed', async () => {
    const script = `
      const { ChatStore } = require(${JSON.stringify(join(__dirname, '../../../src/host/chat/store.ts'))});
      const store = new ChatStore(${JSON.stringify(folder)});
      store.append('${A}', { type: 'chat', version: 1, id: '${A}', at: 1, title: 'T' });
      store.append('${A}', { type: 'ask', id: 'q', at: 1, text: 'last words', attachments: [] });
      process.kill(process.pid, 'SIGKILL');`;
    assert.throws(() => execFileSync(process.execPath, ['--import', 'tsx', '-e', script]), {
      signal: 'SIGKILL',
    });
    assert.equal((await store.load(A))?.entries[0]?.text, 'last words');
  });

  it('has the messages that waited for their turn when the process was killed', async () => {
    begin(A, 'First', 'one');
    store.append(A, { type: 'ask', id: 'q2', at: 2, text: 'two', attachments: [] });
    store.append(A, { type: 'ask', id: 'q3', at: 2, text: 'three', attachments: [] });
    store.append(A, { type: 'drop', id: 'q2' });
    const transcript = await new ChatStore(folder).load(A);
    assert.deepEqual(
      transcript?.entries.map(({ id, text }) => `${id} ${text} ${isAnswered(transcript, id)}`),
      ['q one false', 'q3 three false'],
    );
  });

  it('deletes, and is empty without its folder', async () => {
    begin(A, 'First', 'one');
    await store.delete(A);
    assert.deepEqual(await store.list(), []);
    assert.equal(await store.load(A), null);
    assert.deepEqual(await new ChatStore(join(folder, 'none')).list(), []);
  });

  it('stays without what comes after it was deleted', async () => {
    begin(A, 'First', 'one');
    const deleting = store.delete(A);
    store.append(A, { type: 'drop', id: 'q' });
    await deleting;
    store.append(A, { type: 'drop', id: 'q' });
    assert.deepEqual(readdirSync(folder), []);
    begin(B, 'Second', 'two');
    assert.equal((await store.list()).length, 1);
  });

  it('loses one that is too large, not the older ones', async () => {
    const big = 'c'.repeat(8);
    for (const [index, [id, length]] of (
      [
        [big, 5000],
        [A, 100],
        [B, 100],
      ] as const
    ).entries()) {
      begin(id, id, 'x'.repeat(length));
      utimesSync(join(folder, `${id}.jsonl`), 100 - index, 100 - index);
    }
    const left = async () => (await store.list()).map(({ id }) => id[0]).join('');
    const small = new ChatStore(folder, { chats: 10, bytes: 1000 });
    await small.prune(id => id === big);
    assert.equal(await left(), 'cab', 'an open one that has no room stays, and the others with it');
    await small.prune(() => false);
    assert.equal(await left(), 'ab');
  });

  it('keeps the newest within its limits, and what is open in any case', async () => {
    const ids = ['a', 'b', 'c', 'd', 'e'].map(letter => `${letter.repeat(8)}-1`);
    const fill = (length: number) => {
      for (const [index, id] of ids.entries()) {
        begin(id, id, 'x'.repeat(length));
        utimesSync(join(folder, `${id}.jsonl`), 100 - index, 100 - index);
      }
    };
    const left = async () => (await store.list()).map(({ id }) => id[0]).join('');
    fill(10);
    await new ChatStore(folder, { chats: 3, bytes: 1_000_000 }).prune(id => id === ids[4]);
    assert.equal(await left(), 'abe');
    fill(2000);
    const { sizeBytes } = await store.use();
    assert.ok(sizeBytes > 10_000 && sizeBytes < 11_500, String(sizeBytes));
    const small = new ChatStore(folder, { chats: 10, bytes: 5000 });
    await small.prune(id => id === ids[2]);
    assert.equal(await left(), 'ac');
    assert.equal((await small.use()).capBytes, 5000);
    await new ChatStore(folder, { chats: 1, bytes: 10 }).prune(() => true);
    assert.equal(await left(), 'ac', 'nothing that is open goes, however large it is');
    await new ChatStore(join(folder, 'none')).prune(() => false);
  });

  it('refuses ids that are paths', async () => {
    for (const id of ['../../etc/passwd', 'a/b', '', 'ABC', '..', 'x'.repeat(65)]) {
      await assert.rejects(store.load(id), RangeError, id);
      await assert.rejects(store.delete(id), RangeError, id);
    }
  });
});
