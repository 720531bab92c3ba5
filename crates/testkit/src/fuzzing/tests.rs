//! That the corpora get past the first checks: a target that refuses everything finds nothing.

use std::path::Path;

use super::*;

fn seed(target: &str, name: &str) -> String {
    String::from_utf8(bytes(target, name)).expect("a seed that is text")
}

fn bytes(target: &str, name: &str) -> Vec<u8> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    std::fs::read(corpus.join(target).join(name)).expect("a seed")
}

#[test]
fn protobuf_and_json_of_the_corpus_are_accepted() {
    for name in ["task", "stream", "send", "list", "merged", "card", "old_send", "empty"] {
        assert_eq!(grpc::accepted(&bytes("proto", &format!("{name}_wire"))), (true, false), "{name}");
    }
    for name in ["send", "task", "card", "old_task", "list"] {
        assert_eq!(grpc::accepted(&bytes("proto", &format!("{name}_json"))), (false, true), "{name}");
    }
    for name in ["group_wire", "overflow_wire"] {
        assert_eq!(grpc::accepted(&bytes("proto", name)), (false, false), "{name}");
    }
    for (name, found) in
        [("messages", (4, 0)), ("truncated", (1, 0)), ("details", (0, 2)), ("bad_request", (0, 1))]
    {
        assert_eq!(grpc::found(&bytes("grpc", name)), found, "{name}");
    }
}

#[test]
fn configurations_of_the_corpus_are_accepted() {
    for name in ["dotted", "empty", "example", "full", "limits", "sqlite", "upstreams"] {
        if let Err(mistakes) = configuration::read(&seed("configuration", name)) {
            panic!("{name}: {mistakes}");
        }
    }
}

#[test]
fn signed_tokens_of_the_corpus_are_believed() {
    for name in ["app-typ", "aud-text", "azp", "float-exp", "good", "scp"] {
        assert!(claims::believed(seed("jwt", name).as_bytes()), "{name}");
    }
    for name in ["b64", "crit", "dup", "expired", "kid", "no-sub", "none", "typ"] {
        assert!(!claims::believed(seed("jwt", name).as_bytes()), "{name}");
    }
}

#[test]
fn keys_of_the_corpus_are_usable() {
    let usable =
        |name| doorward_auth::keys::KeySet::parse(seed("jwks", name).as_bytes()).map(|keys| keys.len());
    for (name, count) in [("ec", 1), ("okp", 1), ("rsa", 1), ("three", 3), ("six", 6), ("private", 0)] {
        assert_eq!(usable(name), Ok(count), "{name}");
    }
}

#[test]
fn requests_of_the_corpus_pass_every_check() {
    for name in ["call", "complete", "discover", "encoded-name", "list", "prompt", "read", "task"] {
        assert!(envelope::passes(seed("modern_request", name).as_bytes()), "{name}");
    }
    for name in ["case-param", "differ", "kelvin", "meta-case", "other-name", "task-undeclared"] {
        assert!(!envelope::passes(seed("modern_request", name).as_bytes()), "{name}");
    }
}

#[test]
fn what_clients_send_in_the_corpus_is_accepted() {
    for (target, names) in [
        ("form", &["claude-code", "encoded", "good", "no-redirect"][..]),
        ("redirect_uri", &["any-port", "ipv6", "private", "same"]),
        ("registration", &["claude-code", "defaults", "keys", "languages"]),
        ("client_document", &["both", "chatgpt", "claude", "keys"]),
    ] {
        for name in names {
            assert!(oauth::accepted(target, seed(target, name).as_bytes()), "{target}/{name}");
        }
    }
    for (target, names) in [
        ("form", &["plain", "twice", "two-resources"][..]),
        ("redirect_uri", &["backslash", "other-path", "user"]),
        ("registration", &["implicit", "private-key", "script"]),
        ("client_document", &["other-client", "script", "secret"]),
    ] {
        for name in names {
            assert!(!oauth::accepted(target, seed(target, name).as_bytes()), "{target}/{name}");
        }
    }
}

#[test]
fn what_servers_say_in_the_corpus_is_taken() {
    for (target, names) in [
        ("callback", &["good", "named", "unnamed"][..]),
        ("challenge", &["several", "full", "bare", "lines"]),
        ("metadata", &["server", "local", "resource"]),
        ("token_answer", &["good", "refresh", "lenient"]),
    ] {
        for name in names {
            assert!(oauth_client::accepted(target, seed(target, name).as_bytes()), "{target}/{name}");
        }
    }
    for (target, names) in [
        ("callback", &["other-issuer", "error", "twice"][..]),
        ("challenge", &["other-schemes", "twice"]),
        ("metadata", &["other-issuer", "other-resource", "script", "no-pkce"]),
        ("token_answer", &["refused", "away", "dpop"]),
    ] {
        for name in names {
            assert!(!oauth_client::accepted(target, seed(target, name).as_bytes()), "{target}/{name}");
        }
    }
}

#[test]
fn cards_of_the_corpus_are_read() {
    for name in ["empty-texts", "full", "hidden", "hybrid", "legacy", "numbers"] {
        assert!(card::accepted(seed("agent_card", name).as_bytes()), "{name}");
    }
    for name in ["nowhere", "types"] {
        assert!(!card::accepted(seed("agent_card", name).as_bytes()), "{name}");
    }
}
