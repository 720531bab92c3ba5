//! `rate`: how often callers may call, the same for virtual servers and agents.

use std::time::Duration;

use doorward_model::{Rate, RateBy, RateLimit};

use crate::support::{accepted, good, refused};

fn server(rate: &str) -> String {
    format!(
        "[[upstream]]\nname = \"u\"\nurl = \"http://127.0.0.1:1/\"\n[[server]]\nname = \"demo\"\nupstreams = [\"u\"]\n{rate}\n"
    )
}

fn agent(rate: &str) -> String {
    format!("[[agent]]\nname = \"demo\"\ncard = \"http://127.0.0.1:1/\"\n{rate}\n")
}

fn limit(limit: u32, per: Duration, burst: u32, by: RateBy) -> RateLimit {
    RateLimit { rate: Rate::new(limit, per, burst), by }
}

#[test]
fn rates_of_virtual_servers_and_agents_read_alike() {
    const MINUTE: Duration = Duration::from_mins(1);
    for (written, expected) in [
        ("", None),
        ("rate = { limit = 60 }", Some(limit(60, MINUTE, 60, RateBy::Caller))),
        (
            "rate = { limit = 60, per = \"minute\", by = \"caller\", burst = 10 }",
            Some(limit(60, MINUTE, 10, RateBy::Caller)),
        ),
        (
            "rate = { limit = 2, per = \"second\", by = \"all\" }",
            Some(limit(2, Duration::from_secs(1), 2, RateBy::All)),
        ),
        (
            "rate = { limit = 1, per = \"hour\", by = \"subject\", burst = 1 }",
            Some(limit(1, Duration::from_hours(1), 1, RateBy::Subject)),
        ),
        (
            "rate = { limit = 9, per = \"day\", by = \"client\", burst = 90 }",
            Some(limit(9, Duration::from_hours(24), 90, RateBy::Client)),
        ),
        ("rate = { limit = 5, per = \"90s\" }", Some(limit(5, Duration::from_secs(90), 5, RateBy::Caller))),
    ] {
        assert_eq!(good(&server(written)).snapshot.servers["demo"].rate, expected, "{written}");
        assert_eq!(good(&agent(written)).snapshot.agents["demo"].rate, expected, "{written}");
    }
    accepted(server, &["rate = { limit = 1000000, per = \"1s\" }", "rate = { limit = 1, per = \"31d\" }"]);
}

#[test]
fn rates_that_are_none() {
    let cases = [
        ("rate = 60", "rate: expected a table, found an integer"),
        ("rate = {}", "rate.limit: is missing"),
        ("rate = { limit = 0 }", "rate.limit: must be between 1 and 1000000"),
        ("rate = { limit = -1 }", "rate.limit: must be between 1 and 1000000"),
        ("rate = { limit = \"60\" }", "rate.limit: expected an integer, found text"),
        ("rate = { limit = 1, burst = 0 }", "rate.burst: must be between 1 and 1000000"),
        (
            "rate = { limit = 1, per = \"minutes\" }",
            "rate.per: unknown period `minutes` (did you mean `minute`?)",
        ),
        (
            "rate = { limit = 1, per = \"fortnight\" }",
            "(second, minute, hour, day, or a duration such as \"30s\")",
        ),
        ("rate = { limit = 1, per = \"0s\" }", "rate.per: must be between 1s and 31d"),
        ("rate = { limit = 1, per = \"32d\" }", "rate.per: must be between 1s and 31d"),
        ("rate = { limit = 1, per = 60 }", "rate.per: expected text, found an integer"),
        (
            "rate = { limit = 1, by = \"callers\" }",
            "rate.by: unknown way to count `callers` (did you mean `caller`?)",
        ),
        ("rate = { limit = 1, by = \"address\" }", "(known: caller, subject, client, all)"),
        ("rate = { limit = 1, perr = \"day\" }", "rate.perr: unknown key (did you mean `per`?)"),
    ];
    refused(server, &cases);
    refused(agent, &cases);
}
