// Both SDKs in TypeScript, and the part of an application that keeps what they need for OAuth: everything in memory.

export const REDIRECT = 'http://localhost:33418/callback';

/** The SDK of this version, `v1` or `v2`. */
export async function load(sdk) {
    if (sdk === 'v2') return await import('@modelcontextprotocol/client');
    return {
        ...(await import('@modelcontextprotocol/sdk/client/index.js')),
        ...(await import('@modelcontextprotocol/sdk/client/streamableHttp.js')),
        ...(await import('@modelcontextprotocol/sdk/types.js'))
    };
}

export class Provider {
    redirectUrl = REDIRECT;
    kept = {};
    redirects = [];

    constructor(name, document) {
        this.clientMetadataUrl = document;
        this.clientMetadata = {
            client_name: name,
            redirect_uris: [REDIRECT],
            grant_types: ['authorization_code', 'refresh_token'],
            response_types: ['code'],
            token_endpoint_auth_method: 'none'
        };
    }

    state = () => 'as-it-was';
    clientInformation = () => this.kept.client;
    saveClientInformation = client => void (this.kept.client = client);
    tokens = () => this.kept.tokens;
    saveTokens = tokens => void (this.kept.tokens = tokens);
    saveCodeVerifier = verifier => void (this.kept.verifier = verifier);
    codeVerifier = () => this.kept.verifier;
    saveDiscoveryState = state => void (this.kept.discovery = state);
    discoveryState = () => this.kept.discovery;
    redirectToAuthorization = address => void this.redirects.push(address);
}
