// The pages for people in a real browser, with the keyboard alone:
//
//     node pages.mjs FIRST-LINK RESOURCE CLOSED-RESOURCE DIRECTORY
//
// Twice: wide and light as most people have it; and 320 pixels wide, dark, without JavaScript, where names are as long as a
// client may make them. Pictures of all pages go to DIRECTORY. Nothing may stick out of the window, what has the focus must
// be seen to have it, and the browser must have nothing to complain about.
import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { assert, check, equal, finish } from '../../node/peers/report.mjs';
import { Person, launch } from './person.mjs';

const [firstLink, resource, closed, directory] = process.argv.slice(2);
const { origin } = new URL(resource);

/** The client that waits on loopback for its answer. */
const answers = [];
const client = createServer((request, response) => {
    const url = new URL(request.url, 'http://client');
    if (url.pathname === '/callback') answers.push(Object.fromEntries(url.searchParams));
    response.writeHead(200, { 'content-type': 'text/html' }).end('<link rel="icon" href="data:,"><h1>Back</h1>');
});
await new Promise(resolve => client.listen(0, '127.0.0.1', resolve));
const callback = `http://127.0.0.1:${client.address().port}/callback`;

async function register(client_name, redirect = callback) {
    const body = JSON.stringify({
        client_name,
        redirect_uris: [redirect],
        grant_types: ['authorization_code', 'refresh_token'],
        token_endpoint_auth_method: 'none'
    });
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${origin}/register`, { method: 'POST', headers, body });
    equal(answer.status, 201, 'registration');
    return (await answer.json()).client_id;
}

const verifier = randomBytes(32).toString('base64url');
const authorize = (client_id, more = {}) =>
    `${origin}/authorize?${new URLSearchParams({
        response_type: 'code',
        client_id,
        redirect_uri: callback,
        state: 'as-it-was',
        code_challenge: createHash('sha256').update(verifier).digest('base64url'),
        code_challenge_method: 'S256',
        resource,
        ...more
    })}`;

const WAYS = [
    {
        way: 'wide',
        calls: 'Design assistant',
        context: { viewport: { width: 1100, height: 800 }, colorScheme: 'light' }
    },
    {
        way: 'narrow',
        calls: `Assistant ${'W'.repeat(110)}`,
        context: { viewport: { width: 320, height: 640 }, colorScheme: 'dark', javaScriptEnabled: false }
    }
];

/** What the client got. */
async function isBack(person) {
    await person.page.getByRole('heading', { level: 1, name: 'Back' }).waitFor();
    const answer = answers.pop();
    equal([answer.state, answer.iss], ['as-it-was', origin], 'the answer');
    return answer;
}

async function signedOutAndIn(person, client_id) {
    await person.go(authorize(client_id));
    await person.sees('Sign in', 'sign-in');
    await person.types('username', person.name);
    await person.types('password', 'another word');
    await person.page.keyboard.press('Enter');
    await person.page.getByRole('alert').waitFor();
    await person.sees('Sign in', 'sign-in-wrong');
    await person.signsIn();
    await person.sees('Allow access to team?', 'consent');
    await person.presses('Not you?');
    await person.sees('Sign in', 'sign-in-as-somebody-else');
    await person.signsIn();
}

async function decides(person, client_id) {
    await person.sees('Allow access to team?', 'consent-again');
    await person.presses('Don’t allow');
    equal((await isBack(person)).error, 'access_denied', 'no');
    await person.go(authorize(client_id));
    await person.sees('Allow access to team?', 'consent-once-more');
    await person.presses('Allow');
    const { code } = await isBack(person);
    const form = { grant_type: 'authorization_code', code, client_id, redirect_uri: callback, code_verifier: verifier };
    const answer = await fetch(`${origin}/token`, { method: 'POST', body: new URLSearchParams(form) });
    equal(answer.status, 200, 'token');
    return (await answer.json()).access_token;
}

async function opens(token) {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const clientInfo = { name: 'pages', version: '1.0.0' };
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo };
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params });
    const answer = await fetch(resource, { method: 'POST', headers, body });
    await answer.body.cancel();
    return answer.status;
}

async function revokes(person, token) {
    equal(await opens(token), 200, 'before');
    await person.go(`${origin}/console/access`);
    await person.sees('My access', 'access');
    await person.presses('Revoke');
    await person.page.getByRole('status').waitFor();
    await person.sees('My access', 'access-revoked');
    equal(await opens(token), 401, 'after');
}

async function isToldNo(person, client_id, far) {
    await person.go(authorize(client_id, { resource: closed }));
    await person.sees('You have no access to closed', 'no-access');
    await person.go(authorize(client_id, { redirect_uri: 'http://127.0.0.1/elsewhere' }));
    await person.sees('This request cannot be answered', 'error');
    await person.go(authorize(far, { redirect_uri: 'https://client.example.com/callback', response_type: 'token' }));
    await person.sees('The sign-in cannot go on', 'return');
    await person.go(`${origin}/console/access`);
    await person.presses('Sign out');
    await person.sees('You are signed out', 'signed-out');
}

/** By way of the provider, whose pages are its own; what comes after the form is held against our policy too. */
async function comesByProvider(person, client_id) {
    await person.go(authorize(client_id));
    await person.presses('Continue with corp');
    await person.signsInThere('ada');
    await person.sees('Allow access to team?', 'consent-by-provider');
    await person.presses('Allow');
    assert((await isBack(person)).code, 'no code');
}

const browser = await launch();
const people = await Promise.all(
    WAYS.map(async kind => {
        const context = await browser.newContext(kind.context);
        context.setDefaultTimeout(20_000);
        const dark = kind.context.colorScheme === 'dark';
        return [kind, new Person(await context.newPage(), { way: kind.way, dark, origin, directory })];
    })
);
await check('first administrator', async () => {
    for (const [, person] of people) {
        await person.go(firstLink);
        await person.sees('The first administrator', 'first-administrator');
    }
    const [, person] = people[0];
    await person.types('username', person.name);
    await person.types('password', person.password);
    await person.types('password_again', person.password);
    await person.page.keyboard.press('Enter');
    await person.sees('My access', 'access-empty');
    await person.presses('Sign out');
    await person.sees('You are signed out', 'signed-out');
});
for (const [{ way, calls }, person] of people) {
    const client_id = await register(calls);
    const far = await register(calls, 'https://client.example.com/callback');
    let token;
    await check(`${way}: sign in`, () => signedOutAndIn(person, client_id));
    await check(`${way}: decide`, async () => void (token = await decides(person, client_id)));
    await check(`${way}: my access`, () => revokes(person, token));
    await check(`${way}: told no`, () => isToldNo(person, client_id, far));
    await check(`${way}: by provider`, () => comesByProvider(person, client_id));
    await check(`${way}: no complaints`, async () => equal(person.complaints, [], 'the browser says'));
}
await browser.close();
finish();
