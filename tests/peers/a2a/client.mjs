// The client of the JavaScript SDK of A2A 1.0 at an agent, over one binding: what `visits.py` tries, in this SDK's words.
// With `--v03` it takes only the interfaces of 0.3, which it speaks by its layer of compatibility.
//
// client.mjs BASE BINDING [--token TOKEN] [--signed] [--v03] [--skip a,b]

import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';
import * as a2a from '@a2a-js/sdk';
import { ClientFactory, DefaultAgentCardResolver, JsonRpcTransportFactory, RestTransportFactory } from '@a2a-js/sdk/client';
import { GrpcTransportFactory } from '@a2a-js/sdk/client/grpc';
import { assert, check, equal, finish } from '../../node/peers/report.mjs';

const { positionals, values: asked } = parseArgs({
    allowPositionals: true,
    options: {
        token: { type: 'string', default: '' },
        signed: { type: 'boolean', default: false },
        v03: { type: 'boolean', default: false },
        skip: { type: 'string', default: '' },
    },
});
const [base, binding] = positionals;
const CHUNKS = 100;
const legacyCompat = { enabled: asked.v03 };
const skipped = asked.skip.split(',');
const fresh = prefix => `${prefix}-${randomUUID()}`;

// --- plain values

const word = state => state.replace('TASK_STATE_', '').toLowerCase().replaceAll('_', '-');
const content = artifact => {
    const parts = artifact.parts.map(part => part.data ?? part.text);
    return parts.length === 1 ? parts[0] : parts.join('');
};

function plainTask(task) {
    const { id, contextId, status, artifacts = [] } = a2a.Task.toJSON(task);
    return { id, context: contextId, state: word(status.state), artifacts: artifacts.map(content) };
}

function plainEvent(event) {
    const { task, statusUpdate, artifactUpdate, message } = a2a.StreamResponse.toJSON(event);
    if (task) return ['task', word(task.status.state)];
    if (statusUpdate) return ['status', word(statusUpdate.status.state)];
    if (artifactUpdate) return ['artifact', artifactUpdate.artifact.artifactId, content(artifactUpdate.artifact)];
    return ['message', message.parts[0].text];
}

async function collect(stream) {
    const events = [];
    for await (const event of stream) events.push(plainEvent(event));
    return events;
}

// --- the peer

const origin = new URL(base).origin;

async function keyOf(kid, jku) {
    if (jku) equal(jku, `${origin}/.well-known/jwks.json`, 'jku');
    const { keys } = await (await fetch(`${origin}/.well-known/jwks.json`)).json();
    return keys.find(key => key.kid === kid);
}

const verify = a2a.verifyAgentCardSignature(keyOf);

const options = asked.token ? { serviceParameters: { Authorization: `Bearer ${asked.token}` } } : {};

/** The card with the interfaces that are to be spoken to, and nothing else. */
async function find() {
    const card = await new DefaultAgentCardResolver({ legacyCompat }).resolve(`${base}/`);
    const wanted = each => each.protocolBinding === binding && each.protocolVersion.startsWith('0.3') === asked.v03;
    const supportedInterfaces = card.supportedInterfaces.filter(wanted);
    return { card, narrowed: { ...card, supportedInterfaces } };
}

async function connect() {
    const { narrowed } = await find();
    const transports = [JsonRpcTransportFactory, RestTransportFactory, GrpcTransportFactory];
    const factory = new ClientFactory({
        transports: transports.map(Factory => new Factory({ legacyCompat })),
        preferredTransports: [binding],
    });
    return factory.createFromAgentCard(narrowed);
}

const client = await connect();

function request(messageId, text, { follows, returns = false } = {}) {
    const ids = follows ? { taskId: follows.id, contextId: follows.context } : {};
    const message = { messageId, role: 'ROLE_USER', parts: [{ text }], ...ids };
    return a2a.SendMessageRequest.fromJSON({ message, configuration: { returnImmediately: returns } });
}

async function send(messageId, text, more) {
    const answer = await client.sendMessage(request(messageId, text, more), options);
    return 'messageId' in answer ? answer : plainTask(answer);
}

const get = async id => plainTask(await client.getTask(a2a.GetTaskRequest.fromJSON({ id }), options));

// --- the checks

