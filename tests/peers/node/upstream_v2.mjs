// A stateless MCP server of revision 2026-07-28 on the TypeScript SDK v2.
//
// Every request gets a fresh instance; what must outlive a request (the counters) is kept in this module.
import { createServer } from 'node:http';
import { toNodeHandler } from '@modelcontextprotocol/node';
import {
    acceptedContent,
    completable,
    createMcpHandler,
    inputRequired,
    inputResponse,
    McpServer,
    ResourceTemplate
} from '@modelcontextprotocol/server';
import { z } from 'zod';

const COUNTER = 'memo://counter';
const CITIES = ['Paris', 'Prague', 'Porto', 'Oslo'];
const seen = { touched: 0, cancelled: 0, deleted: 0 };

const text = value => ({ content: [{ type: 'text', text: value }] });

function registerPlainTools(server) {
    server.registerTool(
        'echo',
        { description: 'Gives back what it is told.', inputSchema: z.object({ message: z.string() }) },
        async ({ message }) => text(message)
    );
    server.registerTool(
        'add',
        {
            description: 'Adds two numbers.',
            inputSchema: z.object({ a: z.number(), b: z.number() }),
            outputSchema: z.object({ sum: z.number() })
        },
        async ({ a, b }) => ({ ...text(String(a + b)), structuredContent: { sum: a + b } })
    );
    server.registerTool(
        'seen_headers',
        { description: 'Shows the HTTP headers that reached this server.', inputSchema: z.object({}) },
        async (_, ctx) => text(JSON.stringify(Object.fromEntries(ctx.http?.req?.headers ?? [])))
    );
    server.registerTool(
        'delete_everything',
        { description: 'Must be hidden by every test that publishes this server.', inputSchema: z.object({}) },
        async () => text(`deleted ${(seen.deleted += 1)}`)
    );
    server.registerTool(
        'counters',
        { description: 'What happened to this process so far.', inputSchema: z.object({}) },
        async () => text(JSON.stringify(seen))
    );
}

function registerSlow(server) {
    server.registerTool(
        'slow',
        {
            description: 'Reports progress step by step.',
            inputSchema: z.object({ steps: z.number().int(), pause_ms: z.number().int() })
        },
        async ({ steps, pause_ms: pause }, ctx) => {
            const progressToken = ctx.mcpReq._meta?.progressToken;
            for (let step = 1; step <= steps; step += 1) {
                await new Promise(resolve => setTimeout(resolve, pause));
                if (ctx.mcpReq.signal.aborted) {
                    seen.cancelled += 1;
                    return text('cancelled');
                }
                if (progressToken !== undefined) {
                    await ctx.mcpReq.notify({
                        method: 'notifications/progress',
                        params: { progressToken, progress: step, total: steps, message: `step ${step}` }
                    });
                }
            }
            return text(`done in ${steps} steps`);
        }
    );
}

function registerTalkative(server) {
    server.registerTool(
        'ask_name',
        { description: 'Asks the person for a name.', inputSchema: z.object({ greeting: z.string() }) },
        async ({ greeting }, ctx) => {
            const schema = z.object({ name: z.string() });
            const answer = inputResponse(ctx.mcpReq.inputResponses, 'name');
            if (answer.kind === 'elicit' && answer.action !== 'accept') return text(`${answer.action}d`);
            const given = acceptedContent(ctx.mcpReq.inputResponses, 'name', schema);
            if (given) return text(`${greeting} ${given.name} (${ctx.mcpReq.requestState()})`);
            return inputRequired({
                inputRequests: {
                    name: inputRequired.elicit({ message: 'What is your name?', requestedSchema: schema })
                },
                requestState: 'first round'
            });
        }
    );
    server.registerTool(
        'ask_model',
        { description: "Asks the client's model.", inputSchema: z.object({ question: z.string() }) },
        async ({ question }, ctx) => {
            const answer = inputResponse(ctx.mcpReq.inputResponses, 'answer');
            if (answer.kind === 'sampling') return text(`model: ${JSON.stringify(answer.result.content)}`);
            return inputRequired({
                inputRequests: {
                    answer: inputRequired.createMessage({
                        messages: [{ role: 'user', content: { type: 'text', text: question } }],
                        maxTokens: 50
                    })
                }
            });
        }
    );
    server.registerTool(
        'log',
        { description: 'Logs what it is told.', inputSchema: z.object({ message: z.string() }) },
        async ({ message }, ctx) => {
            await ctx.mcpReq.log('warning', message, 'upstream');
            return text('logged');
        }
    );
}

function registerTouch(server) {
    server.registerTool(
        'touch',
        { description: 'Announces that lists and the counter changed.', inputSchema: z.object({}) },
        async () => {
            seen.touched += 1;
            handler.notify.toolsChanged();
            handler.notify.promptsChanged();
            handler.notify.resourcesChanged();
            handler.notify.resourceUpdated(COUNTER);
            return text(`touched ${seen.touched}`);
        }
    );
}

function registerResourcesAndPrompts(server) {
    server.registerResource('counter', COUNTER, { mimeType: 'text/plain' }, async uri => ({
        contents: [{ uri: uri.href, mimeType: 'text/plain', text: `touched ${seen.touched}` }]
    }));
    const note = new ResourceTemplate('note://{name}', {
        list: undefined,
        complete: { name: value => ['alpha', 'beta'].filter(name => name.startsWith(value)) }
    });
    server.registerResource('note', note, { mimeType: 'text/plain' }, async (uri, { name }) => ({
        contents: [{ uri: uri.href, mimeType: 'text/plain', text: `note ${name}` }]
    }));
    const argsSchema = z.object({
        city: completable(z.string(), value => CITIES.filter(city => city.startsWith(value)))
    });
    server.registerPrompt('weather', { description: 'Asks for the weather.', argsSchema }, ({ city }) => ({
        messages: [{ role: 'user', content: { type: 'text', text: `How is the weather in ${city}?` } }]
    }));
}

function build() {
    const server = new McpServer(
        { name: 'doorward-peer', version: '1.0.0' },
        {
            capabilities: {
                tools: { listChanged: true },
                prompts: { listChanged: true },
                resources: { listChanged: true, subscribe: true },
                logging: {},
                completions: {}
            },
            instructions: 'A peer for tests.'
        }
    );
    registerPlainTools(server);
    registerSlow(server);
    registerTalkative(server);
    registerTouch(server);
    registerResourcesAndPrompts(server);
    return server;
}

const handler = createMcpHandler(build, { onerror: error => console.error(String(error)) });
const http = createServer(toNodeHandler(handler));
http.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () => {
    process.stdout.write(`${JSON.stringify({ listening: http.address().port })}\n`);
});
