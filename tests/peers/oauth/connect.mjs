// In the middle of a call, a person in Chromium connects their account at a third party:
//
//     node connect.mjs v1|v2 RESOURCE CONTROL DIRECTORY TOKEN OTHERS-TOKEN
//
// The client is an official SDK with a token of the person's; `OTHERS-TOKEN` is that of DOORWARD_OTHER. Pictures go to
// DIRECTORY.
import { Caller } from '../../node/peers/caller.mjs';
import { assert, check, equal, finish } from '../../node/peers/report.mjs';
import { Person, launch } from './person.mjs';

const [sdk, resource, control, directory, token, othersToken] = process.argv.slice(2);
const { origin } = new URL(resource);
const link = `${origin}/connect/theirs`;
const TOOL = 'whoami';

const browser = await launch();
async function somebody(way, person) {
    const context = await browser.newContext({ viewport: { width: 1100, height: 800 } });
    context.setDefaultTimeout(20_000);
    return new Person(await context.newPage(), { way: `${way}-${sdk}`, origin, directory, person });
}
const [ada, bob] = [await somebody('connect', process.env.DOORWARD_PERSON), await somebody('other', process.env.DOORWARD_OTHER)];
const counts = async () => (await (await fetch(control)).json()).counts;
const text = result => result.content.map(part => part.text).join();

/** The whole way of somebody who was sent here for the first time. */
async function connects(person, url) {
    await person.go(url);
    await person.sees('Sign in', 'sign-in');
    await person.signsIn();
    await person.sees('Connect your account', 'connect');
    await person.presses('Go there and connect');
    await person.signsInThere();
    await person.page.getByRole('status').waitFor();
    await person.sees('My connections', 'connected');
}

const caller = new Caller(sdk, resource, { token, visits: url => connects(ada, url) });
let said;
await check('sent to connect', async () => {
    await caller.connect();
    said = text(await caller.call(TOOL));
    const [{ how, url }] = caller.links;
    equal([caller.links.length, url.startsWith(link)], [1, true], `links ${url}`);
    equal(how, sdk === 'v2' ? 'elicitation' : 'error', 'how');
});
await check('goes through', async () => {
    equal(said, 'account of ada', 'the answer');
    equal(text(await caller.call(TOOL)), 'account of ada', 'and again');
    equal(caller.links.length, 1, 'links');
});
await check('somebody else', async () => {
    const other = new Caller(sdk, resource, { token: othersToken, visits: () => false });
    await other.connect();
    const refused = await other.call(TOOL).then(text, error => error.message);
    assert(!refused.includes('ada'), refused);
    assert(other.links.length > 0, 'they are sent to connect too');
    // The link that Ada got leads Bob to his own connection, and shows nothing of hers.
    await bob.go(caller.links[0].url);
    await bob.sees('Sign in', 'sign-in');
    await bob.signsIn();
    await bob.sees('Connect your account', 'connect');
    await bob.go(`${origin}/console/connections`);
    await bob.sees('My connections', 'connections');
    const shown = await bob.page.locator('main').innerText();
    assert(!/\bada\b/i.test(shown), shown);
    equal(await bob.page.getByRole('button', { name: 'Disconnect' }).count(), 0, 'nothing that Bob could end');
});
await check('disconnect', async () => {
    const before = await counts();
    await ada.go(`${origin}/console/connections`);
    await ada.sees('My connections', 'connections');
    await ada.presses('Disconnect');
    await ada.page.getByRole('status').waitFor();
    await ada.sees('My connections', 'disconnected');
    assert((await counts()).revocations > before.revocations, 'what ends here ends there');
});
await check('refused', async () => {
    const before = (await counts()).calls;
    caller.visits = () => false;
    const refused = await caller.call(TOOL).then(text, error => error.message);
    assert(!refused.includes('account of ada'), refused);
    assert(caller.links.length >= 2 && caller.links.at(-1).url.startsWith(link), JSON.stringify(caller.links));
    equal((await counts()).calls, before, 'nothing reached the third party');
});
await check('no complaints', async () => equal([...ada.complaints, ...bob.complaints], [], 'the browser says'));
await browser.close();
finish();
