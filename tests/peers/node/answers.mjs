// What the peers answer when a server asks them something. The texts are looked for in what the server says next.

export const elicited = async () => ({ action: 'accept', content: { name: 'Ada', check: true } });

export const sampled = async () => ({
    model: 'none',
    role: 'assistant',
    content: { type: 'text', text: 'a model that is none' },
    stopReason: 'endTurn'
});

export const roots = async () => ({ roots: [{ uri: 'file:///srv/peer', name: 'peer' }] });
