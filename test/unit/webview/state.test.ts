import assert from 'node:assert/strict';
import type { TodoView } from '../../../src/protocol/agent-view.ts';
import type { AnswerRow, HostMessage, UserRow } from '../../../src/protocol/webview.ts';
import { applyMessage, closeEdit, createState, openEdit } from '../../../src/webview/state.ts';

const user = (id: string, state: UserRow['state'] = 'sent'): UserRow => ({
  kind: 'user',
  id,
  text: id,
  chips: [],
  state,
});
const answer = (id: string, text = '', finish: AnswerRow['finish'] = null): AnswerRow => {
  return {
    kind: 'answer',
    id,
    text,
    finish,
    model: 'm',
    level: 'exact',
    usage: null,
    error: null,
    work: null,
    canGoOn: false,
  };
};
const row = (value: AnswerRow | UserRow, after?: string): HostMessage => {
  return { type: 'row', row: value, ...(after !== undefined && { after }) };
};

function showing(...messages: HostMessage[]) {
  const state = createState();
  for (const message of messages) applyMessage(state, message);
  return state;
}
const ids = (...messages: HostMessage[]) =>
  showing(...messages)
    .items.value.map(item => item.id)
    .join(' ');

describe('page state', () => {
  it('adds rows at the end or after another', () => {
    assert.equal(ids(row(user('q1')), row(user('q2')), row(answer('a1'), 'q1')), 'q1 a1 q2');
    assert.equal(ids(row(user('q1')), row(answer('a1'), 'gone')), 'q1 a1');
  });

  it('replaces a row where it is', () => {
    const state = showing(row(user('q1', 'queued')), row(user('q2')), row(user('q1')));
    const [first] = state.items.value;
    assert.equal(first?.kind === 'user' && first.row.value.state, 'sent');
    assert.equal(state.items.value.length, 2);
  });

  it('truncates, removes, and ignores what is gone', () => {
    const rows = [row(user('q1')), row(answer('a1')), row(user('q2'))];
    assert.equal(ids(...rows, { type: 'truncate', id: 'a1' }), 'q1');
    assert.equal(ids(...rows, { type: 'remove', id: 'a1' }), 'q1 q2');
    assert.equal(
      ids(...rows, { type: 'truncate', id: 'x' }, { type: 'text', id: 'x', text: 'y' }),
      'q1 a1 q2',
    );
  });

  it('appends text without touching the list', () => {
    const state = showing(row(user('q1')), row(answer('a1')));
    const before = state.items.value;
    applyMessage(state, { type: 'text', id: 'a1', text: 'Hel' });
    applyMessage(state, { type: 'text', id: 'a1', text: 'lo' });
    assert.equal(state.items.value, before);
    const item = state.items.value[1];
    assert.equal(item?.kind === 'answer' && item.stream.text, 'Hello');
    assert.equal(item?.kind === 'answer' && item.revision.value, 2);
  });

  it('announces a finished answer once, not its pieces', () => {
    const state = showing(row(answer('a1')), { type: 'text', id: 'a1', text: 'Hello' });
    assert.equal(state.announcement.value, '');
    applyMessage(state, row(answer('a1', 'Hello\n```ts\nx\n```', 'stop')));
    assert.equal(state.announcement.value, 'Moebius answered: Hello (code block)');
    applyMessage(state, row({ ...answer('a2', '', 'error'), error: { message: 'It ended.', actions: [] } }));
    assert.equal(state.announcement.value, 'Moebius could not answer: It ended.');
  });

  it('announces what can not be seen without looking for it', () => {
    const announced = (...messages: HostMessage[]) => showing(...messages).announcement.value;
    const step = (state: 'ok' | 'failed', summary: string): HostMessage => ({
      type: 'part',
      id: 'a1',
      part: {
        kind: 'step',
        id: 's',
        tool: 'run_command',
        title: 'Run npm start',
        state,
        output: '',
        summary,
        approval: null,
      },
    });
    const facts = (...todo: TodoView[]): HostMessage => ({
      type: 'facts',
      id: 'a1',
      facts: { todo, changed: [] },
    });
    const begun = row(answer('a1'));
    const look: TodoView = { text: 'Look', state: 'doing' };
    assert.equal(
      announced(begun, step('ok', 'Still running in the background as c1 after 3 s')),
      'Run npm start: Still running in the background as c1 after 3 s',
    );
    assert.equal(announced(begun, step('failed', 'Exit code 1')), 'Run npm start failed. Exit code 1');
    assert.equal(announced(begun, facts(look)), 'Plan: 0 of 1 done. Now: Look.');
    assert.equal(announced(begun, facts({ ...look, state: 'done' })), 'Plan: 1 of 1 done.');
    const note: HostMessage = {
      type: 'part',
      id: 'a1',
      part: { kind: 'note', id: 'n', text: 'Old results.' },
    };
    assert.equal(announced(begun, facts(look), note), 'Old results.');
    assert.equal(announced(begun, facts(look), note, facts(look)), 'Old results.', 'the plan is the same');
    assert.equal(
      announced({ type: 'row', row: { kind: 'notice', id: 'x', text: 'Not sent.' } }),
      'Not sent.',
    );
    assert.equal(announced({ type: 'draft', text: 'hi' }), 'Your message is back in the input.');
  });

  it('announces the same again so that it is heard again', () => {
    const state = createState();
    const heard = [1, 2, 3].map(() => {
      applyMessage(state, row({ ...answer('a', '', 'error'), error: { message: 'No.', actions: [] } }));
      applyMessage(state, { type: 'remove', id: 'a' });
      return state.announcement.value;
    });
    assert.deepEqual(
      heard.map(text => text.trim()),
      Array(3).fill('Moebius could not answer: No.'),
    );
    assert.ok(heard[0] !== heard[1] && heard[1] !== heard[2]);
  });

  it('says that a limit was reached, instead of an answer', () => {
    const state = showing(row(answer('a1')), row({ ...answer('a1', 'So far', 'length'), canGoOn: true }));
    assert.match(state.announcement.value, /^Moebius stopped: .* Continue\?$/);
  });

  it('keeps the suggestions for the newest letter, in whatever order they come', () => {
    const suggest = (requestId: number, label: string): HostMessage => ({
      type: 'suggest',
      requestId,
      items: [{ kind: 'command', label, detail: '' }],
    });
    const { suggestions } = showing(suggest(1, '/u'), suggest(3, '/undo'), suggest(2, '/un'));
    assert.deepEqual([suggestions.value.requestId, suggestions.value.items[0]?.label], [3, '/undo']);
  });

  it('keeps what a message is to become while that is there, and gives it back when it goes', () => {
    const open = (...rows: UserRow[]): HostMessage => {
      return { type: 'open', chatId: 'c', title: '', rows, draftChips: [], phase: { kind: 'idle' } };
    };
    const edited = (text: string | null, ...messages: HostMessage[]) => {
      const state = showing(row(user('q1')), row(user('q2')));
      openEdit(state, 'q2');
      state.editedText.value = text;
      for (const message of messages) applyMessage(state, message);
      return [state.editing.value, state.editedText.value, state.returnedDraft.value];
    };
    assert.deepEqual(edited('better', open(user('q1'), user('q2'))), ['q2', 'better', '']);
    assert.deepEqual(edited('better', { type: 'truncate', id: 'x' }), ['q2', 'better', '']);
    assert.deepEqual(edited('better', open(user('q3'))), [null, null, 'better']);
    assert.deepEqual(edited('better', { type: 'truncate', id: 'q1' }), [null, null, 'better']);
    assert.deepEqual(edited('better', { type: 'remove', id: 'q2' }), [null, null, 'better']);
    assert.deepEqual(edited(null, open()), [null, null, '']);
    const draft: HostMessage = { type: 'draft', text: 'back' };
    assert.deepEqual(edited('better', open(), draft), [null, null, 'back\n\nbetter']);
  });

  it('begins an edit with the message as it is', () => {
    const state = showing(row(user('q1')), row(user('q2')));
    openEdit(state, 'q1');
    state.editedText.value = 'half';
    openEdit(state, 'q2');
    assert.deepEqual([state.editing.value, state.editedText.value], ['q2', null]);
    closeEdit(state);
    assert.equal(state.editing.value, null);
  });

  it('does not open a history that was closed', () => {
    const state = showing({ type: 'history', chats: [{ id: 'c', title: 't', changedAt: 0 }] });
    assert.equal(state.history.value, null);
  });
});
