// A client on either SDK, in the hands of somebody who goes where it sends them: to let it in, and, by elicitation in URL
// mode, by −32042 or by a link in the text, to connect an account of theirs.
import { Provider, REDIRECT, load } from './provider.mjs';

/** So many links are followed for one call, more than any server should give. */
const LINKS = 5;

const clientInfo = { version: '1.0.0' };
/** What it declares: v2 speaks 2026-07-28 to whoever does, v1 speaks 2025-11-25. */
const CAPABILITIES = { elicitation: { form: { applyDefaults: true }, url: {} } };

export class Caller {
    /** Where the person was sent in the course of calls, and how. */
    links = [];
    /** What a form of a server is answered with. */
    answer = async () => ({ action: 'accept', content: {} });

    /**
     * `allows` brings the answer to an authorization request, as parameters; a client with a `token` needs none. `visits`
     * opens a link for the person, and says `false` when they do not want to.
     */
    constructor(sdk, url, { allows, visits, token, capabilities = CAPABILITIES }) {
        Object.assign(this, { sdk, url, allows, visits, capabilities, provider: new Provider(`caller-${sdk}`) });
        const headers = { authorization: `Bearer ${token}` };
        this.transport = token ? { requestInit: { headers } } : { authProvider: this.provider };
    }

    /** Begins, and has itself let in where that is asked for. */
    async connect() {
        const first = await this.#open();
        if (!first.refused) return this;
        if (this.provider.redirects.length === 0) throw first.refused;
        const answer = await this.allows(this.provider.redirects.at(-1), REDIRECT);
        await first.transport.finishAuth(this.sdk === 'v2' ? answer : answer.get('code'));
        const { refused } = await this.#open();
        if (refused) throw refused;
        return this;
    }

    async #open() {
        const library = await load(this.sdk);
        const options = { capabilities: this.capabilities, versionNegotiation: { mode: 'auto' } };
        this.client = new library.Client({ ...clientInfo, name: `caller-${this.sdk}` }, options);
        const asked = this.sdk === 'v2' ? 'elicitation/create' : library.ElicitRequestSchema;
        this.client.setRequestHandler(asked, ({ params }) => this.#elicited(params));
        const transport = new library.StreamableHTTPClientTransport(new URL(this.url), this.transport);
        const connected = this.client.connect(transport);
        return { transport, refused: await connected.then(() => undefined, error => error) };
    }

    /** Calls a tool, and again after each link that was followed, in a new session where the old one has ended. */
    async call(name, args = {}) {
        return await this.#led(() => this.client.callTool({ name, arguments: args }));
    }

    async tools() {
        return (await this.#led(() => this.client.listTools())).tools;
    }

    async #led(request) {
        for (let round = 0; ; round += 1) {
            const result = await request().catch(error => ({ error }));
            // What a client has to do then, and the SDKs leave to whoever uses them.
            if (result.error?.code === 404 && round < LINKS) {
                await this.connect();
                continue;
            }
            const link = this.#links(result);
            if (!link || round === LINKS || !(await this.#follow(...link))) {
                if (result.error) throw result.error;
                return result;
            }
        }
    }

    /** How this answer leads on, and where to. */
    #links({ error, content, isError }) {
        if (error?.code === -32042) return ['error', error.data.elicitations.map(({ url }) => url)];
        const text = isError ? JSON.stringify(content) : '';
        const found = text.match(/https?:\/\/[^\s"\\)]*\/connect\/[^\s"\\)]*/g);
        return found && ['text', found];
    }

    async #follow(how, urls) {
        let went = true;
        for (const url of urls) {
            this.links.push({ how, url });
            went = (await this.visits(url)) !== false && went;
        }
        return went;
    }

    async #elicited(params) {
        if (params.mode !== 'url') return await this.answer(params);
        return { action: (await this.#follow('elicitation', [params.url])) ? 'accept' : 'decline' };
    }
}
