import assert from 'node:assert/strict';
import { Bridge } from '../../../src/host/chat/bridge.ts';
import { pageHtml } from '../../../src/host/chat/page.ts';
import { phaseOf } from '../../../src/host/chat/phase.ts';
import { type HostMessage, webviewMessage } from '../../../src/protocol/webview.ts';

const text = (id: string, piece: string): HostMessage => ({ type: 'text', id, text: piece });
const OPEN: HostMessage = {
  type: 'open',
  chatId: 'c',
  title: '',
  rows: [],
  draftChips: [],
  phase: { kind: 'idle' },
};

describe('bridge to the page', () => {
  const connect = () => {
    const bridge = new Bridge();
    const got: HostMessage[] = [];
    bridge.connect(message => got.push(message));
    return { bridge, got };
  };
  const pause = () => new Promise(resolve => setTimeout(resolve, 40));

  it('joins text, in order, within some 20 ms', async () => {
    const { bridge, got } = connect();
    for (const piece of ['a', 'b', 'c']) bridge.post(text('1', piece));
    assert.deepEqual(got, []);
    await pause();
    assert.deepEqual(got, [text('1', 'abc')]);
  });

  it('sends waiting text before anything else, and texts of two answers apart', () => {
    const { bridge, got } = connect();
    bridge.post(text('1', 'a'));
    bridge.post(text('2', 'b'));
    bridge.post({ type: 'remove', id: 'x' });
    assert.deepEqual(got, [text('1', 'a'), text('2', 'b'), { type: 'remove', id: 'x' }]);
  });

  it('does not send text twice to a page that was just sent everything', async () => {
    const { bridge, got } = connect();
    bridge.post(text('1', 'a'));
    bridge.post(OPEN);
    await pause();
    assert.deepEqual(got, [OPEN]);
  });

  it('drops what comes while there is no page', async () => {
    const { bridge, got } = connect();
    bridge.post(text('1', 'a'));
    bridge.disconnect();
    bridge.post({ type: 'focus' });
    await pause();
    assert.deepEqual(got, []);
  });
});

describe('what the page may send', () => {
  const check = (message: unknown, expected: boolean) =>
    it(`${JSON.stringify(message).slice(0, 60)}: ${expected}`, () =>
      assert.equal(webviewMessage.safeParse(message).success, expected));
  check({ type: 'send', text: 'hi' }, true);
  check({ type: 'attach', kind: 'file', path: 'a' }, true);
  check({ type: 'send' }, false);
  check({ type: 'send', text: 7 }, false);
  check({ type: 'constructor' }, false);
  check({ type: 'decide', id: 'c', decision: { kind: 'once' } }, true);
  check({ type: 'decide', id: 'c', decision: { kind: 'deny', reason: null } }, true);
  check({ type: 'decide', id: 'c', decision: { kind: 'forever' } }, false);
  check({ type: 'decide', decision: { kind: 'once' } }, false);
  check({ type: 'choosePolicy', policy: 'all' }, false);
  check({ type: 'undoFile', id: 'a', path: 7 }, false);
  check({ type: 'action', action: 'workbench.action.quit' }, false);
  check({ type: 'drop', uris: Array.from({ length: 51 }, () => 'file:///a') }, false);
  check({ type: 'openLink', href: 'x'.repeat(5000) }, false);
  check(null, false);
});

describe('page', () => {
  it('allows its own script and style, and nothing from elsewhere', () => {
    const html = pageHtml({ script: 'S', style: 'T', cspSource: 'SELF', nonce: 'N' });
    const policy = html.match(/content="(default-src[^"]*)"/)![1]!;
    assert.deepEqual(policy.split('; '), [
      "default-src 'none'",
      "script-src 'nonce-N'",
      'style-src SELF',
      'font-src SELF',
      'img-src SELF data:',
      "connect-src 'none'",
      "form-action 'none'",
      "base-uri 'none'",
    ]);
    assert.doesNotMatch(html, /<script(?! nonce="N" src="S"><\/script>)/);
    assert.doesNotMatch(html, /<style|\sstyle=|\son\w+=|https?:/);
  });
});

describe('phase line', () => {
  it('says why an answer has not begun, and otherwise what it does', () => {
    const idle = { kind: 'idle' } as const;
    const failed = { kind: 'failed', reason: 'r' } as const;
    assert.deepEqual(phaseOf(idle, { kind: 'loading', model: 'm', percent: 40 }), {
      kind: 'loading',
      percent: 40,
    });
    assert.deepEqual(phaseOf({ kind: 'starting' }, { kind: 'starting' }), { kind: 'starting' });
    assert.deepEqual(phaseOf(idle, failed), { kind: 'down', reason: 'r' });
    assert.deepEqual(phaseOf({ kind: 'queued', position: 1 }, failed), { kind: 'queued', position: 1 });
    assert.deepEqual(phaseOf(idle, { kind: 'ready', model: 'm', status: null }), idle);
  });
});
