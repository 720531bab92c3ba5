// An MCP server behind the SDK's own middleware for tokens, of both eras; somebody else says whose a token is.
import { createMcpExpressApp, getOAuthProtectedResourceMetadataUrl, mcpAuthMetadataRouter, requireBearerAuth } from '@modelcontextprotocol/express';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer, OAuthError, OAuthErrorCode } from '@modelcontextprotocol/server';
import { z } from 'zod';

function build() {
    const server = new McpServer({ name: 'guarded', version: '1.0.0' }, { capabilities: { tools: {} } });
    server.registerTool(
        'whoami',
        { description: 'Says whose account is used.', inputSchema: z.object({}) },
        async (_, { http }) => ({ content: [{ type: 'text', text: `account of ${http.authInfo.extra.account}` }] })
    );
    return server;
}

/**
 * Listens on a free port. `verify` gives `{ account, client, scopes, expires }` of a token that is good for this resource, or
 * nothing; everything that came in is told to `saw`.
 */
export async function guarded({ oauthMetadata, scope, verify, saw }) {
    const app = createMcpExpressApp();
    const listener = await new Promise(resolve => {
        const listener = app.listen(0, '127.0.0.1', () => resolve(listener));
    });
    const url = new URL(`http://127.0.0.1:${listener.address().port}/mcp`);
    const verifier = {
        async verifyAccessToken(token) {
            const found = await verify(token, url.href);
            if (!found) throw new OAuthError(OAuthErrorCode.InvalidToken, 'unknown, expired, or of somewhere else');
            const { account, client: clientId, scopes, expires: expiresAt } = found;
            return { token, clientId, scopes, expiresAt, extra: { account } };
        }
    };
    app.use((request, _, next) => {
        saw({ url: request.url, headers: request.headers, body: request.body });
        next();
    });
    app.use(mcpAuthMetadataRouter({ oauthMetadata, resourceServerUrl: url, scopesSupported: [scope] }));
    const guard = requireBearerAuth({
        verifier,
        requiredScopes: [scope],
        resourceMetadataUrl: getOAuthProtectedResourceMetadataUrl(url)
    });
    const handler = createMcpHandler(build, { onerror: error => console.error(String(error)) });
    const respond = toNodeHandler(handler);
    app.all('/mcp', guard, (request, response) => respond(request, response, request.body));
    return url.href;
}
