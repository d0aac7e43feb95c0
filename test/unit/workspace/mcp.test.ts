import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { type McpServerConfig, McpServers, parseMcpConfig } from '../../../src/workspace/mcp.ts';

const SERVER = join(__dirname, '../../fixtures/mcp/server.cjs');
const stdio = { command: process.execPath, args: [SERVER] };
const never = new AbortController().signal;

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
        ['one add: Adds two numbers', 'one fail: Fails', 'one env: '],
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
      assert.equal((await servers.list(never)).tools.length, 3);
      assert.deepEqual(await servers.call('web', 'add', { a: 1, b: 1 }, never), { ok: true, text: '2' });
    });
  });

  it('that can not be started are a problem, and the others are there', () =>
    using({ bad: { command: 'no-such-program-anywhere' }, good: stdio }, async servers => {
      const { tools, problems } = await servers.list(never);
      assert.equal(tools.length, 3);
      assert.match(problems.join(), /^The MCP server bad can't be used: /);
      await assert.rejects(servers.call('other', 'add', {}, never), /There is no MCP server other/);
    }));

  it('are no longer waited for when the task is stopped', () =>
    using(
      { slow: { command: process.execPath, args: ['-e', 'setInterval(() => {}, 1000)'] } },
      async servers => {
        const stop = AbortSignal.timeout(300);
        await assert.rejects(servers.list(stop));
      },
    ));
});

describe('MCP configuration', () => {
  it('is read in both spellings', () => {
    const servers = { a: { command: 'x', args: ['y'] }, b: { url: 'https://example.org/mcp' } };
    assert.deepEqual(parseMcpConfig(JSON.stringify({ servers })), servers);
    assert.deepEqual(parseMcpConfig(JSON.stringify({ mcpServers: servers })), servers);
  });

  it('that is wrong says what is', () => {
    const refuses = (text: string, message: RegExp) =>
      assert.throws(() => parseMcpConfig(text), { code: 'bad-request', message });
    refuses('{', /is no JSON/);
    refuses('{"servers": {"a": {"args": []}}}', /not understood/);
    refuses('{"servers": {"a": {"url": "file:///etc/passwd"}}}', /not understood/);
    refuses('{"servers": {"a b": {"command": "x"}}}', /not understood/);
    const many = Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`s${i}`, { command: 'x' }]));
    refuses(JSON.stringify({ servers: many }), /more than 16/);
  });
});
