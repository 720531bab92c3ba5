// A proxy before Doorward, as far as this process goes: what is published at DOORWARD_PUBLIC is found at DOORWARD_ADDRESS.
import { request as send } from 'node:http';
import { Readable } from 'node:stream';

const { fetch: direct } = globalThis;
const NO_BODY = [204, 205, 304];

/** As `fetch`, which lets nobody name another host than that of the address. */
async function through(address, request) {
    const { host, pathname, search } = new URL(request.url);
    const headers = { ...Object.fromEntries(request.headers), host };
    const body = Buffer.from(await request.arrayBuffer());
    const { method, signal } = request;
    return await new Promise((resolve, reject) => {
        const asked = send(address + pathname + search, { method, headers, signal }, answer => {
            const { statusCode: status, rawHeaders: raw } = answer;
            const said = new Headers();
            for (let at = 0; at < raw.length; at += 2) said.append(raw[at], raw[at + 1]);
            resolve(new Response(NO_BODY.includes(status) ? null : Readable.toWeb(answer), { status, headers: said }));
        });
        asked.on('error', reject).end(body);
    });
}

/** A `fetch` that finds there what is published here. */
export const finding = (published, address) => async (input, init) => {
    const { origin } = new URL(input.url ?? input);
    return origin === published ? await through(address, new Request(input, init)) : await direct(input, init);
};

/** Every `fetch` of this process finds it from now on. */
export function publish(published, address) {
    globalThis.fetch = finding(published, address);
}

const { DOORWARD_PUBLIC, DOORWARD_ADDRESS } = process.env;
if (DOORWARD_PUBLIC && DOORWARD_ADDRESS) publish(DOORWARD_PUBLIC, DOORWARD_ADDRESS);
