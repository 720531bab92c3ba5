use proptest::prelude::*;

use super::*;

#[test]
fn listeners_are_an_address_and_a_port() {
    assert!(socket("127.0.0.1:8420").is_ok());
    assert!(socket("[::1]:0").is_ok());
    for (bad, hint) in [
        (":8420", "every interface is \"0.0.0.0:8420\""),
        ("localhost:8420", "\"127.0.0.1:8420\""),
        ("127.0.0.1", "such as \"127.0.0.1:8420\" or \"[::1]:8420\""),
        ("127.0.0.1:99999", "such as \"127.0.0.1:8420\" or \"[::1]:8420\""),
    ] {
        assert_eq!(socket(bad).expect_err(bad).hint.as_deref(), Some(hint), "{bad}");
    }
}

#[test]
fn networks_are_written_by_their_own_address() {
    assert_eq!(network("10.0.0.0/8").expect("a network").to_string(), "10.0.0.0/8");
    assert_eq!(network("10.1.2.3").expect("an address").to_string(), "10.1.2.3/32");
    assert_eq!(network("fd00::/8").expect("a network").to_string(), "fd00::/8");
    assert!(
        network("10.0.0.1/8").expect_err("host bits").hint.is_some_and(|hint| hint.contains("10.0.0.0/8"))
    );
    for bad in ["", "10.0.0.0/33", "example.com", "10.0.0.0-10.0.0.9"] {
        assert!(network(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_public_url_is_an_origin_and_nothing_more() {
    for good in ["http://127.0.0.1:8420", "https://gw.example.com", "http://[::1]:1"] {
        assert!(public_url(good).is_ok(), "{good}");
    }
    for bad in [
        "http://127.0.0.1:8420/",
        "https://gw.example.com/mcp",
        "https://gw.example.com?x",
        "https://gw.example.com#x",
        "https://user:pw@gw.example.com",
        "https://gw.example.com:443",
        "https://GW.example.com",
        " https://gw.example.com",
        "ftp://gw.example.com",
        "gw.example.com",
        "https://",
        "",
    ] {
        let complaint = public_url(bad).expect_err(bad);
        assert!(!format!("{complaint:?}").contains("pw"), "{complaint:?}");
    }
}

#[test]
fn origins_may_be_those_of_embedded_browsers() {
    for good in ["https://app.example.com", "http://localhost:6274", "vscode-file://vscode-app", "app://x:1"]
    {
        assert!(origin(good).is_ok(), "{good}");
    }
    for bad in [
        "null",
        "*",
        "",
        "https://app.example.com/",
        "HTTPS://a.example",
        "app://x/y",
        "app://u@x",
        "app://",
        "data:x",
    ] {
        assert!(origin(bad).is_err(), "{bad}");
    }
}

#[test]
fn destinations_hold_no_user_fragment_or_metadata_service() {
    for good in ["http://127.0.0.1:3001/mcp", "https://tools.example.com/mcp?tenant=a", "http://169.254.1.1/"]
    {
        assert!(destination(good).is_ok(), "{good}");
    }
    for bad in [
        "ftp://a.example/",
        "/mcp",
        "http://u@a.example/",
        "http://:p@a.example/",
        "http://a.example/#f",
        "http://169.254.169.254/latest",
        "http://0xA9FEA9FE/",
        "http://2852039166/",
        "http://[::ffff:169.254.169.254]/",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://[fd00:ec2::254]/",
        "http://100.100.100.200/",
        "http://metadata.google.internal/",
        "http://METADATA.google.internal./",
    ] {
        assert!(destination(bad).is_err(), "{bad}");
    }
}

#[test]
fn issuers_are_https_or_on_loopback() {
    for good in [
        "https://idp.example.com",
        "https://idp.example.com/realms/a/",
        "http://127.0.0.1:9000",
        "http://localhost:1/x",
    ] {
        assert!(issuer(good).is_ok(), "{good}");
    }
    for bad in [
        "http://idp.example.com",
        "https://idp.example.com?x",
        "https://idp.example.com#x",
        " https://i.example",
        "idp",
    ] {
        assert!(issuer(bad).is_err(), "{bad}");
    }
}

#[test]
fn hosts_are_names_or_addresses_and_nothing_more() {
    for (good, is) in [
        ("example.com", "example.com"),
        ("Example.COM", "example.com"),
        ("localhost", "localhost"),
        ("127.0.0.1", "127.0.0.1"),
        ("[::1]", "[::1]"),
    ] {
        assert_eq!(host(good).as_deref(), Ok(is), "{good}");
    }
    for bad in [
        "",
        "any",
        "anny",
        "example.com.",
        "example.com:443",
        "example.com/x",
        "example.com?x",
        "@example.com",
        "a@example.com",
        "*.example.com",
        "https://example.com",
        "127.1",
        "b\u{fc}cher.example",
        "a b.example",
    ] {
        assert!(host(bad).is_err(), "{bad}");
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "([a-z]{1,5}://)?[\\PC]{0,40}") {
        let _ = socket(&text);
        let _ = network(&text);
        let _ = origin(&text);
        let _ = destination(&text);
        let _ = issuer(&text);
        if let Ok(host) = host(&text) {
            prop_assert_eq!(host, text.to_lowercase());
        }
        if let Ok(url) = public_url(&text) {
            prop_assert_eq!(url.origin().ascii_serialization(), text);
        }
    }
}
