import assert from 'node:assert/strict';
import { Deferred } from '../../../src/base/deferred.ts';
import { MoebiusError } from '../../../src/base/errors.ts';
import { ChatStore } from '../../../src/host/chat/store.ts';
import { readFixed, shown, storedChats } from './open-controller.ts';
import { edits, runs } from './scripted-agent.ts';
import { hangsAfter, says, until } from './support.ts';

describe('chat controller, with the page it talks to', () => {
  const { stored, open } = storedChats();

  it('shows a streamed answer and what it was given', async () => {
    const { page, say, idle, backend } = open(says('one ', 'two'));
    await say({ type: 'ready' });
    await say({ type: 'attach', kind: 'file', path: 'a.ts' });
    assert.deepEqual(
      page.chips.value.map(chip => chip.label),
      ['a.ts'],
    );
    await say({ type: 'send', text: 'hi @src/b.ts and @no/file.ts' });
    await idle();
    assert.deepEqual(shown(page), ['hi @src/b.ts and @no/file.ts', 'one two']);
    assert.deepEqual(page.chips.value, []);
    assert.match(backend.requests[0]!.messages![1]!.content, /text of a\.ts[\s\S]*text of src\/b\.ts/);
    assert.equal(page.title.value, 'hi @src/b.ts and @no/file.ts');
    assert.match(page.announcement.value, /^Moebius answered: one two$/);
  });

  it('shows what the last search found, when an earlier one takes longer', async () => {
    const { page, say, idle, store } = open(says('ok'));
    await say({ type: 'send', text: 'hi' });
    await idle();
    const slow = new Deferred<void>();
    const list = store.list.bind(store);
    store.list = async query => {
      if (query === 'h') await slow.promise;
      return query === 'h' ? [] : list(query);
    };
    page.history.value = [];
    const searched = say({ type: 'history', query: 'h' });
    await say({ type: 'history', query: '' });
    slow.resolve();
    await searched;
    assert.equal(page.history.value.length, 1);
  });

  it('gives a message back when what it mentions is not there', async () => {
    const { page, say, backend } = open(says('never'));
    await say({ type: 'send', text: 'explain @selection' });
    assert.equal(page.returnedDraft.value, 'explain @selection');
    assert.equal(page.toast.value, 'Nothing is selected.');
    assert.deepEqual(shown(page), []);
    assert.equal(backend.requests.length, 0);
  });

  it('asks about what a command attaches, and nothing when that is refused', async () => {
    const { page, controller, idle, backend } = open(says('It adds.'));
    await controller.ask('Explain this.', [{ kind: 'selection' }]);
    assert.equal(page.toast.value, 'Nothing is selected.');
    assert.deepEqual([shown(page), backend.requests.length], [[], 0]);
    await controller.ask('Explain this.', [{ kind: 'path', path: 'a.ts' }]);
    await idle();
    assert.deepEqual(shown(page), ['Explain this.', 'It adds.']);
    assert.match(backend.requests[0]!.messages![1]!.content, /text of a\.ts/);
    await controller.ask('And now?');
    await until(() => shown(page).length === 4);
  });

  it('a page that was reloaded in the middle of an answer shows the same', async () => {
    const { page, say, isConnected } = open(hangsAfter('partial'));
    await say({ type: 'send', text: 'hi' });
    await until(() => shown(page)[1] === 'partial');
    isConnected.value = false;
    await say({ type: 'stop' });
    await say({ type: 'send', text: 'again' });
    isConnected.value = true;
    const before = shown(page);
    await say({ type: 'ready' });
    assert.notDeepEqual(shown(page), before);
    await until(() => shown(page)[3] === 'partial');
    assert.deepEqual(shown(page), ['hi', 'partial', 'again', 'partial']);
    await say({ type: 'stop' });
  });

  it('keeps the history over a restart of the host', async () => {
    const first = open(says('one'));
    await first.say({ type: 'send', text: 'hi' });
    await first.idle();
    const second = open(says('two'));
    await second.controller.restore();
    await second.say({ type: 'ready' });
    assert.deepEqual(shown(second.page), ['hi', 'one']);
    await second.say({ type: 'newChat' });
    assert.deepEqual(shown(second.page), []);
    second.page.history.value = [];
    await second.say({ type: 'history', query: '' });
    assert.equal(second.page.history.value?.length, 1);
    await second.say({ type: 'openChat', id: second.page.history.value![0]!.id });
    assert.deepEqual(shown(second.page), ['hi', 'one']);
  });

  it('a new chat keeps what is sent while its page comes up', async () => {
    const { page, controller, say, idle, isConnected } = open(says('ok'));
    const openPage = async () => {
      isConnected.value = true;
      const shows = say({ type: 'ready' });
      await say({ type: 'send', text: 'hi' });
      await shows;
    };
    isConnected.value = false;
    await controller.newChat(openPage);
    await idle();
    assert.deepEqual(shown(page), ['hi', 'ok']);
    isConnected.value = false;
    await controller.newTask(openPage);
    await idle();
    assert.equal(shown(page)[0], 'hi');
  });

  it('an answer goes on while another chat is shown', async () => {
    const { page, say, idle, backend } = open(hangsAfter('slow'));
    await say({ type: 'send', text: 'first' });
    await until(() => shown(page)[1] === 'slow');
    const firstId = stored.last.id!;
    await say({ type: 'newChat' });
    assert.equal(page.phase.value.kind, 'idle');
    backend.script = says('quick');
    await say({ type: 'send', text: 'second' });
    await idle();
    assert.deepEqual(shown(page), ['second', 'quick']);
    await say({ type: 'openChat', id: firstId });
    assert.deepEqual(shown(page), ['first', 'slow']);
    assert.equal(page.phase.value.kind, 'writing');
    await say({ type: 'stop' });
    await idle();
  });

  it('deletes the shown chat while it is being answered, without a trace', async () => {
    const { page, say } = open(hangsAfter('slow'));
    await say({ type: 'send', text: 'first' });
    await until(() => shown(page)[1] === 'slow');
    await say({ type: 'deleteChat', id: stored.last.id! });
    await new Promise(resolve => setTimeout(resolve, 20));
    assert.deepEqual(shown(page), []);
    assert.deepEqual(await new ChatStore(stored.folder).list(), []);
  });

  it('gives a message back whole, with what was attached', async () => {
    const { page, say, idle, agent } = open(says('ok'));
    agent.restoreChoice = 'conversation';
    await say({ type: 'attach', kind: 'file', path: 'a.ts' });
    await say({ type: 'send', text: 'hi' });
    await idle();
    await say({ type: 'restore', id: page.items.value[0]!.id });
    assert.deepEqual([shown(page), page.returnedDraft.value], [[], 'hi']);
    assert.deepEqual(
      page.chips.value.map(({ label }) => label),
      ['a.ts'],
    );
  });

  it('brings the page up to give a message back', async () => {
    const { page, say, controller, idle, agent, isConnected } = open(says('ok'));
    agent.restoreChoice = 'conversation';
    await say({ type: 'send', text: 'hi' });
    await idle();
    isConnected.value = false;
    await controller.agent.restore(controller.agent.restorePoints()[0]!.id);
    assert.deepEqual([isConnected.value, shown(page), page.returnedDraft.value], [true, [], 'hi']);
  });

  it('answers no earlier message again, and asks nothing about it', async () => {
    const { page, say, idle, agent } = open(says('ok'));
    agent.shownMode = 'agent';
    agent.script = async task => {
      edits(task, 'a.ts');
      return 'done';
    };
    for (const text of ['one', 'two']) {
      await say({ type: 'send', text });
      await idle();
    }
    await say({ type: 'regenerate', id: page.items.value[1]!.id });
    assert.match(page.toast.value, /^Only the last answer/);
    assert.deepEqual([page.items.value.length, agent.done], [4, []]);
    await say({ type: 'regenerate', id: page.items.value[3]!.id });
    await idle();
    assert.deepEqual([page.items.value.length, agent.tasks.length], [4, 3]);
  });

  it('gives an edited message back when it is not sent after all', async () => {
    const { page, say, idle, agent } = open(says('ok'));
    agent.shownMode = 'agent';
    agent.script = async task => {
      edits(task, `${task.ask.text}.ts`);
      if (task.ask.text === 'two') await runs(task, 'npm test');
      return 'done';
    };
    await say({ type: 'send', text: 'one' });
    await idle();
    const edit = async (text: string) => {
      page.returnedDraft.value = '';
      await say({ type: 'edit', id: page.items.value[0]!.id, text });
      return page.returnedDraft.value;
    };
    agent.replacing = null;
    assert.equal(await edit('called off'), 'called off');
    assert.equal(await edit('of @selection'), 'of @selection');
    assert.equal(page.toast.value, 'Nothing is selected.');
    agent.replacing = 'undo';
    await say({ type: 'send', text: 'two' });
    await until(() => page.phase.value.kind === 'asking');
    assert.equal(await edit('too early'), 'too early');
    assert.equal(page.toast.value, 'The agent is still working. Stop it first.');
    await say({ type: 'stop' });
    await idle();
    assert.equal(shown(page)[0], 'one');
    assert.equal(await edit('uno'), '');
    await until(() => shown(page)[0] === 'uno');
  });

  it('gives an edited message back when its chat was deleted while what it speaks of was read', async () => {
    let goOn = () => {};
    const reading = new Promise<void>(resolve => {
      goOn = resolve;
    });
    const { page, say, idle, agent, backend } = open(says('ok'), async request => {
      await reading;
      return readFixed(request);
    });
    await say({ type: 'send', text: 'one' });
    await idle();
    agent.shownMode = 'agent';
    const edited = say({ type: 'edit', id: page.items.value[0]!.id, text: 'of @src/a.ts' });
    await say({ type: 'deleteChat', id: stored.last.id! });
    goOn();
    await edited;
    assert.deepEqual([agent.tasks, backend.requests.length, shown(page)], [[], 1, []]);
    assert.equal(page.returnedDraft.value, 'of @src/a.ts');
    assert.match(page.toast.value, /^The chat was deleted/);
    assert.deepEqual(await new ChatStore(stored.folder).list(), []);
  });

  it('attaches what an edited message mentions anew, and keeps what was attached', async () => {
    let isSelected = true;
    const { page, say, idle, backend } = open(says('ok'), async request => {
      const isHere = request.kind === 'selection' && isSelected;
      return readFixed(isHere ? { kind: 'path', path: 'a.ts:1-3' } : request);
    });
    const chips = () => {
      const [first] = page.items.value;
      return first?.kind === 'user' && first.row.value.chips.map(({ label }) => label).join(' ');
    };
    await say({ type: 'attach', kind: 'file', path: 'a.ts' });
    await say({ type: 'send', text: 'see @selection' });
    await idle();
    assert.equal(chips(), 'a.ts a.ts:1-3');
    isSelected = false;
    const text = 'see @selection, @a.ts, @src/c.ts and @no/file.ts';
    await say({ type: 'edit', id: page.items.value[0]!.id, text });
    await idle();
    assert.deepEqual([shown(page)[0], chips()], [text, 'a.ts a.ts:1-3 src/c.ts']);
    assert.match(backend.requests.at(-1)!.messages!.at(-1)!.content, /text of src\/c\.ts/);
  });

  it('tells the agent whether its chat is shown, and shows it', async () => {
    const { page, say, agent, isConnected } = open(says('ok'));
    agent.shownMode = 'agent';
    agent.script = async task => {
      await runs(task, 'npm test');
      return 'done';
    };
    await say({ type: 'send', text: 'first' });
    await until(() => page.phase.value.kind === 'asking');
    const { chat } = agent.tasks[0]!;
    assert.equal(chat.isShown(), true);
    await say({ type: 'newChat' });
    assert.deepEqual([chat.isShown(), shown(page)], [false, []]);
    isConnected.value = false;
    await chat.show();
    assert.deepEqual([chat.isShown(), isConnected.value], [true, true]);
    assert.deepEqual([shown(page)[0], page.phase.value.kind], ['first', 'asking']);
    await say({ type: 'decide', id: 'run', decision: { kind: 'once' } });
    await until(() => page.phase.value.kind === 'idle');
  });

  it('shows what waited after a restart of the host, to be sent or dropped', async () => {
    const first = open(hangsAfter('slow'));
    await first.say({ type: 'send', text: 'one' });
    await first.say({ type: 'send', text: 'two' });
    await first.say({ type: 'send', text: 'three' });
    await until(() => shown(first.page)[1] === 'slow');
    first.controller.dispose();
    const second = open(says('ok'));
    await second.controller.restore();
    await second.say({ type: 'ready' });
    assert.deepEqual(shown(second.page), ['one', 'slow', 'two', 'three']);
    const [, , two, three] = second.page.items.value;
    assert.equal(two?.kind === 'user' && two.row.value.state, 'unsent');
    await second.say({ type: 'unqueue', id: two!.id });
    await second.say({ type: 'sendUnsent', id: three!.id });
    await until(() => shown(second.page).at(-1) === 'ok');
    assert.deepEqual(shown(second.page), ['one', 'slow', 'three', 'ok']);
  });

  const review = {
    kind: 'prompt',
    name: 'review',
    description: 'Look at a file',
    text: 'Look at $ARGUMENTS.',
  } as const;

  it('lists what a message that begins with a slash can mean', async () => {
    const { page, say, agent } = open(says(''));
    const shadowed = { ...review, name: 'undo' };
    agent.promptFiles = [review, shadowed, { ...review, kind: 'skill', name: 'redo' }];
    const listed = async (query: string) => {
      await say({ type: 'suggest', requestId: 7, list: 'slash', query });
      return page.suggestions.value.items.map(({ kind, label }) => `${kind} ${label}`);
    };
    const all = await listed('');
    assert.ok(all.includes('command /new') && all.includes('command /undo'));
    assert.deepEqual(await listed('re'), ['command /restore', 'prompt /review', 'skill /redo']);
    assert.deepEqual(await listed('und'), ['command /undo']);
    assert.equal(page.suggestions.value.requestId, 7);
  });

  it('runs a slash command instead of sending it, and keeps what was attached', async () => {
    const { page, say, done, backend } = open(says('never'));
    await say({ type: 'attach', kind: 'file', path: 'a.ts' });
    await say({ type: 'send', text: '/undo ' });
    assert.deepEqual(done, ['execute moebius.agent.undoLastTurn']);
    assert.deepEqual([backend.requests.length, page.chips.value.length], [0, 1]);
  });

  it('sends the prompt file that a message names, in ask mode too, and again when it is edited', async () => {
    const { page, say, idle, backend, agent } = open(says('fine'));
    agent.promptFiles = [review];
    await say({ type: 'send', text: '/review src/a.ts' });
    await idle();
    const sent = () => backend.requests.at(-1)!.messages!.at(-1)!.content;
    assert.equal(sent(), 'Look at src/a.ts.');
    assert.deepEqual(shown(page), ['/review src/a.ts', 'fine']);
    await say({ type: 'edit', id: page.items.value[0]!.id, text: '/review src/b.ts' });
    await idle();
    assert.equal(sent(), 'Look at src/b.ts.');
  });

  it('gives a message back when the prompt files can not be read', async () => {
    const { page, say, agent } = open(says('never'));
    agent.prompts = async () => {
      throw new MoebiusError('not-found', 'The folder is gone.');
    };
    await say({ type: 'send', text: '/review x' });
    assert.deepEqual([page.returnedDraft.value, page.toast.value], ['/review x', 'The folder is gone.']);
  });

  it('counts the context of the next message', async () => {
    const { page, say, controller } = open(says('ok'));
    await controller.daemonChanged({ kind: 'ready', model: 'tiny', status: null });
    await say({ type: 'draft', text: 'x'.repeat(40) });
    await until(() => page.meter.value !== null);
    const { usedTokens, windowTokens, exact } = page.meter.value!;
    assert.deepEqual({ windowTokens, exact }, { windowTokens: 8192, exact: true });
    assert.ok(usedTokens > 100 && usedTokens < 200, String(usedTokens));
    controller.dispose();
  });

  it('fills the picker anew for another state or model, not for what a model does', async () => {
    const { controller, pickers } = open(says(''));
    const states = [
      { kind: 'loading', model: 'tiny', percent: 5 },
      { kind: 'ready', model: 'tiny', status: null },
      { kind: 'ready', model: 'tiny', status: null },
      { kind: 'ready', model: 'other', status: null },
    ] as const;
    const filled: number[] = [];
    for (const state of states) {
      await controller.daemonChanged(state);
      filled.push(pickers.filled);
    }
    assert.deepEqual(filled, [0, 1, 1, 2]);
    controller.dispose();
  });

  it('passes the rest on to the editor, and reports failures in words', async () => {
    const { page, say, done } = open(says(''), async () => {
      throw new MoebiusError('unsupported', 'logo.png is a binary file.');
    });
    await say({ type: 'copy', text: 'c' });
    await say({ type: 'action', action: 'restart' });
    await say({ type: 'attach', kind: 'file', path: 'logo.png' });
    assert.deepEqual(done, ['copy c', 'run restart']);
    assert.equal(page.toast.value, 'logo.png is a binary file.');
    await say({ type: 'openChat', id: '../../../etc/passwd' });
    assert.match(page.toast.value, /Not a chat id/);
  });
});
