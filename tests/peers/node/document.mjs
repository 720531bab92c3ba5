// A client's own description, at an address that is its id:  node document.mjs CERTIFICATE KEY REDIRECT_URI...
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';

const [cert, key, ...redirect_uris] = process.argv.slice(2);
const server = createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (request, response) => {
    if (request.url !== '/client.json') return response.writeHead(404).end();
    const document = {
        client_id: id(),
        client_name: 'Described',
        redirect_uris,
        // What real documents name too, and nobody here offers.
        grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
        response_types: ['code'],
        token_endpoint_auth_method: 'none'
    };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(document));
});
const id = () => `https://127.0.0.1:${server.address().port}/client.json`;
server.listen(0, '127.0.0.1', () => console.log(id()));
