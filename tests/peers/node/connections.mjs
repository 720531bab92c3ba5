// Somebody's own account at an upstream, in use:
//
//     node connections.mjs v1|v2 URL TOOL [CONTROL]
//
// `CONTROL` is that of `third_party.mjs`: with it renewals are counted where they are made, and there is a second person, in
// DOORWARD_OTHER as in DOORWARD_PERSON.
import { Browser, allow } from './browser.mjs';
import { Caller } from './caller.mjs';
import './published.mjs';
import { assert, check, equal, finish } from './report.mjs';

const [sdk, url, tool, control] = process.argv.slice(2);
const { origin, pathname } = new URL(url);
const upstream = pathname.split('/').at(-1);
const link = `${origin}/connect/${upstream}`;
const AT_ONCE = 200;
const args = tool === 'greet' ? { name: 'Ada' } : {};

const text = result => result.content.map(part => part.text).join();
const at = async path => await (await fetch(`${control}${path}`)).json();

/** A caller, and the browser of whoever uses it. */
function somebody(person) {
    const browser = new Browser({ person });
    const caller = new Caller(sdk, url, {
        allows: (url, redirect) => allow(url, redirect, browser),
        visits: url => browser.open(url)
    });
    return { browser, caller };
}

const { browser, caller } = somebody(process.env.DOORWARD_PERSON);

await check('connect', async () => {
    await caller.connect();
    const { tools } = await caller.client.listTools();
    assert(
        tools.some(({ name }) => name === tool),
        'the tool is not there'
    );
});
await check('call', async () => {
    const said = text(await caller.call(tool, args));
    equal(caller.links, [], 'the account was connected right after consent');
    return said;
});
// Of a server whose tokens live for seconds.
const renewals = said => Number(/renewed (\d+)/.exec(said)?.[1]);
if (!control && tool === 'whoami') {
    await check('renewed', async () => {
        for (;;) {
            const said = text(await caller.call(tool));
            if (renewals(said) > 0) return said;
            await new Promise(resolve => setTimeout(resolve, 100));
        }
    });
}
if (control) {
    await check('renewed', async () => {
        const { counts: before } = await at('/expire');
        const said = text(await caller.call(tool));
        const { counts: after } = await at('/');
        equal([after.refreshes - before.refreshes, after.reuses, after.codes], [1, 0, 1], 'renewals');
        return said;
    });
    await check('renewed once for all', async () => {
        const { counts: before } = await at('/expire');
        const calls = Array.from({ length: AT_ONCE }, () => caller.call(tool).then(text));
        const said = new Set(await Promise.all(calls));
        const { counts: after } = await at('/');
        equal([after.refreshes - before.refreshes, after.reuses], [1, 0], 'renewals');
        equal(caller.links, [], 'nobody was sent anywhere');
        return [...said];
    });
    await check('somebody else', async () => {
        const other = somebody(process.env.DOORWARD_OTHER);
        await other.caller.connect();
        const said = text(await other.caller.call(tool));
        const { counts } = await at('/');
        equal(counts.codes, 2, 'each has an account of their own');
        const page = await other.browser.press(`${origin}/console/connections`, '/console/connections/disconnect');
        assert(page.status < 400, `disconnecting: ${page.status}`);
        return said;
    });
    await check('untouched', async () => text(await caller.call(tool)));
}
await check('disconnect', async () => {
    const page = await browser.press(`${origin}/console/connections`, '/console/connections/disconnect');
    assert(page.status < 400, `${page.status} ${page.heading}`);
    if (!control) return;
    const { counts } = await at('/');
    assert(counts.revocations >= 2, `revoked there: ${JSON.stringify(counts)}`);
});
await check('led back', async () => {
    const said = text(await caller.call(tool, args));
    equal(caller.links.length, 1, 'links');
    const [{ how, url }] = caller.links;
    assert(url.startsWith(link), url);
    // Each in the way that the revision has for it. Where a server has no sessions, there is nothing that remembers what a
    // client of 2025-11-25 declared: the link is in the text.
    const legacy = control ? 'text' : 'error';
    equal(how, sdk === 'v2' ? 'elicitation' : legacy, 'how it was told');
    return said;
});
finish();
