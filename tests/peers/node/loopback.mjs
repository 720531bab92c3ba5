// Preloaded (`node --import ./loopback.mjs …`) into servers that would listen on every interface.
//
// Forces 127.0.0.1 and prints the port in one JSON line, so that PORT=0 can be used without a race.
import net from 'node:net';

const listen = net.Server.prototype.listen;

net.Server.prototype.listen = function (...args) {
    const callback = args.findLast(arg => typeof arg === 'function');
    const given = args[0];
    const port = typeof given === 'object' && given !== null ? given.port : given;
    this.once('listening', () => {
        process.stdout.write(`${JSON.stringify({ listening: this.address().port })}\n`);
    });
    return listen.call(this, { port: Number(port ?? 0), host: '127.0.0.1' }, callback);
};
