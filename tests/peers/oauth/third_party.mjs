// Somebody else's service: an MCP server on the official SDK, and the authorization server that locks it, of an independent
// make:
//
//     node third_party.mjs [SECONDS]
//
// It prints where they are, as JSON. Access tokens live for SECONDS (600 without). Refresh tokens are good once, and one that
// comes a second time ends all that was granted with it. `control` answers what was asked of the authorization server so
// far, at /expire after ending all access tokens, at /found?published=…&address=… after learning where somebody else is.
import { createServer } from 'node:http';
import Provider from 'oidc-provider';
import { guarded } from '../../node/peers/guarded.mjs';
import { finding } from '../../node/peers/published.mjs';

const SCOPE = 'tools';
const seconds = Number(process.argv[2] ?? 600);

/** What happened, by kind. */
const counts = { registered: 0, authorized: 0, codes: 0, refreshes: 0, reuses: 0, revocations: 0, calls: 0 };
/** Everything that the MCP server was sent, and every secret that was given out. */
const seen = [];
const secrets = new Set();
/** From when on access tokens are good. */
let since = 0;
/** Knows where clients are that describe themselves by documents. */
let find = fetch;

async function listening() {
    const server = createServer();
    await new Promise(resolve => server.listen(0, '127.0.0.1', resolve));
    return [server, `http://127.0.0.1:${server.address().port}`];
}

const [server, issuer] = await listening();
const provider = new Provider(issuer, {
    cookies: { keys: ['only for tests'] },
    features: {
        clientIdMetadataDocument: { enabled: true, ack: 'draft-02' },
        devInteractions: { enabled: true },
        registration: { enabled: true },
        resourceIndicators: {
            enabled: true,
            getResourceServerInfo: (_, audience) => ({ scope: SCOPE, audience, accessTokenTTL: seconds, accessTokenFormat: 'opaque' }),
            useGrantedResource: () => true
        },
        revocation: { enabled: true },
        rpInitiatedLogout: { enabled: false }
    },
    fetch: (url, options) => find(url, options),
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    issueRefreshToken: (_, client) => client.grantTypeAllowed('refresh_token'),
    pkce: { required: () => true },
    rotateRefreshToken: true,
    scopes: [SCOPE],
    ttl: { Session: 600, Interaction: 600, Grant: 600, AuthorizationCode: 60, RefreshToken: 600, IdToken: 60 }
});
provider.use(async (context, next) => {
    await next();
    const { path, method, status, body } = context;
    if (method !== 'POST' || status >= 300) return;
    if (path === '/reg') counts.registered += 1;
    if (path === '/token/revocation') counts.revocations += 1;
    if (path !== '/token') return;
    for (const name of ['access_token', 'refresh_token']) if (body[name]) secrets.add(body[name]);
    counts[context.oidc.params.grant_type === 'refresh_token' ? 'refreshes' : 'codes'] += 1;
});
provider.on('authorization.success', () => (counts.authorized += 1));
provider.on('grant.error', (_, error) => (counts.reuses += /already (used|consumed)/.test(error.error_detail ?? '') ? 1 : 0));
server.on('request', provider.callback());

const resource = await guarded({
    oauthMetadata: await (await fetch(`${issuer}/.well-known/openid-configuration`)).json(),
    scope: SCOPE,
    saw: request => seen.push(request),
    async verify(token, resource) {
        const found = await provider.AccessToken.find(token);
        if (!found || found.aud !== resource || found.iat < since) return undefined;
        counts.calls += 1;
        return { account: found.accountId, client: found.clientId, scopes: found.scope.split(' '), expires: found.exp };
    }
});

const [desk, control] = await listening();
desk.on('request', async (request, response) => {
    // Whatever was given out in the second that passes is expired too: wait for the next.
    const { pathname, searchParams } = new URL(request.url, control);
    if (pathname === '/found') find = finding(searchParams.get('published'), searchParams.get('address'));
    if (pathname === '/expire') {
        since = Math.floor(Date.now() / 1000) + 1;
        await new Promise(resolve => setTimeout(resolve, since * 1000 - Date.now()));
    }
    response.end(JSON.stringify({ counts, secrets: [...secrets], seen }));
});
console.log(JSON.stringify({ issuer, resource, control }));
