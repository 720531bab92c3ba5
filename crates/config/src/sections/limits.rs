//! `[limits]`: bounds on everything that comes from outside; the fields of [`Limits`] by the same names.

use std::time::Duration;

use doorward_model::Limits;

use crate::section::{Key, Kind, Section, Shape, Spec};

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const BODY: Kind = Kind::Size(1 << 10, 1 << 30);
// The HTTP/1 reader needs 8 KiB to work with.
const HEAD: Kind = Kind::Size(8 << 10, 1 << 20);
const DEPTH: Kind = Kind::Count(8, 128);
const BATCH: Kind = Kind::Count(1, 1000);
const MANY: Kind = Kind::Count(1, 1_000_000);

pub(crate) const SPEC: Spec = Spec {
    name: "limits",
    shape: Shape::Single,
    about: "Bounds on size, depth, count and time of everything that comes from outside. \
            Sizes are bytes, or text in B, KiB, MiB or GiB; durations are text in ms, s, m, h or d.",
    keys: &[
        Key::new("request_body", BODY, "\"4MiB\"", "largest request body"),
        Key::new("response_body", BODY, "\"16MiB\"", "largest whole answer or single event of an upstream"),
        Key::new("depth", DEPTH, "128", "deepest nesting of a JSON message"),
        Key::new("batch", BATCH, "50", "most messages of one batch, which only revision 2025-03-26 has"),
        Key::new("header_bytes", HEAD, "\"32KiB\"", "largest request head"),
        Key::new(
            "request_time",
            Kind::Time(secs(1), secs(600)),
            "\"30s\"",
            "time for a client to send a head, then a body",
        ),
        Key::new(
            "streams",
            MANY,
            "10000",
            "open endless streams (GET, `subscriptions/listen`) per virtual server",
        ),
        Key::new("connections", MANY, "20000", "open connections of clients"),
        Key::new(
            "keep_alive",
            Kind::Time(secs(1), secs(300)),
            "\"15s\"",
            "silence after which a stream gets a keep-alive comment",
        ),
        Key::new(
            "stream_idle",
            Kind::Time(secs(1), secs(86_400)),
            "\"30m\"",
            "silence of an upstream after which its stream is ended",
        ),
        Key::new(
            "sessions",
            MANY,
            "64",
            "sessions held at one upstream over stdio or HTTP+SSE: each is a child or a connection",
        ),
        Key::new(
            "session_idle",
            Kind::Time(secs(10), secs(86_400)),
            "\"30m\"",
            "how long such a session may go unused",
        ),
        Key::new(
            "command_idle",
            Kind::Time(secs(10), secs(30 * 86_400)),
            "\"30m\"",
            "how long a child that requests of 2026-07-28 share may go unused; the next request starts another",
        ),
        Key::new(
            "session_lifetime",
            Kind::Time(secs(60), secs(30 * 86_400)),
            "\"24h\"",
            "how long a legacy session may live",
        ),
        Key::new(
            "drain",
            Kind::Time(secs(0), secs(600)),
            "\"20s\"",
            "time for open requests to finish at the end",
        ),
    ],
};

pub(crate) fn read(section: &Section<'_>) -> Limits {
    let number = |name: &str, default: usize| section.number(name).unwrap_or(default);
    let time = |name: &str, default: Duration| section.duration(name).unwrap_or(default);
    let default = Limits::default();
    Limits {
        request_body: number("request_body", default.request_body),
        response_body: number("response_body", default.response_body),
        depth: number("depth", default.depth),
        batch: number("batch", default.batch),
        header_bytes: number("header_bytes", default.header_bytes),
        request_time: time("request_time", default.request_time),
        streams: number("streams", default.streams),
        connections: number("connections", default.connections),
        keep_alive: time("keep_alive", default.keep_alive),
        stream_idle: time("stream_idle", default.stream_idle),
        sessions: number("sessions", default.sessions),
        session_idle: time("session_idle", default.session_idle),
        command_idle: time("command_idle", default.command_idle),
        session_lifetime: time("session_lifetime", default.session_lifetime),
        drain: time("drain", default.drain),
    }
}
