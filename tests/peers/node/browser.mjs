// A browser without a window:  node browser.mjs URL
//
// It keeps cookies, follows redirects, fills in what a page asks for, and brings the answer to the client that waits on
// loopback (at the discard port nobody does, and it ends before). It stands in for a person whose name and password are in DOORWARD_PERSON, `name:password`; DOORWARD_PROVIDER is
// the sign-in provider that they choose. What it saw is written to DOORWARD_JOURNAL, a line of JSON for each answer.
import { appendFileSync, realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const STEPS = 30;

const plain = text =>
    text
        .replaceAll('&lt;', '<')
        .replaceAll('&gt;', '>')
        .replaceAll(/&(quot|#34|#x22);/g, '"')
        .replaceAll(/&(apos|#39|#x27);/g, "'")
        .replaceAll('&amp;', '&');

const attribute = (tag, name) => {
    const found = new RegExp(`\\s${name}="([^"]*)"`).exec(tag);
    return found && plain(found[1]);
};

/** The forms of a page: where each leads, what its hidden fields hold, and its other fields and buttons by name. */
function forms(html) {
    return [...html.matchAll(/<form[^>]*>.*?<\/form>/gs)].map(([form]) => {
        const hidden = {};
        const asks = new Set();
        for (const [tag] of form.matchAll(/<(?:input|button)[^>]*>/g)) {
            const name = attribute(tag, 'name');
            if (!name) continue;
            if (attribute(tag, 'type') === 'hidden') hidden[name] = attribute(tag, 'value') ?? '';
            else asks.add(name);
        }
        return { action: attribute(form, 'action') ?? '', hidden, asks };
    });
}

export class Browser {
    #jar = new Map();

    constructor({ person = process.env.DOORWARD_PERSON, provider = process.env.DOORWARD_PROVIDER } = {}) {
        [this.name, this.password] = (person ?? '').split(/:(.*)/s);
        this.provider = provider;
    }

    /** One request, no redirects followed. */
    async request(url, form) {
        const { origin } = new URL(url);
        const jar = this.#jar.get(origin) ?? new Map();
        this.#jar.set(origin, jar);
        const headers = { accept: 'text/html', 'sec-fetch-mode': 'navigate' };
        if (jar.size > 0) headers.cookie = [...jar].map(pair => pair.join('=')).join('; ');
        // Pages that send no referrer send no origin either.
        if (form) headers.origin = 'null';
        const body = form && new URLSearchParams(form);
        const answer = await fetch(url, { method: form ? 'POST' : 'GET', headers, body, redirect: 'manual' });
        for (const line of answer.headers.getSetCookie()) {
            const [pair, ...rest] = line.split(';');
            const [name, value] = pair.split(/=(.*)/s);
            if (/max-age=0|expires=thu, 01 jan 1970/i.test(rest.join())) jar.delete(name);
            else jar.set(name, value);
        }
        const text = await answer.text();
        const heading = /<h1[^>]*>(.*?)<\/h1>/s.exec(text)?.[1].replaceAll(/<[^>]*>/g, '').trim();
        const seen = { method: form ? 'POST' : 'GET', url, status: answer.status, heading: heading && plain(heading) };
        if (process.env.DOORWARD_JOURNAL) appendFileSync(process.env.DOORWARD_JOURNAL, `${JSON.stringify(seen)}\n`);
        return { ...seen, headers: answer.headers, text };
    }

    /** Goes on until nothing is left to fill in, or until `stop` says that this address is not to be opened. */
    async open(start, { stop = () => false } = {}) {
        let [url, form] = [String(start), undefined];
        for (let step = 0; step < STEPS; step += 1) {
            if (!form && (stop(url) || new URL(url).port === '9')) return { url };
            const page = await this.request(url, form);
            const location = page.headers.get('location');
            if (location) {
                [url, form] = [new URL(location, url).href, undefined];
                continue;
            }
            const next = page.status === 200 && this.#next(forms(page.text));
            if (!next) return page;
            [url, form] = [new URL(next.action, url).href, next.fields];
        }
        throw new Error(`no end in ${STEPS} steps, now at ${url}`);
    }

    /** Opens a page, and sends the form of it that leads to `action`. */
    async press(url, action) {
        const page = await this.open(url);
        const form = forms(page.text).find(form => form.action === action);
        if (!form) throw new Error(`no form for ${action} at ${page.url}: ${page.heading}`);
        return await this.request(new URL(action, page.url).href, form.hidden);
    }

    /** The form to send, and with what. */
    #next(found) {
        const chosen = this.provider && found.find(({ action }) => action === `/sign-in/${this.provider}`);
        if (chosen) return { action: chosen.action, fields: chosen.hidden };
        const form = found.find(({ asks, action }) => asks.has('password') || asks.has('decision') || /interaction|^\/connect\//.test(action));
        if (!form) return undefined;
        const fields = { ...form.hidden };
        for (const name of ['username', 'login']) if (form.asks.has(name)) fields[name] = this.name;
        for (const name of ['password', 'password_again']) if (form.asks.has(name)) fields[name] = this.password;
        if (form.asks.has('decision')) fields.decision = 'approve';
        return { action: form.action, fields };
    }
}

/** What a client gets back that is not listening itself: the address that it would have been called at. */
export async function allow(url, redirectUri, browser = new Browser()) {
    const { url: end, heading } = await browser.open(url, { stop: url => url.startsWith(`${redirectUri}?`) });
    if (!end.startsWith(redirectUri)) throw new Error(`the way ended at ${end}: ${heading}`);
    return new URL(end).searchParams;
}

if (process.argv[1] && realpathSync(process.argv[1]) === realpathSync(fileURLToPath(import.meta.url))) {
    const [start, redirectUri] = process.argv.slice(2);
    if (redirectUri) console.log(String(await allow(start, redirectUri)));
    else console.log(JSON.stringify(await new Browser().open(start)));
}
