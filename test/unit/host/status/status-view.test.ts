import assert from 'node:assert/strict';
import type { DaemonState } from '../../../../src/host/context.ts';
import { describeStatus, isUp } from '../../../../src/host/status/status-page.ts';
import { type StatusOptions, statusView } from '../../../../src/host/status/status-view.ts';
import type { StatusResult } from '../../../../src/protocol/daemon.ts';

const STATUS: StatusResult = {
  phase: 'idle',
  model: 'm',
  loadPercent: null,
  queued: 0,
  uptimeMs: 61_000,
  memory: { rssBytes: 2e9, anonymousBytes: null, kvBytes: 3e7 },
  sequences: [{ name: 'chat', tokens: 120, capacityTokens: 512, bytes: 3e7 }],
  speed: { prefillTokensPerSecond: null, decodeTokensPerSecond: 21.34 },
};

describe('host/status-view', () => {
  const check = (
    name: string,
    state: DaemonState,
    options: Partial<StatusOptions>,
    text: string,
    description: RegExp,
    severity = 'none',
  ) =>
    it(name, () => {
      const view = statusView(state, { hasModel: true, isCompletionOn: true, isTrusted: true, ...options });
      assert.equal(view.text, text);
      assert.match(view.description, description);
      assert.equal(view.severity, severity);
    });
  const unasked = { kind: 'no-model', reason: 'No model has been asked for yet.' } as const;
  check('idle', { kind: 'idle' }, {}, '$(sparkle) Moebius', /when it is needed/);
  check(
    'idle without a model',
    { kind: 'idle' },
    { hasModel: false },
    '$(cloud-download) Moebius: no model',
    /Click/,
    'warning',
  );
  check('stopped', { kind: 'stopped' }, {}, '$(sparkle) Moebius', /needed/);
  check('up, nobody asked', unasked, {}, '$(sparkle) Moebius', /needed/);
  check(
    'up, none there',
    unasked,
    { hasModel: false },
    '$(cloud-download) Moebius: no model',
    /No model/,
    'warning',
  );
  check(
    'can not be loaded',
    { kind: 'no-model', reason: 'Too large.' },
    {},
    '$(error) Moebius',
    /Too large/,
    'error',
  );
  check('starting', { kind: 'starting' }, {}, '$(loading~spin) Moebius starting', /starting/);
  check(
    'loading',
    { kind: 'loading', model: 'm', percent: 40.7 },
    {},
    '$(loading~spin) Moebius 40 %',
    /Loading m: 40 %/,
  );
  check('ready', { kind: 'ready', model: 'm', status: null }, {}, '$(sparkle) Moebius', /^m is ready\.$/);
  check(
    'ready, measured',
    { kind: 'ready', model: 'm', status: STATUS },
    {},
    '$(sparkle) Moebius',
    /21\.3 tokens/,
  );
  check(
    'writing',
    { kind: 'ready', model: 'm', status: { ...STATUS, phase: 'writing' } },
    {},
    '$(loading~spin) Moebius',
    /m is writing/,
  );
  check(
    'completions off',
    { kind: 'ready', model: 'm', status: null },
    { isCompletionOn: false },
    '$(circle-slash) Moebius',
    /off here/,
  );
  check('restricted', { kind: 'idle' }, { isTrusted: false }, '$(circle-slash) Moebius', /Restricted/);
  check(
    'backoff',
    { kind: 'backoff', attempt: 2, retryInMs: 4900, reason: 'It died.' },
    {},
    '$(warning) Moebius',
    /It died\. Starting again in 5 s \(attempt 2\)/,
    'warning',
  );
  check('failed', { kind: 'failed', reason: 'Too often.' }, {}, '$(error) Moebius', /Too often/, 'error');
});

describe('host/status-page', () => {
  const USE = { chats: { sizeBytes: 12e6, capBytes: 1e8 }, checkpoints: null };

  it('tells what is measured', () => {
    const page = describeStatus({ kind: 'ready', model: 'm', status: STATUS }, STATUS, USE);
    assert.match(page, /Speed: reads not measured yet, writes 21\.3 tokens\/s/);
    assert.match(page, /\| chat \| 120 \| 512 \| 30 MB \|/);
    assert.match(page, /Chats of this workspace: 12 MB of at most 100 MB/);
    assert.doesNotMatch(page, /Checkpoints/);
  });
  it('asks a process that has no model as well', () => {
    const states: DaemonState[] = [
      { kind: 'no-model', reason: 'No model has been asked for yet.' },
      { kind: 'loading', model: 'm', percent: 5 },
      { kind: 'ready', model: 'm', status: null },
      { kind: 'idle' },
      { kind: 'stopped' },
      { kind: 'failed', reason: 'Too often.' },
    ];
    assert.deepEqual(states.map(isUp), [true, true, true, false, false, false]);
  });
  it('says when nothing runs', () => {
    assert.match(
      describeStatus({ kind: 'failed', reason: 'Too often.' }, null, {
        ...USE,
        checkpoints: { sizeBytes: 3e6, capBytes: 2e8 },
      }),
      /failed \(Too often\.\)[\s\S]*not running[\s\S]*Checkpoints of this workspace: 3 MB of at most 200 MB/,
    );
  });
});
