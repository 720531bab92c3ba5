// Two clients that forgive nothing, oauth4webapi and openid-client, through everything a client can ask of an authorization
// server:  node strict.mjs URL TOOL CLIENT SECRET
//
// Each step is done with what the one before it answered; both libraries check every answer against the standards.
import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';
import { allow } from '../../node/peers/browser.mjs';
import { assert, check, equal, finish } from '../../node/peers/report.mjs';

const [address, tool, own, secret] = process.argv.slice(2);
const url = new URL(address);
const clear = { [oauth.allowInsecureRequests]: true };
const redirect_uri = 'http://127.0.0.1:33420/callback';

const MODERN = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': { name: 'strict', version: '1.0.0' },
    'io.modelcontextprotocol/clientCapabilities': {}
};

const request = (method, params = {}) => ({
    method: 'POST',
    headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': method,
        ...(params.name && { 'mcp-name': params.name })
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { ...params, _meta: MODERN } })
});
const calling = request('tools/call', { name: tool, arguments: {} });

function send(token, { method, headers, body } = calling) {
    return oauth.protectedResourceRequest(token, method, url, new Headers(headers), body, clear);
}

const challenges = async asked => {
    const refused = await asked.then(
        () => undefined,
        error => error
    );
    assert(refused instanceof oauth.WWWAuthenticateChallengeError, `no challenge: ${refused}`);
    return { status: refused.status, ...refused.cause[0].parameters };
};

let server;
await check('discovery', async () => {
    const refused = await fetch(url, calling);
    equal(refused.status, 401, 'status');
    const metadata = /resource_metadata="([^"]+)"/.exec(refused.headers.get('www-authenticate'))[1];
    const where = `${url.origin}/.well-known/oauth-protected-resource${url.pathname}`;
    equal(metadata, where, 'where the resource describes itself');
    const asked = await oauth.resourceDiscoveryRequest(url, clear);
    const resource = await oauth.processResourceDiscoveryResponse(url, asked);
    equal(resource.authorization_servers, [url.origin], 'authorization servers');
    const issuer = new URL(resource.authorization_servers[0]);
    for (const algorithm of ['oauth2', 'oidc']) {
        const answer = await oauth.discoveryRequest(issuer, { algorithm, ...clear });
        server = await oauth.processDiscoveryResponse(issuer, answer);
    }
    return Object.keys(server);
});

async function register(metadata) {
    const wanted = { redirect_uris: [redirect_uri], client_name: 'strict', ...metadata };
    const answer = await oauth.dynamicClientRegistrationRequest(server, wanted, clear);
    return oauth.processDynamicClientRegistrationResponse(answer);
}

/** The whole way from /authorize to tokens, as oauth4webapi goes it. */
async function authorize(client, authentication, scope) {
    const verifier = oauth.generateRandomCodeVerifier();
    const state = oauth.generateRandomState();
    const start = new URL(server.authorization_endpoint);
    start.search = new URLSearchParams({
        client_id: client.client_id,
        redirect_uri,
        response_type: 'code',
        code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
        state,
        resource: url.href,
        scope
    });
    const back = oauth.validateAuthResponse(server, client, await allow(start.href, redirect_uri), state);
    const redeem = verifier =>
        oauth.authorizationCodeGrantRequest(server, client, authentication, back, redirect_uri, verifier, {
            ...clear,
            additionalParameters: { resource: url.href }
        });
    const process = async asked => oauth.processAuthorizationCodeResponse(server, client, await asked);
    // A failed attempt uses nothing up.
    const wrong = await process(redeem(oauth.generateRandomCodeVerifier())).catch(error => error.error);
    equal(wrong, 'invalid_grant', 'with another verifier');
    return process(redeem(verifier));
}

async function refresh(client, authentication, token, parameters) {
    const answer = await oauth.refreshTokenGrantRequest(server, client, authentication, token, {
        ...clear,
        additionalParameters: parameters
    });
    return oauth.processRefreshTokenResponse(server, client, answer);
}

async function revoke(client, authentication, token) {
    const answer = await oauth.revocationRequest(server, client, authentication, token, clear);
    await oauth.processRevocationResponse(answer);
}

