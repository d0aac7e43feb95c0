/** Servers that a repository names start nothing unless the user allowed exactly that. */
import assert from 'node:assert/strict';
import type { ActionPolicy } from '../../../../src/agent/actions.ts';
import { isAgentEvent } from '../../../../src/agent/event-schema.ts';
import type { AgentEvent, ApprovalDecision, ApprovalRequest } from '../../../../src/agent/ports.ts';
import { MoebiusError } from '../../../../src/base/errors.ts';
import {
  describeServer,
  gatedMcp,
  type McpConsents,
  namesServers,
} from '../../../../src/host/agent/mcp-gate.ts';
import type { McpConfig, McpServerConfig } from '../../../../src/workspace/mcp-config.ts';
import { ALLOW_ALL } from '../../../support/memory-ports.ts';

const FILE = '.moebius/mcp.json';
const never = new AbortController().signal;

/** A window with its memory, in which tasks begin one after another. */
function window(decision: ApprovalDecision) {
  const asked: ApprovalRequest[] = [];
  const events: AgentEvent[] = [];
  const remembered = new Map<string, string>();
  const consents: McpConsents = {
    session: new Map(),
    isRemembered: mark => remembered.has(mark),
    remember: (mark, title) => void remembered.set(mark, title),
  };
  async function task(
    files: Record<string, McpServerConfig>,
    own: Record<string, McpServerConfig> = {},
    { policy = {}, folder = '/w' }: { policy?: Partial<ActionPolicy>; folder?: string } = {},
  ) {
    let configured: string[] = [];
    const port = gatedMcp({
      servers: {
        configure: configs => {
          configured = Object.keys(configs);
        },
        list: async () => ({ tools: [], problems: [] }),
        call: async () => ({ ok: true, text: '' }),
      },
      readOwn: () => ({ servers: own, problems: [] }),
      readFiles: async () => ({
        servers: Object.entries(files).map(([name, config]) => ({ name, config, source: FILE })),
        problems: [],
      }),
      folder,
      consents,
      turnId: 't',
      policy: () => ({ ...ALLOW_ALL.policy(), ...policy }),
      approval: {
        ask: async request => {
          asked.push(request);
          return decision;
        },
      },
      emit: event => void events.push(event),
    });
    const { problems } = await port.list(never);
    return { configured, problems };
  }
  return { task, asked, events, remembered, consents };
}

const config = { command: 'node', args: ['server.js', 'a b'], env: { MODE: 'fast' } };

describe('MCP servers of the workspace', () => {
  it('are asked for with the exact command line, once, and every step is told', async () => {
    const { task, asked, events } = window({ kind: 'once' });
    assert.deepEqual(await task({ hub: config }), { configured: ['hub'], problems: [] });
    const [request] = asked;
    assert.equal(request?.detail, 'node server.js "a b"\nMODE=fast\n(in /w)');
    assert.match(request.warning!, /^\.moebius\/mcp\.json of this workspace names it/);
    assert.deepEqual(
      events.map(event => event.type),
      ['call', 'approval', 'decision', 'result'],
    );
    assert.ok(events.every(isAgentEvent), 'they can be stored');
    await task({ hub: config });
    assert.equal(asked.length, 1);
  });

  it('that are not allowed are not started, and not asked for again in this window', async () => {
    const { task, asked, remembered } = window({ kind: 'deny', reason: null });
    for (let round = 0; round < 2; round++) {
      const { configured, problems } = await task({ hub: config });
      assert.deepEqual(configured, []);
      assert.match(problems.join(), /hub is not started: you did not allow it/);
    }
    assert.deepEqual([asked.length, remembered.size], [1, 0]);
  });

  it('that are always allowed are so as they are: another argument, variable or folder is asked for', async () => {
    const { task, asked, remembered, consents } = window({ kind: 'always' });
    await task({ hub: config });
    assert.deepEqual([...remembered.values()], ['hub: node server.js "a b"']);
    consents.session.clear();
    await task({ hub: config });
    assert.equal(asked.length, 1);
    await task({ hub: { ...config, args: ['server.js', 'a', 'b'] } });
    await task({ hub: { ...config, env: { MODE: 'fast', NODE_OPTIONS: '--require ./x.js' } } });
    await task({ other: config });
    await task({ hub: config }, {}, { folder: '/elsewhere' });
    assert.equal(asked.length, 5);
  });

  it('are asked for again when everything is, and not started when the agent is read-only', async () => {
    const { task, asked, consents } = window({ kind: 'always' });
    const readOnly = await task({ hub: config }, {}, { policy: { readOnly: true } });
    assert.deepEqual([readOnly.configured, asked.length], [[], 0]);
    assert.match(readOnly.problems.join(), /read-only/);
    await task({ hub: config });
    consents.session.clear();
    await task({ hub: config }, {}, { policy: { askEverything: true } });
    assert.equal(asked.length, 2);
  });

  it("do not take the place of the user's own, which are not asked for", async () => {
    const { task, asked } = window({ kind: 'once' });
    const { configured, problems } = await task({ hub: config }, { hub: { command: 'mine' } });
    assert.deepEqual([configured, asked.length], [['hub'], 0]);
    assert.match(problems.join(), /your settings name a server hub too/);
  });

  it('are no port for the agent where none is named, and one where something about them is to be told', async () => {
    const none = { servers: {}, problems: [] };
    const file = (problems: string[]) => async () => ({ servers: [], problems });
    const isNamed = (own: McpConfig, problems: string[] = []) =>
      namesServers({ readOwn: () => own, readFiles: file(problems) });
    assert.equal(await isNamed(none), false);
    assert.equal(await isNamed({ servers: { hub: config }, problems: [] }), true);
    assert.equal(await isNamed(none, ['.vscode/mcp.json: no JSON']), true);
    const wrong = () => {
      throw new MoebiusError('bad-request', 'wrong');
    };
    assert.equal(await namesServers({ readOwn: wrong, readFiles: file([]) }), true);
  });

  it('are shown with what is invisible, and on lines of their own only where we made one', () => {
    assert.equal(
      describeServer({ command: 'x', args: ['a\u202eb', 'c\nMODE=1'] }),
      'x "a<U+202E>b" "c\\nMODE=1"',
    );
    assert.equal(
      describeServer({ url: 'https://example.org/mcp', headers: { Key: 'a b' } }),
      'https://example.org/mcp\nKey="a b"',
    );
  });
});
