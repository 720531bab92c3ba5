// Doorward as the client under test of the official suite:
//
//     conformance client --command "node conformance_client.mjs PROGRAM" --scenario …
//
// The suite adds the address of its server. That becomes the only upstream of a Doorward of its own; a person of Doorward's
// uses it with an SDK of the revision, connects their account at the suite's authorization server, and calls what the
// scenario needs. What the suite then judges is what Doorward sent. It ends well when the person came through.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Browser, allow } from './browser.mjs';
import { Caller } from './caller.mjs';
import { publish } from './published.mjs';

const [program, upstream] = process.argv.slice(2);
const { MCP_CONFORMANCE_SCENARIO: scenario, MCP_CONFORMANCE_PROTOCOL_VERSION: revision } = process.env;
const context = JSON.parse(process.env.MCP_CONFORMANCE_CONTEXT ?? '{}');
const sdk = revision === '2026-07-28' ? 'v2' : 'v1';

const PERSON = 'ada';
const PASSWORD = 'correct horse battery';
/** Where the suite thinks that its clients publish what they are. */
const PUBLIC = 'https://conformance-test.local';

const directory = mkdtempSync(join(tmpdir(), 'doorward-conformance-'));
const file = (name, text) => {
    writeFileSync(join(directory, name), text);
    return `{ file = ${JSON.stringify(join(directory, name))} }`;
};

/** What an operator looks up before they write the file. */
async function tokenEndpoint() {
    const { origin, pathname } = new URL(upstream);
    const ask = async url => await (await fetch(url)).json();
    const { authorization_servers: [issuer] } = await ask(`${origin}/.well-known/oauth-protected-resource${pathname}`);
    return (await ask(`${issuer}/.well-known/oauth-authorization-server`)).token_endpoint;
}

/** How the upstream is told who Doorward is. */
async function credential() {
    if (!scenario.startsWith('auth/')) return '';
    const { client_id: id, client_secret: secret } = context;
    const client = [id && `client_id = ${JSON.stringify(id)}`, secret && `client_secret = ${file('secret', secret)}`];
    const kind = scenario.startsWith('auth/client-credentials')
        ? `kind = "client-credentials", token_endpoint = ${JSON.stringify(await tokenEndpoint())}`
        : 'kind = "oauth"';
    return `credential = { ${[kind, ...client.filter(Boolean)].join(', ')} }`;
}

const configuration = `
${scenario === 'auth/basic-cimd' ? `public_url = "${PUBLIC}"` : ''}
[listen]
address = "127.0.0.1:0"

[store]
url = "sqlite:doorward.db"

[keys]
master = { file = "master.key" }

[network]
allow_private = ["127.0.0.0/8", "::1/128"]

[[upstream]]
name = "suite"
url = ${JSON.stringify(upstream)}
${await credential()}

[[server]]
name = "suite"
upstreams = ["suite"]
`;
file('doorward.toml', configuration);
const words = (...words) => [...words, '--config', join(directory, 'doorward.toml')];

function command(...args) {
    const input = args.includes('--password-stdin') ? PASSWORD : '';
    const said = spawnSync(program, words(...args), { input, encoding: 'utf8' });
    if (said.status !== 0) throw new Error(`doorward ${args.join(' ')}: ${said.stderr}`);
    return said.stdout;
}

/** Starts the program, and says where it listens. */
async function serve() {
    const doorward = spawn(program, words('serve'), { stdio: ['ignore', 'ignore', 'pipe'] });
    process.on('exit', () => doorward.kill('SIGKILL'));
    const log = createInterface({ input: doorward.stderr });
    return await new Promise((resolve, reject) => {
        log.on('line', line => {
            console.error(line);
            const address = / listens on (\S+)$/.exec(line)?.[1];
            if (address) resolve(`http://${address}`);
        });
        doorward.on('exit', status => reject(new Error(`the program ended with ${status}`)));
    });
}

/** What the scenario wants called, beside the first tool of all. */
const SCENARIOS = {
    'json-schema-ref-no-deref': caller => caller.tools(),
    'request-metadata': caller => caller.tools(),
    'http-custom-headers': async caller => {
        await caller.tools();
        for (const { name, arguments: args } of context.toolCalls) await caller.call(name, args);
    },
    'http-invalid-tool-headers': async caller => {
        for (const { name } of await caller.tools()) await caller.call(name, { region: 'here' });
    },
    'http-standard-headers': async caller => {
        await everyTool(caller);
        const { client } = caller;
        for (const { uri } of (await client.listResources()).resources) await client.readResource({ uri });
        for (const { name } of (await client.listPrompts()).prompts) await client.getPrompt({ name });
    },
    'sep-2322-client-request-state': async caller => {
        caller.answer = async () => {
            await caller.call('test_mrtr_unrelated');
            return { action: 'accept', content: { confirmed: true } };
        };
        await everyTool(caller).catch(error => {
            // The last tool answers without a `resultType`, which an SDK does not take.
            if (error.data?.violation !== 'missing-resultType') throw error;
        });
    },
    'json-schema-2020-12-preservation': async caller => {
        const [{ inputSchema: schema }] = await caller.tools();
        await caller.call('json_schema_echo', { schema });
    },
    'auth/authorization-server-migration': async caller => {
        await caller.tools();
        // What it finds instead of the server that it knows, it shows an administrator, who approves.
        await caller.call('test-tool').catch(error => console.error(error.message));
        command('connection', 'approve', 'suite');
        await caller.call('test-tool');
    }
};

async function everyTool(caller) {
    const tools = await caller.tools();
    for (const { name } of tools) await caller.call(name, { a: 2, b: 3 });
}

command('user', 'add', PERSON, '--password-stdin');
const address = await serve();
const origin = scenario === 'auth/basic-cimd' ? PUBLIC : address;
publish(PUBLIC, address);
const browser = new Browser({ person: `${PERSON}:${PASSWORD}` });
const person = {
    allows: (url, redirect) => allow(url, redirect, browser),
    visits: async url => {
        const { status, heading, text } = await browser.open(url);
        console.error(`${url}: ${status} ${heading}`);
        if (status >= 400) console.error(text.replaceAll(/<[^>]*>/g, ' ').replaceAll(/\s+/g, ' '));
    }
};
let failure;
try {
    const caller = await new Caller(sdk, `${origin}/mcp/suite`, person).connect();
    await (SCENARIOS[scenario] ?? everyTool)(caller);
    // The suite wants a client to say goodbye before it looks.
    await caller.client.close();
} catch (error) {
    failure = error;
    console.error(error);
}
rmSync(directory, { recursive: true });
process.exit(failure ? 1 : 0);