const pair = await oauth.generateKeyPair('ES256');
const jwk = await crypto.subtle.exportKey('jwk', pair.publicKey);
const WAYS = {
    none: [() => oauth.None(), {}],
    client_secret_basic: [secret => oauth.ClientSecretBasic(secret), {}],
    client_secret_post: [secret => oauth.ClientSecretPost(secret), {}],
    private_key_jwt: [
        () => oauth.PrivateKeyJwt({ key: pair.privateKey, kid: 'one' }),
        { jwks: { keys: [{ kty: jwk.kty, crv: jwk.crv, x: jwk.x, y: jwk.y, kid: 'one', alg: 'ES256', use: 'sig' }] } }
    ]
};

for (const [method, [prove, more]] of Object.entries(WAYS)) {
    await check(method, async () => {
        assert(server.token_endpoint_auth_methods_supported.includes(method), 'not advertised');
        const grant_types = ['authorization_code', 'refresh_token'];
        const client = await register({ token_endpoint_auth_method: method, grant_types, ...more });
        equal(client.token_endpoint_auth_method, method, 'method');
        const authentication = prove(client.client_secret);
        let tokens = await authorize(client, authentication, 'mcp:read offline_access');
        equal(tokens.scope.split(' ').sort(), ['mcp:read', 'offline_access'], 'scope');
        equal((await send(tokens.access_token, request('tools/list'))).status, 200, 'tools/list');
        // Step-up: the challenge says what else the call needs.
        const { status, scope, error } = await challenges(send(tokens.access_token));
        equal([status, error], [403, 'insufficient_scope'], 'challenge');
        tokens = await authorize(client, authentication, `${scope} offline_access`);
        equal((await send(tokens.access_token)).status, 200, 'after step-up');

        const elsewhere = `${url.href}-elsewhere`;
        const foreign = refresh(client, authentication, tokens.refresh_token, { resource: elsewhere });
        equal(await foreign.catch(error => error.error), 'invalid_target', 'another resource');
        const newer = await refresh(client, authentication, tokens.refresh_token, { resource: url.href });
        assert(newer.refresh_token && newer.refresh_token !== tokens.refresh_token, 'no rotation');
        equal((await send(newer.access_token)).status, 200, 'after the refresh');

        await revoke(client, authentication, newer.access_token);
        equal((await challenges(send(newer.access_token))).error, 'invalid_token', 'a revoked access token');
        const last = await refresh(client, authentication, newer.refresh_token);
        await revoke(client, authentication, last.refresh_token);
        equal((await challenges(send(last.access_token))).error, 'invalid_token', 'of a revoked grant');
        const dead = refresh(client, authentication, last.refresh_token);
        equal(await dead.catch(error => error.error), 'invalid_grant', 'a revoked refresh token');
    });
}

// A client without a person, which the operator wrote down.
await check('client_credentials', async () => {
    const client = { client_id: own };
    const asked = { resource: url.href, scope: 'mcp:call' };
    const authentication = oauth.ClientSecretBasic(secret);
    const answer = await oauth.clientCredentialsGrantRequest(server, client, authentication, asked, clear);
    const tokens = await oauth.processClientCredentialsResponse(server, client, answer);
    equal([tokens.scope, tokens.refresh_token], ['mcp:call', undefined], 'tokens');
    equal((await send(tokens.access_token)).status, 200, 'tools/call');
});

await check('openid-client', async () => {
    const options = { execute: [openid.allowInsecureRequests], algorithm: 'oauth2' };
    const wanted = { redirect_uris: [redirect_uri], client_name: 'openid-client', token_endpoint_auth_method: 'none' };
    const config = await openid.dynamicClientRegistration(new URL(server.issuer), wanted, openid.None(), options);
    const verifier = openid.randomPKCECodeVerifier();
    const state = openid.randomState();
    const start = openid.buildAuthorizationUrl(config, {
        redirect_uri,
        code_challenge: await openid.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
        state,
        resource: url.href,
        scope: 'mcp:read mcp:call'
    });
    const back = new URL(`${redirect_uri}?${await allow(start.href, redirect_uri)}`);
    const checks = { pkceCodeVerifier: verifier, expectedState: state };
    const tokens = await openid.authorizationCodeGrant(config, back, checks, { resource: url.href });
    equal(tokens.refresh_token, undefined, 'a refresh token that nobody asked for');
    const { method, headers, body } = calling;
    const answer = await openid.fetchProtectedResource(
        config,
        tokens.access_token,
        url,
        method,
        body,
        new Headers(headers)
    );
    equal(answer.status, 200, 'status');
    await openid.tokenRevocation(config, tokens.access_token);
    equal((await challenges(send(tokens.access_token))).status, 401, 'after revocation');
});
finish();
