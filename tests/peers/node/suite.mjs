// What every Node peer is put through, whichever SDK it stands on.
//
// `peer` hides the differences between the SDKs:
//   modern                            whether 2026-07-28 was negotiated
//   version                           the negotiated revision
//   tools(), resources(), templates(), prompts()           lists
//   call(name, arguments, {onprogress, signal, logLevel})  tools/call
//   read(uri), prompt(name, arguments), complete(reference, argument, context)
//   watch(filter)                     subscriptions/listen, or what the older revisions have for it
//   on(method, listener)              notifications
//   level(level), ping(), end()       only where the revision has them
import { assert, check, equal, print, refusal, signal } from './report.mjs';

const UNKNOWN_TOOL = 'no_such_tool';

/** Runs the suite of whichever upstream is behind the address. */
export async function run(peer, hidden) {
    print('connect', true, peer.version);
    const { tools } = await peer.tools();
    const names = tools.map(tool => tool.name);
    await check('tools', async () => {
        assert(names.length > 0, 'no tools at all');
        return names;
    });
    await (names.includes('add') ? modernUpstream(peer) : everything(peer));
    if (hidden) await hiding(peer, names, hidden);
    if (peer.ping) await check('ping', () => peer.ping());
    if (peer.end) await check('end', () => peer.end());
}

async function hiding(peer, names, hidden) {
    await check('hidden', async () => assert(!names.includes(hidden), `${hidden} is listed`));
    await check('refused', async () => {
        const ofHidden = await refusal(name => peer.call(name, {}), hidden);
        const ofUnknown = await refusal(name => peer.call(name, {}), UNKNOWN_TOOL);
        equal(ofHidden, ofUnknown, 'hidden and unknown differ');
        equal(ofHidden.code, -32601, 'code');
        return ofHidden;
    });
}

async function everything(peer) {
    await check('call', async () => {
        const result = await peer.call('get-sum', { a: 2, b: 40 });
        equal(result.content[0].text, 'The sum of 2 and 40 is 42.', 'text');
    });
    await check('structured', async () => {
        const result = await peer.call('get-structured-content', { location: 'Chicago' });
        equal(result.structuredContent.temperature, 36, 'temperature');
    });
    await check('image', async () => {
        const { content } = await peer.call('get-tiny-image', {});
        const image = content.find(part => part.type === 'image');
        assert(Buffer.from(image.data, 'base64').subarray(1, 4).toString() === 'PNG', 'not a PNG');
    });
    const slow = 'trigger-long-running-operation';
    await check('progress', async () => {
        const seen = [];
        const onprogress = ({ progress }) => seen.push(progress);
        await peer.call(slow, { duration: 0.4, steps: 4 }, { onprogress });
        equal(seen, [1, 2, 3, 4], 'progress');
    });
    await check('cancel', () => cancelAfterFirstProgress(peer, slow, { duration: 60, steps: 120 }));
    await check('error', async () => {
        const refused = await refusal(name => peer.call(name, { a: 'two' }), 'get-sum');
        assert(refused.isError || refused.code === -32602, JSON.stringify(refused));
        return refused;
    });
    await everythingResources(peer);
    await everythingPrompts(peer);
    await everythingAsks(peer);
}

async function everythingResources(peer) {
    const uri = 'demo://resource/dynamic/text/7';
    await check('resources', async () => {
        const { resources } = await peer.resources();
        assert(resources.length > 0, 'no resources');
        const { contents } = await peer.read(resources[0].uri);
        equal(contents[0].uri, resources[0].uri, 'uri');
    });
    await check('templates', async () => {
        const { resourceTemplates } = await peer.templates();
        const uris = resourceTemplates.map(template => template.uriTemplate);
        assert(uris.includes('demo://resource/dynamic/text/{resourceId}'), uris.join());
    });
    await check('read', async () => {
        const { contents } = await peer.read(uri);
        assert(contents[0].text.startsWith('Resource 7:'), contents[0].text);
    });
    await check('missing_resource', () => missing(peer, 'demo://nothing/here'));
    await check('updated', async () => {
        const { woken, wake } = signal();
        peer.on('notifications/resources/updated', ({ params }) => params.uri === uri && wake());
        const stop = await peer.watch({ resourceSubscriptions: [uri] });
        await peer.call('toggle-subscriber-updates', {});
        await woken;
        await peer.call('toggle-subscriber-updates', {});
        await stop();
    });
}

async function everythingPrompts(peer) {
    await check('prompts', async () => {
        const { prompts } = await peer.prompts();
        const names = prompts.map(prompt => prompt.name);
        assert(names.includes('args-prompt'), names.join());
    });
    await check('prompt', async () => {
        const { messages } = await peer.prompt('args-prompt', { city: 'Oslo' });
        equal(messages[0].content.text, "What's weather in Oslo?", 'text');
    });
    await check('completion', async () => {
        const reference = { type: 'ref/prompt', name: 'completable-prompt' };
        const argument = { name: 'name', value: 'A' };
        const result = await peer.complete(reference, argument, { arguments: { department: 'Engineering' } });
        equal(result.completion.values, ['Alice'], 'values');
    });
}

