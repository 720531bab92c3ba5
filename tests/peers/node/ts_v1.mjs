// The TypeScript SDK v1: revision 2025-11-25, sessions.  node ts_v1.mjs URL [TOKEN]
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
    CreateMessageRequestSchema,
    ElicitRequestSchema,
    ListRootsRequestSchema
} from '@modelcontextprotocol/sdk/types.js';
import { describe, finish, print } from './report.mjs';
import { run } from './suite.mjs';
import { elicited, roots, sampled } from './answers.mjs';

const [url, token] = process.argv.slice(2);

async function connect() {
    const capabilities = { elicitation: { form: {} }, sampling: {}, roots: {} };
    const client = new Client({ name: 'ts-v1', version: '1.0.0' }, { capabilities });
    client.setRequestHandler(ElicitRequestSchema, elicited);
    client.setRequestHandler(CreateMessageRequestSchema, sampled);
    client.setRequestHandler(ListRootsRequestSchema, roots);
    const listeners = new Map();
    client.fallbackNotificationHandler = async message => listeners.get(message.method)?.(message);
    const headers = token ? { authorization: `Bearer ${token}` } : {};
    const transport = new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } });
    await client.connect(transport);
    return { client, transport, listeners };
}

function peer({ client, transport, listeners }) {
    const watch = async ({ resourceSubscriptions = [] }) => {
        for (const uri of resourceSubscriptions) await client.subscribeResource({ uri });
        return async () => {
            for (const uri of resourceSubscriptions) await client.unsubscribeResource({ uri });
        };
    };
    return {
        modern: false,
        version: transport.protocolVersion,
        tools: () => client.listTools(),
        resources: () => client.listResources(),
        templates: () => client.listResourceTemplates(),
        prompts: () => client.listPrompts(),
        call: (name, args, { onprogress, signal } = {}) =>
            client.callTool({ name, arguments: args }, undefined, { onprogress, signal }),
        read: uri => client.readResource({ uri }),
        prompt: (name, args) => client.getPrompt({ name, arguments: args }),
        complete: (ref, argument, context) => client.complete({ ref, argument, context }),
        watch,
        on: (method, listener) => listeners.set(method, listener),
        level: level => client.setLoggingLevel(level),
        ping: () => client.ping(),
        end: transport.sessionId && (() => transport.terminateSession())
    };
}

try {
    await run(peer(await connect()), process.env.PEER_HIDDEN);
} catch (error) {
    print('connect', false, describe(error));
}
finish();
