// An agent on the JavaScript SDK of A2A 1.0: three bindings, streams, push, extended card; with `--also-v03` the SDK's layer
// of compatibility too. It does what `deeds.py` has as `own-...`. The first line of output is {listening, grpc, base, card}.
//
// agent.mjs [--bindings JSONRPC,HTTP+JSON,GRPC] [--also-v03] [--sign]

import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';
import * as grpc from '@grpc/grpc-js';
import * as a2a from '@a2a-js/sdk';
import {
    AgentEvent,
    DefaultPushNotificationSender,
    DefaultRequestHandler,
    InMemoryPushNotificationStore,
    InMemoryTaskStore,
    STATE_HEADERS_KEY,
} from '@a2a-js/sdk/server';
import { agentCardHandler, jsonRpcHandler, restHandler } from '@a2a-js/sdk/server/express';
import { A2AService, grpcService } from '@a2a-js/sdk/server/grpc';
import { LegacyA2AService, legacyGrpcService } from '@a2a-js/sdk/compat/v0_3/server/grpc';
import { createLegacyAwarePushNotificationSender } from '@a2a-js/sdk/compat/v0_3/server';
import express from 'express';

const { values: asked } = parseArgs({
    options: {
        bindings: { type: 'string', default: 'JSONRPC,HTTP+JSON,GRPC' },
        'also-v03': { type: 'boolean', default: false },
        sign: { type: 'boolean', default: false },
    },
});
const bindings = asked.bindings.split(',');
const legacyCompat = { enabled: asked['also-v03'] };
const CHUNKS = 100;
const SLOW_MS = 1000;
const WAITING = ['TASK_STATE_INPUT_REQUIRED', 'TASK_STATE_AUTH_REQUIRED'];

const pause = ms => new Promise(resolve => setTimeout(resolve, ms));

class Turn {
    constructor(context, bus) {
        Object.assign(this, { bus, ids: { taskId: context.taskId, contextId: context.contextId } });
        if (context.task) return;
        const { taskId: id, contextId } = this.ids;
        const history = [a2a.Message.toJSON(context.userMessage)];
        this.first = { id, contextId, status: status('SUBMITTED'), history };
    }

    /** The task comes first; a direct message comes without one. */
    begin() {
        if (this.first) this.bus.publish(AgentEvent.task(a2a.Task.fromJSON(this.first)));
        this.first = undefined;
    }

    status(state, text) {
        this.begin();
        const message = text && this.words(text);
        const event = { ...this.ids, status: { ...status(state), message } };
        this.bus.publish(AgentEvent.statusUpdate(a2a.TaskStatusUpdateEvent.fromJSON(event)));
    }

    artifact(part, artifactId = randomUUID(), append = false, lastChunk = true) {
        this.begin();
        const event = { ...this.ids, artifact: { artifactId, parts: [part] }, append, lastChunk };
        this.bus.publish(AgentEvent.artifactUpdate(a2a.TaskArtifactUpdateEvent.fromJSON(event)));
    }

    words(text) {
        return { messageId: randomUUID(), role: 'ROLE_AGENT', parts: [{ text }], ...this.ids };
    }

    message(text) {
        this.bus.publish(AgentEvent.message(a2a.Message.fromJSON(this.words(text))));
    }
}

const status = state => ({ state: `TASK_STATE_${state}`, timestamp: new Date().toISOString() });

class Executor {
    canceled = new Set();

    execute = async (context, bus) => {
        const message = a2a.Message.toJSON(context.userMessage);
        const turn = new Turn(context, bus);
        const text = message.parts.map(part => part.text ?? '').join('');
        const state = context.task && a2a.Task.toJSON(context.task).status.state;
        if (WAITING.includes(state)) {
            turn.artifact({ text: `answered: ${text}` });
            turn.status('COMPLETED', 'Thank you');
        } else {
            await this.act(turn, message.messageId, text, context);
        }
        bus.finished();
    };

