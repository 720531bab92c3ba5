// What the SDKs in TypeScript do about OAuth by themselves:  node oauth.mjs v1|v2 URL TOOL [CLIENT-DOCUMENT]
import { allow } from './browser.mjs';
import { Provider, REDIRECT, load } from './provider.mjs';
import { assert, check, equal, finish } from './report.mjs';

const [sdk, url, tool, document] = process.argv.slice(2);
const { Client, StreamableHTTPClientTransport } = await load(sdk);

const provider = new Provider(`ts-${sdk}`, document);
const options = sdk === 'v2' ? { versionNegotiation: { mode: 'auto' } } : {};
const open = () => {
    const client = new Client({ name: `ts-${sdk}`, version: '1.0.0' }, options);
    return { client, transport: new StreamableHTTPClientTransport(new URL(url), { authProvider: provider }) };
};

/** Sends the person to where the SDK wants them, and hands the SDK what comes back. */
async function authorize(transport) {
    const answer = await allow(provider.redirects.at(-1), REDIRECT);
    equal(answer.get('state'), 'as-it-was', 'state');
    await transport.finishAuth(sdk === 'v2' ? answer : answer.get('code'));
}

const call = async client => JSON.stringify((await client.callTool({ name: tool, arguments: {} })).content);

let client;
await check('refused', async () => {
    const { client, transport } = open();
    const refused = await client.connect(transport).then(
        () => undefined,
        error => error
    );
    assert(/unauthorized/i.test(`${refused?.name} ${refused?.constructor.name}`), `not refused: ${refused}`);
    equal(provider.redirects.length, 1, 'authorizations');
    const asked = provider.redirects[0].searchParams;
    equal([asked.get('resource'), asked.get('code_challenge_method')], [url, 'S256'], 'request');
    equal(asked.get('client_id') === document, document !== undefined, 'the document is the client');
    await authorize(transport);
});
await check('call', async () => {
    const { client: opened, transport } = open();
    client = opened;
    await client.connect(transport);
    return call(client);
});
await check('refresh', async () => {
    const { refresh_token: before } = provider.kept.tokens;
    assert(before, 'no refresh token');
    provider.kept.tokens.access_token = 'dwa_expired';
    const said = await call(client);
    assert(provider.kept.tokens.refresh_token !== before, 'the refresh token did not rotate');
    equal(provider.redirects.length, 1, 'authorizations');
    return said;
});
await check('step-up', async () => {
    const { token_endpoint: endpoint } = provider.kept.discovery.authorizationServerMetadata;
    const form = {
        grant_type: 'refresh_token',
        refresh_token: provider.kept.tokens.refresh_token,
        client_id: provider.kept.client.client_id,
        scope: 'mcp:read'
    };
    const narrow = await (await fetch(endpoint, { method: 'POST', body: new URLSearchParams(form) })).json();
    assert(narrow.access_token && !narrow.scope.includes('mcp:call'), `not narrower: ${JSON.stringify(narrow)}`);
    provider.kept.tokens = { ...provider.kept.tokens, ...narrow };
    const first = await call(client).catch(error => error);
    if (typeof first === 'string') return first;
    // The SDK wants the person to say yes to more.
    equal(provider.redirects.length, 2, `authorizations after ${first}`);
    const { client: again, transport } = open();
    await authorize(transport);
    await again.connect(transport);
    return call(again);
});
finish();
