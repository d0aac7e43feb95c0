import assert from 'node:assert/strict';
import { Deferred } from '../../../src/base/deferred.ts';
import type { AttachmentRequest } from '../../../src/host/chat/attachment-request.ts';
import { readFixed, shown, storedChats } from './open-controller.ts';
import { edits } from './scripted-agent.ts';
import { type ScriptedBackend, says, until } from './support.ts';

describe('sending a message while something is still being read', () => {
  const { stored, open } = storedChats();

  /** Reads as `readFixed`, but for a file that takes until `slow` is over. */
  const readSlowly = () => {
    const slow = new Deferred<void>();
    const read = async (request: AttachmentRequest) => {
      if (request.kind === 'path' && request.path === 'slow/x.ts') await slow.promise;
      return readFixed(request);
    };
    return { slow, read };
  };
  const sentTo = ({ requests }: ScriptedBackend, index: number) =>
    requests[index]!.messages!.at(-1)!.content.replace(/\s+/g, ' ');

  it('sends a message when what was attached to it is read', async () => {
    const { slow, read } = readSlowly();
    const { page, say, idle, backend } = open(says('ok'), read);
    const said = [
      say({ type: 'attach', kind: 'file', path: 'slow/x.ts' }),
      say({ type: 'send', text: 'hi' }),
    ];
    slow.resolve();
    await Promise.all(said);
    await idle();
    assert.match(sentTo(backend, 0), /text of slow\/x\.ts.* hi$/);
    assert.deepEqual(page.chips.value, []);
  });

  it('each in the mode in which it was sent, however long it is read or waits', async () => {
    const { slow, read } = readSlowly();
    const { page, say, agent, backend } = open(says('ok'), read);
    const first = new Deferred<void>();
    agent.script = async () => {
      await first.promise;
      return 'done';
    };
    agent.shownMode = 'agent';
    const said = [say({ type: 'send', text: 'one' }), say({ type: 'send', text: 'two @slow/x.ts' })];
    await until(() => agent.tasks.length === 1);
    agent.shownMode = 'plan';
    said.push(say({ type: 'send', text: 'three' }));
    agent.shownMode = 'ask';
    slow.resolve();
    await Promise.all([...said, say({ type: 'send', text: 'four' })]);
    agent.shownMode = 'agent';
    first.resolve();
    await until(() => page.items.value.length === 8 && page.phase.value.kind === 'idle');
    assert.deepEqual(
      agent.tasks.map(({ ask, mode }) => `${ask.text}: ${mode}`),
      ['one: agent', 'two @slow/x.ts: agent', 'three: plan'],
    );
    assert.equal(backend.requests.length, 1, 'the fourth is answered without tools');
  });

  it('an edited message takes nothing back of the chat that is shown meanwhile', async () => {
    const { slow, read } = readSlowly();
    const { page, say, idle, agent, controller } = open(says('ok'), read);
    await say({ type: 'send', text: 'one' });
    await idle();
    const editing = say({ type: 'edit', id: page.items.value[0]!.id, text: 'two @slow/x.ts' });
    await say({ type: 'newChat' });
    agent.shownMode = 'agent';
    agent.script = async task => {
      edits(task, 'a.ts');
      return 'done';
    };
    await controller.ask('other');
    await idle();
    slow.resolve();
    await editing;
    assert.deepEqual([agent.toldCommands, agent.done], [[], []]);
  });

  it('does not wait for the file dialog', async () => {
    const dialog = new Deferred<void>();
    const { page, say, idle } = open(says('ok'), async request => {
      if (request.kind === 'pick') await dialog.promise;
      return readFixed(request);
    });
    const picked = say({ type: 'attach', kind: 'pick' });
    await say({ type: 'send', text: 'hi' });
    await idle();
    dialog.resolve();
    await picked;
    assert.equal(page.chips.value.length, 1);
  });

  it('sends messages in their order, each with its own attachments, to the chat in which it was written', async () => {
    const { slow, read } = readSlowly();
    const { page, say, idle, backend } = open(says('ok'), read);
    await say({ type: 'attach', kind: 'file', path: 'a.ts' });
    const said = [
      say({ type: 'send', text: 'first @slow/x.ts' }),
      say({ type: 'attach', kind: 'file', path: 'b.ts' }),
      say({ type: 'send', text: 'second' }),
    ];
    await say({ type: 'newChat' });
    slow.resolve();
    await Promise.all(said);
    await until(() => backend.requests.length === 2);
    assert.match(sentTo(backend, 0), /text of a\.ts.*text of slow\/x\.ts.* first @slow\/x\.ts$/);
    assert.match(sentTo(backend, 1), /text of b\.ts.* second$/);
    assert.deepEqual(shown(page), []);
    page.history.value = [];
    await say({ type: 'history', query: '' });
    await say({ type: 'openChat', id: page.history.value[0]!.id });
    await idle();
    assert.deepEqual(shown(page), ['first @slow/x.ts', 'ok', 'second', 'ok']);
  });

  it('gives a message back whose chat is deleted before it is sent, with what was attached', async () => {
    const { slow, read } = readSlowly();
    const { page, say, idle, backend } = open(says('ok'), read);
    await say({ type: 'send', text: 'hi' });
    await idle();
    await say({ type: 'attach', kind: 'file', path: 'a.ts' });
    const said = say({ type: 'send', text: 'see @slow/x.ts' });
    await say({ type: 'deleteChat', id: stored.last.id! });
    slow.resolve();
    await said;
    assert.equal(page.returnedDraft.value, 'see @slow/x.ts');
    assert.match(page.toast.value, /^The chat was deleted/);
    assert.deepEqual(
      page.chips.value.map(({ label }) => label),
      ['a.ts'],
    );
    assert.deepEqual([shown(page), backend.requests.length], [[], 1]);
  });
});