    async act(turn, messageId, text, context) {
        const does = prefix => messageId.startsWith(`own-${prefix}`);
        if (does('message')) return turn.message('Direct message response');
        if (does('input')) return turn.status('INPUT_REQUIRED', 'Which one?');
        if (does('auth')) return turn.status('AUTH_REQUIRED', 'Sign in first');
        turn.status('WORKING');
        if (does('fail')) return turn.status('FAILED', 'It broke');
        if (does('endless')) {
            while (!this.canceled.has(turn.ids.taskId)) await pause(20);
            return turn.status('CANCELED');
        }
        if (does('slow')) await pause(SLOW_MS);
        if (does('chunks')) {
            for (let number = 0; number < CHUNKS; number += 1) {
                turn.artifact({ text: `${number} ` }, 'chunks', number > 0, number + 1 === CHUNKS);
            }
        } else if (does('headers')) {
            const headers = context.context.state?.get?.(STATE_HEADERS_KEY) ?? {};
            turn.artifact({ data: JSON.parse(JSON.stringify(headers)) });
        } else {
            turn.artifact({ text });
        }
        return turn.status('COMPLETED');
    }

    cancelTask = async taskId => {
        this.canceled.add(taskId);
    };
}

function cardOf(origin, grpcPort, extended) {
    const urls = { JSONRPC: `${origin}/rpc`, 'HTTP+JSON': `${origin}/rest`, GRPC: `127.0.0.1:${grpcPort}` };
    const versions = legacyCompat.enabled ? ['1.0', '0.3'] : ['1.0'];
    const skill = (id, name) => ({ id, name, description: 'Does what the messageId says', tags: ['test'] });
    return a2a.AgentCard.fromJSON({
        name: 'JavaScript agent',
        description: 'An agent on the JavaScript SDK of A2A 1.0 that does what it is told',
        version: '1.3.0',
        supportedInterfaces: versions.flatMap(protocolVersion =>
            bindings.map(protocolBinding => ({ url: urls[protocolBinding], protocolBinding, protocolVersion })),
        ),
        capabilities: { streaming: true, pushNotifications: true, extendedAgentCard: true },
        defaultInputModes: ['text/plain'],
        defaultOutputModes: ['text/plain', 'application/json'],
        skills: extended ? [skill('deeds', 'Deeds'), skill('secret', 'Secret')] : [skill('deeds', 'Deeds')],
    });
}

async function grpcPort(server) {
    const credentials = grpc.ServerCredentials.createInsecure();
    return new Promise((resolve, reject) => {
        server.bindAsync('127.0.0.1:0', credentials, (error, port) => (error ? reject(error) : resolve(port)));
    });
}

const app = express();
const http = createServer(app);
await new Promise(resolve => http.listen(0, '127.0.0.1', resolve));
const origin = `http://127.0.0.1:${http.address().port}`;
const grpcServer = new grpc.Server();
const port = bindings.includes('GRPC') ? await grpcPort(grpcServer) : 0;
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const protectedHeader = { alg: 'ES256', kid: 'agent-1', typ: 'JOSE', jku: `${origin}/.well-known/jwks.json` };
const sign = asked.sign ? a2a.generateAgentCardSignature(privateKey, protectedHeader) : undefined;
const card = cardOf(origin, port, false);
const store = new InMemoryPushNotificationStore();
const requestHandler = new DefaultRequestHandler(
    sign ? await sign(card) : card,
    new InMemoryTaskStore(),
    new Executor(),
    undefined,
    store,
    legacyCompat.enabled ? createLegacyAwarePushNotificationSender(store) : new DefaultPushNotificationSender(store),
    cardOf(origin, port, true),
    sign,
);
// Whoever reaches it is known: the SDK shows the extended card to nobody else.
const userBuilder = async () => ({ isAuthenticated: true, userName: 'somebody' });
const user = { requestHandler, userBuilder, legacyCompat };
app.use('/.well-known/jwks.json', (_request, response) => {
    response.json({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'agent-1', alg: 'ES256', use: 'sig' }] });
});
app.use('/.well-known/agent-card.json', agentCardHandler({ agentCardProvider: requestHandler, legacyCompat }));
if (bindings.includes('JSONRPC')) app.use('/rpc', jsonRpcHandler(user));
if (bindings.includes('HTTP+JSON')) app.use('/rest', restHandler(user));
if (port) {
    grpcServer.addService(A2AService, grpcService({ requestHandler, userBuilder }));
    if (legacyCompat.enabled) {
        grpcServer.addService(LegacyA2AService, legacyGrpcService({ requestHandler, userBuilder }));
    }
}
const said = { listening: http.address().port, grpc: port, base: origin, card: `${origin}/.well-known/agent-card.json` };
process.stdout.write(`${JSON.stringify(said)}\n`);
