// The TypeScript SDK v2, in either era.  node ts_v2.mjs URL [TOKEN] [auto|modern|legacy]
import { Client, LOG_LEVEL_META_KEY, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { describe, finish, print } from './report.mjs';
import { run } from './suite.mjs';
import { elicited, roots, sampled } from './answers.mjs';

const [url, token, era = 'auto'] = process.argv.slice(2);
const MODES = { auto: 'auto', modern: { pin: '2026-07-28' }, legacy: 'legacy' };
const NOTIFICATIONS = [
    'notifications/message',
    'notifications/resources/updated',
    'notifications/tools/list_changed',
    'notifications/resources/list_changed',
    'notifications/prompts/list_changed'
];

async function connect() {
    const client = new Client(
        { name: 'ts-v2', version: '1.0.0' },
        {
            capabilities: { elicitation: { form: {} }, sampling: {}, roots: {} },
            versionNegotiation: { mode: MODES[era] }
        }
    );
    client.setRequestHandler('elicitation/create', elicited);
    client.setRequestHandler('sampling/createMessage', sampled);
    client.setRequestHandler('roots/list', roots);
    const listeners = new Map();
    for (const method of NOTIFICATIONS) {
        client.setNotificationHandler(method, message => listeners.get(method)?.(message));
    }
    const authProvider = token ? { token: async () => token } : undefined;
    const transport = new StreamableHTTPClientTransport(new URL(url), { authProvider });
    await client.connect(transport);
    return { client, transport, listeners };
}

function legacyWatch(client) {
    return async ({ resourceSubscriptions = [] }) => {
        for (const uri of resourceSubscriptions) await client.subscribeResource({ uri });
        return async () => {
            for (const uri of resourceSubscriptions) await client.unsubscribeResource({ uri });
        };
    };
}

function modernWatch(client) {
    return async filter => {
        const subscription = await client.listen(filter);
        const honoured = subscription.honoredFilter;
        for (const key of Object.keys(filter)) {
            if (!honoured[key]) throw new Error(`${key} is not honoured: ${JSON.stringify(honoured)}`);
        }
        return () => subscription.close();
    };
}

function peer({ client, transport, listeners }) {
    const version = client.getNegotiatedProtocolVersion();
    const modern = version === '2026-07-28';
    const call = (name, args, { onprogress, signal, logLevel } = {}) => {
        const _meta = modern && logLevel ? { [LOG_LEVEL_META_KEY]: logLevel } : undefined;
        return client.callTool({ name, arguments: args, ...(_meta && { _meta }) }, { onprogress, signal });
    };
    return {
        modern,
        version,
        tools: () => client.listTools(),
        resources: () => client.listResources(),
        templates: () => client.listResourceTemplates(),
        prompts: () => client.listPrompts(),
        call,
        read: uri => client.readResource({ uri }),
        prompt: (name, args) => client.getPrompt({ name, arguments: args }),
        complete: (ref, argument, context) => client.complete({ ref, argument, context }),
        watch: modern ? modernWatch(client) : legacyWatch(client),
        on: (method, listener) => listeners.set(method, listener),
        level: level => client.setLoggingLevel(level),
        ping: modern ? undefined : () => client.ping(),
        end: !modern && transport.sessionId ? () => transport.terminateSession() : undefined
    };
}

try {
    await run(peer(await connect()), process.env.PEER_HIDDEN);
} catch (error) {
    print('connect', false, describe(error));
}
finish();
