import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { McpServers } from '../../../src/workspace/mcp.ts';
import { type McpServerConfig, parseMcpConfig } from '../../../src/workspace/mcp-config.ts';
import { readMcpFiles } from '../../../src/workspace/mcp-files.ts';
import { memoryPorts } from '../../support/memory-ports.ts';

const SERVER = join(__dirname, '../../fixtures/mcp/server.cjs');
const stdio = { command: process.execPath, args: [SERVER] };
const never = new AbortController().signal;
/** For tests of many calls: each of them listens to its signal for good. */
const fresh = () => new AbortController().signal;

async function using(configs: Record<string, McpServerConfig>, use: (servers: McpServers) => Promise<void>) {
  const servers = new McpServers(configs, process.cwd());
  try {
    await use(servers);
  } finally {
    await servers.dispose();
  }
}

describe('MCP servers', function () {
  this.timeout(30_000);
  let http: ChildProcess | undefined;
  afterEach(() => void http?.kill());

  it('over stdio are listed and called', () =>
    using({ one: { ...stdio, env: { GIVEN: 'yes' } } }, async servers => {
      process.env.MOEBIUS_TEST_SECRET = 'hidden';
      const { tools, problems } = await servers.list(never);
      assert.deepEqual(problems, []);
      assert.deepEqual(
        tools.map(tool => `${tool.server} ${tool.name}: ${tool.description}`),
        ['one add: Adds two numbers', 'one fail: Fails', 'one env: ', 'one end: '],
      );
      assert.deepEqual(await servers.call('one', 'add', { a: 2, b: 3 }, never), { ok: true, text: '5' });
      assert.deepEqual(await servers.call('one', 'fail', {}, never), { ok: false, text: 'no luck' });
      assert.equal((await servers.call('one', 'env', { name: 'GIVEN' }, never)).text, 'yes');
      assert.equal((await servers.call('one', 'env', { name: 'MOEBIUS_TEST_SECRET' }, never)).text, 'none');
    }).finally(() => delete process.env.MOEBIUS_TEST_SECRET));

  it('over HTTP are listed and called', async () => {
    http = spawn(process.execPath, [SERVER, 'http'], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [port] = await once(http.stdout!, 'data');
    const url = `http://127.0.0.1:${String(port).trim()}/mcp`;
    await using({ web: { url } }, async servers => {
      assert.equal((await servers.list(never)).tools.length, 4);
      assert.deepEqual(await servers.call('web', 'add', { a: 1, b: 1 }, never), { ok: true, text: '2' });
    });
  });

  it('that can not be started are a problem, and the others are there', () =>
    using({ bad: { command: 'no-such-program-anywhere' }, good: stdio }, async servers => {
      const { tools, problems } = await servers.list(never);
      assert.equal(tools.length, 4);
      assert.match(problems.join(), /^The MCP server bad can't be used: /);
      await assert.rejects(servers.call('other', 'add', {}, never), /There is no MCP server other/);
    }));

  it('that are gone or were changed are ended, the others go on', () =>
    using({ one: stdio, two: stdio }, async servers => {
      const who = async (server: string) => (await servers.call(server, 'env', { name: 'WHO' }, never)).text;
      await servers.list(never);
      servers.configure({ one: { ...stdio, env: { WHO: 'new' } }, two: { ...stdio } });
      assert.equal(await who('one'), 'new');
      assert.equal(await who('two'), 'none');
      servers.configure({ two: { ...stdio } });
      await assert.rejects(who('one'), /There is no MCP server one/);
    }));

  it('that ended are started again when they are needed', () =>
    using({ one: stdio }, async servers => {
      const pid = async () => (await servers.call('one', 'env', { name: 'PID' }, fresh())).text;
      const first = await pid();
      assert.equal(await pid(), first);
      await assert.rejects(servers.call('one', 'end', {}, fresh()), /The MCP server one says: .*closed/);
      assert.notEqual(await pid(), first);
      assert.deepEqual((await servers.list(fresh())).problems, []);
    }));

  it('that fail late take no newer one of their name along', () =>
    using(
      { one: { command: process.execPath, args: ['-e', 'setTimeout(() => {}, 700)'] } },
      async servers => {
        const late = servers.list(fresh());
        servers.configure({ one: stdio });
        const pid = async () => (await servers.call('one', 'env', { name: 'PID' }, fresh())).text;
        const first = await pid();
        assert.equal((await late).problems.length, 1);
        assert.equal(await pid(), first);
      },
    ));

  it('are no longer waited for when the task is stopped', () =>
    using(
      { slow: { command: process.execPath, args: ['-e', 'setInterval(() => {}, 1000)'] } },
      async servers => {
        const stop = AbortSignal.timeout(300);
        await assert.rejects(servers.list(stop));
      },
    ));
});

describe('MCP servers over HTTP', function () {
  this.timeout(30_000);
  const servers: Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) server.close().closeAllConnections();
  });

  type Answer = object | 'nothing' | 'not found';
  /** A server that answers by hand; it greets everybody, with a session of their own. */
  async function serving(answer: (method: string, params: { cursor?: string }, session: string) => Answer) {
    let sessions = 0;
    const http = createServer(async (request, response) => {
      if (request.method !== 'POST') return void response.writeHead(405).end();
      const { id, method, params } = JSON.parse((await request.toArray()).join(''));
      if (id === undefined) return void response.writeHead(202).end();
      const { protocolVersion } = params;
      const greeting = {
        protocolVersion,
        capabilities: { tools: {} },
        serverInfo: { name: 'x', version: '1' },
      };
      const isGreeted = method === 'initialize';
      const session = isGreeted ? `s${++sessions}` : String(request.headers['mcp-session-id']);
      const result = isGreeted ? greeting : answer(method, params, session);
      if (result === 'nothing') return;
      if (result === 'not found') return void response.writeHead(404).end();
      response.writeHead(200, { 'content-type': 'application/json', 'mcp-session-id': session });
      response.end(JSON.stringify({ jsonrpc: '2.0', id, result }));
    });
    servers.push(http.listen(0, '127.0.0.1'));
    await once(http, 'listening');
    return { url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp` };
  }
  const tool = { name: 'add', inputSchema: { type: 'object' } };

  it('that always have one more page are read for a few pages', async () => {
    const again = await serving(() => ({ tools: [tool], nextCursor: 'again' }));
    const next = await serving((_, { cursor = '0' }) => ({ tools: [tool], nextCursor: `${cursor}0` }));
    await using({ again, next }, async servers => {
      const { tools, problems } = await servers.list(never);
      const count = (name: string) => tools.filter(({ server }) => server === name).length;
      assert.deepEqual([count('again'), count('next'), problems], [2, 20, []]);
    });
  });

  it('that do not answer hold up one task, and no other for some minutes unless they are changed', async () => {
    let asked = 0;
    const silent = await serving(() => {
      asked++;
      return 'nothing';
    });
    const good = await serving(() => ({ tools: [tool] }));
    const servers = new McpServers({ silent, good }, process.cwd(), 1500);
    try {
      const listed = async () => {
        const startMs = performance.now();
        const { tools, problems } = await servers.list(never);
        assert.equal(tools.length, 1);
        return [problems.join(), performance.now() - startMs < 1000];
      };
      const problem = "The MCP server silent can't be used: It does not answer in time.";
      assert.deepEqual(await listed(), [problem, false]);
      servers.configure({ silent: { ...silent }, good: { ...good } });
      assert.deepEqual(await listed(), [`${problem} (It is tried again in some minutes.)`, true]);
      assert.equal(asked, 1);
      servers.configure({ silent: { ...silent, headers: { key: 'x' } }, good: { ...good } });
      assert.deepEqual(await listed(), [problem, false]);
    } finally {
      await servers.dispose();
    }
  });

  it('that have forgotten the session are greeted again, once', async () => {
    let known = 's1';
    const sessions: string[] = [];
    const web = await serving((method, _, session) => {
      if (method === 'tools/list') return { tools: [tool] };
      sessions.push(session);
      return session === known ? { content: [{ type: 'text', text: session }] } : 'not found';
    });
    await using({ web }, async servers => {
      const call = () => servers.call('web', 'add', {}, fresh());
      assert.equal((await call()).text, 's1');
      known = 's2';
      assert.equal((await call()).text, 's2');
      known = 'nobody';
      await assert.rejects(call(), /The MCP server web says: /);
      assert.deepEqual(sessions, ['s1', 's1', 's2', 's2', 's3']);
    });
  });
});

describe('MCP configuration', () => {
  it('is read in both spellings', () => {
    const servers = { a: { command: 'x', args: ['y'] }, b: { url: 'https://example.org/mcp' } };
    const expected = { servers, problems: [] };
    assert.deepEqual(parseMcpConfig(JSON.stringify({ servers }), '/w'), expected);
    assert.deepEqual(parseMcpConfig(JSON.stringify({ mcpServers: servers }), '/w'), expected);
  });

  it("is read as VS Code's file has it: with comments, types and the folder", () => {
    const text = `{
      // The project's own.
      "servers": {
        "local": { "type": "stdio", "command": "node", "args": ["\${workspaceFolder}/server.js"], },
        "asks": { "command": "x", "env": { "KEY": "\${input:key}" } },
        "file": { "command": "x", "envFile": ".env" },
        "place": { "command": "x", "cwd": "sub" },
        "other": { "type": "http", "url": "file:///etc/passwd" },
      },
      "inputs": [{ "id": "key", "type": "promptString" }],
    }`;
    const { servers, problems } = parseMcpConfig(text, '/w/$&');
    assert.deepEqual(servers, { local: { command: 'node', args: ['/w/$&/server.js'] } });
    assert.deepEqual(
      problems.map(problem => problem.replace(/^The MCP server (\w+) can't be used: (\S+).*/, '$1 $2')),
      // biome-ignore lint/suspicious/noTemplateCurlyInString: as the file writes it
      ['asks ${input:key}', 'file "envFile"', 'place "cwd"', 'other file:///etc/passwd'],
    );
  });

  it('that is wrong says what is', () => {
    const refuses = (text: string, message: RegExp) =>
      assert.throws(() => parseMcpConfig(text, '/w'), { code: 'bad-request', message });
    refuses('{', /is no JSON: CloseBraceExpected in line 1/);
    refuses('', /is no JSON/);
    refuses('{"servers": {"a": {"args": []}}}', /not understood/);
    refuses('{"servers": {"a b": {"command": "x"}}}', /not understood/);
    const many = Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`s${i}`, { command: 'x' }]));
    refuses(JSON.stringify({ servers: many }), /more than 16/);
  });
});

describe('MCP servers of the files of a workspace', () => {
  const read = (files: Record<string, string>, prefix = '') =>
    readMcpFiles(memoryPorts(new Map(Object.entries(files))).workspace, { prefix, root: '/w' });

  it('are those of both files, the own one first', async () => {
    const { servers, problems } = await read({
      '.moebius/mcp.json': '{"servers": {"a": {"command": "ours"}}}',
      '.vscode/mcp.json': '{"servers": {"a": {"command": "theirs"}, "b": {"command": "x"}}}',
    });
    assert.deepEqual(servers, [
      { name: 'a', config: { command: 'ours' }, source: '.moebius/mcp.json' },
      { name: 'b', config: { command: 'x' }, source: '.vscode/mcp.json' },
    ]);
    assert.deepEqual(problems, ['.vscode/mcp.json: another file names a server a too; that one is used.']);
  });

  it('are none without a file, and a file that is wrong is a problem', async () => {
    assert.deepEqual(await read({}), { servers: [], problems: [] });
    const { servers, problems } = await read({ 'a/.vscode/mcp.json': '{' }, 'a/');
    assert.deepEqual(servers, []);
    assert.match(problems.join(), /^a\/\.vscode\/mcp\.json: The MCP configuration is no JSON/);
  });
});