async function everythingAsks(peer) {
    await check('elicitation', async () => {
        const { content } = await peer.call('trigger-elicitation-request', {});
        assert(JSON.stringify(content).includes('- Name: Ada'), JSON.stringify(content));
    });
    await check('sampling', async () => {
        const { content } = await peer.call('trigger-sampling-request', { prompt: 'hello', maxTokens: 9 });
        assert(content[0].text.includes('a model that is none'), content[0].text);
    });
    if (peer.modern) return;
    await check('roots', async () => {
        const { content } = await peer.call('get-roots-list', {});
        assert(JSON.stringify(content).includes('file:///srv/peer'), JSON.stringify(content));
    });
    await check('logging', async () => {
        const { woken, wake } = signal();
        peer.on('notifications/message', ({ params }) => /-level message/.test(params.data) && wake(params.level));
        await peer.level('debug');
        await peer.call('toggle-simulated-logging', {});
        const level = await woken;
        await peer.call('toggle-simulated-logging', {});
        return level;
    });
}

async function modernUpstream(peer) {
    await check('call', async () => {
        const message = 'Grüße, 世界 \u0000 "quoted"';
        equal((await peer.call('echo', { message })).content[0].text, message, 'text');
    });
    await check('structured', async () => {
        equal((await peer.call('add', { a: 2, b: 40 })).structuredContent, { sum: 42 }, 'structured content');
    });
    await check('progress', async () => {
        const seen = [];
        await peer.call('slow', { steps: 4, pause_ms: 100 }, { onprogress: ({ progress }) => seen.push(progress) });
        equal(seen, [1, 2, 3, 4], 'progress');
    });
    await check('cancel', async () => {
        const before = await counter(peer, 'cancelled');
        await cancelAfterFirstProgress(peer, 'slow', { steps: 200, pause_ms: 100 });
        for (let tries = 0; tries < 50; tries += 1) {
            if ((await counter(peer, 'cancelled')) > before) return;
            await new Promise(resolve => setTimeout(resolve, 100));
        }
        throw new Error('the upstream never saw the cancellation');
    });
    await check('headers', async () => {
        return JSON.parse((await peer.call('seen_headers', {})).content[0].text);
    });
    await modernResourcesAndPrompts(peer);
    await modernAsks(peer);
    await check('list_changed', async () => {
        const tools = signal();
        const updated = signal();
        peer.on('notifications/tools/list_changed', tools.wake);
        peer.on('notifications/resources/updated', ({ params }) => params.uri === 'memo://counter' && updated.wake());
        const stop = await peer.watch({ toolsListChanged: true, resourceSubscriptions: ['memo://counter'] });
        await peer.call('touch', {});
        await Promise.all([tools.woken, updated.woken]);
        await stop();
    });
}

async function modernResourcesAndPrompts(peer) {
    await check('resources', async () => {
        const { resources } = await peer.resources();
        equal(resources.map(resource => resource.uri), ['memo://counter'], 'resources');
    });
    await check('templates', async () => {
        const { resourceTemplates } = await peer.templates();
        equal(resourceTemplates.map(template => template.uriTemplate), ['note://{name}'], 'templates');
    });
    await check('read', async () => {
        equal((await peer.read('note://alpha')).contents[0].text, 'note alpha', 'text');
    });
    await check('missing_resource', () => missing(peer, 'memo://nothing'));
    await check('prompts', async () => {
        const { prompts } = await peer.prompts();
        equal(prompts.map(prompt => prompt.name), ['weather'], 'prompts');
    });
    await check('prompt', async () => {
        const { messages } = await peer.prompt('weather', { city: 'Oslo' });
        equal(messages[0].content.text, 'How is the weather in Oslo?', 'text');
    });
    await check('completion', async () => {
        const ofPrompt = await peer.complete({ type: 'ref/prompt', name: 'weather' }, { name: 'city', value: 'P' });
        equal(ofPrompt.completion.values, ['Paris', 'Prague', 'Porto'], 'values');
        const reference = { type: 'ref/resource', uri: 'note://{name}' };
        const ofTemplate = await peer.complete(reference, { name: 'name', value: 'b' });
        equal(ofTemplate.completion.values, ['beta'], 'values');
    });
}

async function modernAsks(peer) {
    await check('elicitation', async () => {
        const { content } = await peer.call('ask_name', { greeting: 'Hello' });
        equal(content[0].text, 'Hello Ada (first round)', 'text');
    });
    await check('sampling', async () => {
        const { content } = await peer.call('ask_model', { question: 'hello' });
        assert(content[0].text.includes('a model that is none'), content[0].text);
    });
    await check('logging', async () => {
        const { woken, wake } = signal();
        peer.on('notifications/message', ({ params }) => params.data === 'noted' && wake(params.level));
        if (!peer.modern) await peer.level('debug');
        await peer.call('log', { message: 'noted' }, { logLevel: 'info' });
        equal(await woken, 'warning', 'level');
    });
}

/** The stream is live: progress of a call that has not ended arrives, and the call can be given up. */
async function cancelAfterFirstProgress(peer, name, args) {
    const controller = new AbortController();
    const onprogress = () => controller.abort(new Error('given up'));
    let ended;
    try {
        ended = await peer.call(name, args, { onprogress, signal: controller.signal });
    } catch (error) {
        assert(controller.signal.aborted, `failed before it was given up: ${error}`);
        return;
    }
    throw new Error(`ended although it was given up: ${JSON.stringify(ended)}`);
}

async function counter(peer, which) {
    return JSON.parse((await peer.call('counters', {})).content[0].text)[which];
}

async function missing(peer, uri) {
    let answer;
    try {
        answer = await peer.read(uri);
    } catch (error) {
        assert(error.code === -32602 || error.code === -32002, `code ${error.code}: ${error.message}`);
        return error.code;
    }
    throw new Error(`was answered: ${JSON.stringify(answer)}`);
}
