// One JSON line per check on standard output: {check, ok, detail}.
//
// Nothing is asserted about how long a check takes; the limit only keeps a hung peer from hanging the run.

const LIMIT_MS = 30_000;
let failures = 0;

export function print(check, ok, detail) {
    if (!ok) failures += 1;
    process.stdout.write(`${JSON.stringify({ check, ok, detail: detail ?? null })}\n`);
}

/** Runs one check; what it returns becomes the detail, what it throws makes it fail. */
export async function check(name, body) {
    let timer;
    const limit = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error(`no end within ${LIMIT_MS} ms`)), LIMIT_MS);
    });
    try {
        print(name, true, await Promise.race([body(), limit]));
    } catch (error) {
        print(name, false, describe(error));
    } finally {
        clearTimeout(timer);
    }
}

export function describe(error) {
    const cause = error?.cause ? `; cause: ${describe(error.cause)}` : '';
    const data = error?.data === undefined ? '' : ` data ${JSON.stringify(error.data)}`;
    return `${error?.name ?? 'Error'} ${error?.code ?? ''}: ${error?.message ?? error}${data}${cause}`;
}

export function assert(condition, message) {
    if (!condition) throw new Error(message);
}

export function equal(actual, wanted, what) {
    const [a, w] = [JSON.stringify(actual), JSON.stringify(wanted)];
    assert(a === w, `${what}: ${a} instead of ${w}`);
}

/** Resolves when `wake` is called; the value is what it was called with. */
export function signal() {
    let wake;
    const woken = new Promise(resolve => {
        wake = resolve;
    });
    return { woken, wake };
}

/** Calls a tool that must be refused, and gives back code and text without the tool's name. */
export async function refusal(call, name) {
    try {
        const result = await call(name);
        assert(result.isError, `${name} was answered: ${JSON.stringify(result)}`);
        return { isError: true, text: JSON.stringify(result.content).replaceAll(name, 'NAME') };
    } catch (error) {
        if (error.code === undefined) throw error;
        return { code: error.code, text: String(error.message).replaceAll(name, 'NAME') };
    }
}

/** Says goodbye: stray sockets and timers of a peer must not keep the process alive. */
export function finish() {
    process.exit(failures === 0 ? 0 : 1);
}