const visit = {
    async card() {
        const { card, narrowed } = await find();
        assert(narrowed.supportedInterfaces.length > 0, 'the card does not name it');
        assert(!card.skills.some(skill => skill.id === 'secret'), 'the public card shows what is for known callers');
        // From the document as it came: as an object of this SDK a card loses what its canonical form needs.
        const headers = { 'A2A-Version': '1.0' };
        if (asked.signed) await verify(await (await fetch(`${base}/.well-known/agent-card.json`, { headers })).json());
        return narrowed.supportedInterfaces.map(each => each.url);
    },

    async extended() {
        const card = await client.getAgentCard(options);
        const skills = card.skills.map(skill => skill.id);
        assert(skills.includes('secret'), `the extended card has ${skills}`);
    },

    async send() {
        const task = await send(fresh('own-echo'), 'Grüße 🚪');
        equal([task.state, task.artifacts], ['completed', ['Grüße 🚪']], 'task');
    },

    async message() {
        const answer = a2a.Message.toJSON(await send(fresh('own-message'), 'hello'));
        equal(answer.parts[0].text, 'Direct message response', 'message');
    },

    async stream() {
        const events = await collect(client.sendMessageStream(request(fresh('own-chunks'), 'go'), options));
        equal(events[0][0], 'task', 'the first event');
        const text = events.filter(([kind]) => kind === 'artifact').map(([, , text]) => text).join('');
        equal(text, Array.from({ length: CHUNKS }, (_, number) => `${number} `).join(''), 'chunks');
        equal(events.at(-1), ['status', 'completed'], 'the last event');
        return events.length;
    },

    async get() {
        const sent = await send(fresh('own-echo'), 'kept');
        equal(await get(sent.id), sent, 'task');
    },

    async list() {
        const sent = await send(fresh('own-echo'), 'listed');
        await send(fresh('own-echo'), 'elsewhere');
        const listed = await client.listTasks(a2a.ListTasksRequest.fromJSON({ contextId: sent.context }), options);
        equal(listed.tasks.map(task => task.id), [sent.id], 'tasks of the context');
    },

    async question() {
        const first = await send(fresh('own-input'), 'which?');
        equal(first.state, 'input-required', 'state');
        const task = await send(fresh('answer'), 'that one', { follows: first });
        equal([task.id, task.state, task.artifacts], [first.id, 'completed', ['answered: that one']], 'task');
    },

    async failure() {
        equal((await send(fresh('own-fail'), 'try')).state, 'failed', 'state');
    },

    async cancel() {
        const task = await send(fresh('own-endless'), 'go', { returns: true });
        assert(['submitted', 'working'].includes(task.state), task.state);
        const canceled = await client.cancelTask(a2a.CancelTaskRequest.fromJSON({ id: task.id }), options);
        equal(plainTask(canceled).state, 'canceled', 'state');
    },

    async subscribe() {
        const task = await send(fresh('own-slow'), 'go', { returns: true });
        const wanted = a2a.SubscribeToTaskRequest.fromJSON({ id: task.id });
        const events = await collect(client.resubscribeTask(wanted, options));
        equal(events.at(-1), ['status', 'completed'], 'the last event');
        assert(events.some(([kind]) => kind === 'artifact'), 'no artifact came');
    },

    async push() {
        const hook = await webhook();
        const { id: taskId } = await send(fresh('own-slow'), 'go', { returns: true });
        const id = fresh('hook');
        const authentication = { scheme: 'Bearer', credentials: 'the-secret' };
        const config = { taskId, id, url: hook.url, token: 'the-token', authentication };
        const wanted = a2a.TaskPushNotificationConfig.fromJSON(config);
        const made = await client.createTaskPushNotificationConfig(wanted, options);
        // A gateway keeps secrets to itself.
        equal([made.id, made.url, made.token || 'the-token'], [id, hook.url, 'the-token'], 'webhook');
        const one = a2a.GetTaskPushNotificationConfigRequest.fromJSON({ taskId, id });
        equal((await client.getTaskPushNotificationConfig(one, options)).url, hook.url, 'webhook');
        const all = a2a.ListTaskPushNotificationConfigsRequest.fromJSON({ taskId });
        const ids = async () => (await client.listTaskPushNotificationConfig(all, options)).configs.map(each => each.id);
        const lists = !skipped.includes('listing');
        if (lists) equal(await ids(), [id], 'webhooks');
        await hook.until(body => JSON.stringify(body).toLowerCase().includes('completed'));
        for (const { headers } of hook.deliveries) {
            if (!skipped.includes('token')) equal(headers['x-a2a-notification-token'], 'the-token', 'token');
            if (!skipped.includes('credentials')) equal(headers.authorization, 'Bearer the-secret', 'authorization');
        }
        const gone = a2a.DeleteTaskPushNotificationConfigRequest.fromJSON({ taskId, id });
        await client.deleteTaskPushNotificationConfig(gone, options);
        if (lists) equal(await ids(), [], 'webhooks after the deletion');
        hook.close();
    },

    async missing() {
        try {
            await get('no-such-task');
        } catch (error) {
            // The layer of compatibility has no class for it.
            const wanted = asked.v03 ? /Task\s?NotFound|Task not found/i : /TaskNotFound/;
            const said = `${error.name} ${error.constructor.name}`;
            assert(wanted.test(asked.v03 ? `${said} ${error.message}` : said), `${said}: ${error.message}`);
            return;
        }
        throw new Error('a task that nobody made was found');
    },

    async headers() {
        const [headers] = (await send(fresh('own-headers'), 'show')).artifacts;
        return headers;
    },

    async refused() {
        try {
            await client.getTask(a2a.GetTaskRequest.fromJSON({ id: 'any' }));
        } catch (error) {
            assert(/401|UNAUTHENTICATED|Unauthorized|authentication|error for getTask: 16/i.test(`${error.message} ${error.code}`), error.message);
            return;
        }
        throw new Error('it goes without a token too');
    },
};

/** Takes notifications on a port of its own. */
async function webhook() {
    const deliveries = [];
    let wake = () => {};
    const server = createServer(async (incoming, outgoing) => {
        let body = '';
        for await (const chunk of incoming) body += chunk;
        deliveries.push({ headers: incoming.headers, body: JSON.parse(body) });
        outgoing.writeHead(204).end();
        wake();
    });
    await new Promise(resolve => server.listen(0, '127.0.0.1', resolve));
    return {
        deliveries,
        url: `http://127.0.0.1:${server.address().port}/hook`,
        close: () => server.close(),
        async until(found) {
            while (!deliveries.some(({ body }) => found(body))) {
                await new Promise(resolve => {
                    wake = resolve;
                });
            }
        },
    };
}

if (!asked.token) skipped.push('refused');
if (asked.v03) skipped.push('list');
for (const [name, body] of Object.entries(visit)) {
    if (!skipped.includes(name)) await check(name, body);
}
finish();
