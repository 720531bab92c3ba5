// Sign-in providers on an independent implementation, one for each name:  node oidc_provider.mjs NAME...
//
// It prints where they are, as JSON. Each knows the same people; whoever registers there is `doorward`, with SECRET.
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const SECRET = 'a secret that is long enough for everybody';
const PEOPLE = {
    ada: { name: 'Ada', email: 'ada@example.org', email_verified: true, groups: ['engineering'] },
    bob: { name: 'Bob', email: 'bob@example.com', email_verified: true, groups: [] },
    // Anybody can say so.
    dan: { name: 'Dan', email: 'dan@example.com', email_verified: false, groups: [] }
};

const configuration = {
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'], groups: ['groups'] },
    // As the large providers do it, everything is in the ID token.
    conformIdTokenClaims: false,
    cookies: { keys: ['only for tests'] },
    features: {
        devInteractions: { enabled: true },
        registration: { enabled: true, idFactory: () => 'doorward', secretFactory: () => SECRET }
    },
    findAccount: (_, id) => PEOPLE[id] && { accountId: id, claims: () => ({ sub: id, ...PEOPLE[id] }) },
    pkce: { required: () => true },
    ttl: { Session: 600, Interaction: 600, Grant: 600, AccessToken: 60, IdToken: 60 }
};

async function start() {
    const server = createServer();
    await new Promise(resolve => server.listen(0, '127.0.0.1', resolve));
    const issuer = `http://127.0.0.1:${server.address().port}`;
    server.on('request', new Provider(issuer, configuration).callback());
    return issuer;
}

const issuers = {};
for (const name of process.argv.slice(2)) issuers[name] = await start();
console.log(JSON.stringify({ issuers, secret: SECRET }));
