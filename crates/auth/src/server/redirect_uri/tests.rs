//! The table of redirect URIs, good and evil.

use proptest::prelude::*;

use super::*;

#[test]
fn redirect_uris_of_real_clients_are_accepted() {
    for good in [
        "https://claude.ai/api/mcp/auth_callback",
        "https://chatgpt.com/connector_platform_oauth_redirect",
        "https://vscode.dev/redirect",
        "https://Example.com:8443/cb?tenant=1&x=%20",
        "https://xn--mnchen-3ya.example/cb",
        "https://example.com",
        "https://192.0.2.1/cb",
        "https://[2001:db8::1]:8443/cb",
        "http://localhost:54545/callback",
        "http://localhost/callback",
        "http://127.0.0.1:33418/",
        "http://127.0.0.1/",
        "http://127.8.9.1:1/cb",
        "http://[::1]:9000/cb",
        "http://[::1]",
        "cursor://anysphere.cursor-mcp/oauth/callback",
        "vscode://vscode.github-authentication/did-authenticate",
        "claude://oauth",
        "com.example.app:/oauth2redirect",
        "com.example.app://cb",
    ] {
        assert_eq!(check(good), Ok(()), "{good}");
        assert!(matches(&[good.to_owned()], good), "{good}");
    }
}

/// A4 of the attacks on OAuth proxies: what other servers let through.
#[test]
fn evil_redirect_uris_are_refused() {
    use RedirectUriError::{Fragment, Malformed, NotLoopback, Query, Scheme, TooLong, UserInfo, Wildcard};
    let long = format!("https://example.com/{}", "a".repeat(2048));
    let cases: [(&str, RedirectUriError); 75] = [
        ("", Malformed),
        ("callback", Malformed),
        ("/callback", Malformed),
        ("//evil.example/cb", Malformed),
        ("javascript:alert(1)", Scheme),
        ("JavaScript:alert(1)", Malformed),
        ("java\tscript:alert(1)", Malformed),
        ("javascript://example.com/%0aalert(1)", Scheme),
        ("data:text/html,x", Scheme),
        ("vbscript:x", Scheme),
        ("file:///etc/passwd", Scheme),
        ("blob:https://example.com/1", Scheme),
        ("about:blank", Scheme),
        ("urn:ietf:wg:oauth:2.0:oob", Scheme),
        ("mailto:a@example.com", Scheme),
        ("ftp://example.com/cb", Scheme),
        ("ws://127.0.0.1/cb", Scheme),
        ("view-source:https://example.com/", Scheme),
        ("intent://x", Scheme),
        ("unknown://cb", Scheme),
        ("com..app:/cb", Scheme),
        ("com.app.:/cb", Scheme),
        (".com:/cb", Malformed),
        ("1.com:/cb", Malformed),
        ("cursor:", Malformed),
        ("cursor://", Malformed),
        ("cursor://user@host/cb", UserInfo),
        ("com.example:/a/../b", Malformed),
        ("https://*.example.com/cb", Wildcard),
        ("https://example.com/*", Wildcard),
        ("https://example.com/cb#x", Fragment),
        ("https://example.com/cb#", Fragment),
        ("cursor://cb#x", Fragment),
        ("https://user@example.com/cb", UserInfo),
        ("https://user:pw@example.com/cb", UserInfo),
        ("https://@example.com/cb", UserInfo),
        ("https://example.com@evil.example/cb", UserInfo),
        ("https://example.com:443@evil.example/cb", UserInfo),
        ("http://localhost@evil.example/cb", UserInfo),
        ("https://example.com\\@evil.example/cb", Malformed),
        ("https://example.com\\.evil.example/cb", Malformed),
        ("https:\\\\example.com/cb", Malformed),
        ("https:example.com/cb", Malformed),
        ("https:/example.com/cb", Malformed),
        ("https:///example.com/cb", Malformed),
        ("https:///", Malformed),
        ("https://", Malformed),
        ("https://:443/cb", Malformed),
        ("https://example.com:/cb", Malformed),
        ("https://example.com:port/cb", Malformed),
        ("https://example.com:99999/cb", Malformed),
        ("https://a;script-src/cb", Malformed),
        ("https://a.example,com/cb", Malformed),
        ("https://a.e'ample/cb", Malformed),
        ("https://exam%70le.com/cb", Malformed),
        ("https://example.com%2f.evil.example/cb", Malformed),
        ("https://example.com%00.evil.example/", Malformed),
        ("https://m\u{fc}nchen.example/cb", Malformed),
        ("https://ex\u{430}mple.com/cb", Malformed),
        ("https://example.com/\u{202e}cb", Malformed),
        ("https://example.com/cb\r\nLocation: x", Malformed),
        ("https://example.com/c b", Malformed),
        (" https://example.com/cb", Malformed),
        ("https://example.com/\0", Malformed),
        ("https://example.com/a/../b", Malformed),
        ("https://example.com/a/%2E%2e/b", Malformed),
        ("https://example.com/%zz", Malformed),
        ("https://2130706433/cb", Malformed),
        ("http://example.com/cb", NotLoopback),
        ("http://localhost.evil.example/cb", NotLoopback),
        ("http://127.0.0.1.evil.example/cb", NotLoopback),
        ("http://0.0.0.0/cb", NotLoopback),
        ("http://192.168.0.1/cb", NotLoopback),
        ("https://example.com/cb?code=x", Query),
        (&long, TooLong),
    ];
    for (evil, why) in cases {
        assert_eq!(check(evil), Err(why), "{evil:?}");
        assert!(!matches(&["https://example.com/cb".into(), "http://localhost/cb".into()], evil), "{evil:?}");
    }
}

#[test]
fn other_spellings_of_this_computer_are_refused() {
    for evil in [
        "http://127.1/cb",
        "http://0x7f.0.0.1/cb",
        "http://0177.0.0.1/cb",
        "http://2130706433/cb",
        "http://127.0.0.1./cb",
        "http://localhost./cb",
        "http://[::ffff:127.0.0.1]/cb",
        "http://[0:0:0:0:0:0:0:1]/cb",
        "http://[::]/cb",
        "http://[::1%25eth0]/cb",
        "http://loc%61lhost/cb",
        "http://\u{ff4c}ocalhost/cb",
    ] {
        assert!(check(evil).is_err(), "{evil}");
        assert!(!is_loopback(evil), "{evil}");
    }
}

#[test]
fn only_the_port_of_a_loopback_address_is_free() {
    let registered: Vec<String> =
        ["http://localhost/callback", "http://127.0.0.1:1/cb?x=1", "https://example.com/cb", "cursor://a/cb"]
            .map(Into::into)
            .to_vec();
    for asked in [
        "http://localhost/callback",
        "http://localhost:54545/callback",
        "http://127.0.0.1:2/cb?x=1",
        "http://127.0.0.1/cb?x=1",
        "https://example.com/cb",
        "cursor://a/cb",
    ] {
        assert!(matches(&registered, asked), "{asked}");
    }
    for asked in [
        "http://localhost:54545/callback/",
        "http://localhost:54545/Callback",
        "http://localhost:54545/callback?x",
        "http://LOCALHOST:54545/callback",
        "http://127.0.0.1:54545/callback",
        "http://localhost:54545@evil.example/callback",
        "http://localhost:99999/callback",
        "http://localhost:/callback",
        "http://127.0.0.1:2/cb?x=2",
        "http://127.0.0.1:2/cb",
        "http://127.0.0.2:1/cb?x=1",
        "https://localhost:1/callback",
        "https://example.com:443/cb",
        "https://example.com/cb/",
        "https://EXAMPLE.com/cb",
        "https://example.com/cb/../cb",
        "https://example.com/cb?",
        "https://example.com/c%62",
        "https://example.com.evil.example/cb",
        "cursor://a:1/cb",
        "",
    ] {
        assert!(!matches(&registered, asked), "{asked}");
    }
    assert!(!matches(&[], "https://example.com/cb"));
}

#[test]
fn what_people_and_browsers_are_told() {
    for (uri, shown, source) in [
        ("https://app.example.com/cb?x=1", "https://app.example.com", "https://app.example.com"),
        ("https://App.example.com:8443/cb", "https://App.example.com:8443", "https://app.example.com:8443"),
        ("https://example.com:443/cb", "https://example.com:443", "https://example.com"),
        ("http://localhost:8080/cb", "http://localhost:8080", "http://localhost:8080"),
        ("http://[::1]:8080/cb", "http://[::1]:8080", "http:"),
        ("cursor://anysphere/cb", "cursor://anysphere", "cursor:"),
        ("com.example.app:/cb", "com.example.app:", "com.example.app:"),
    ] {
        assert_eq!(check(uri), Ok(()), "{uri}");
        assert_eq!((&*origin_shown(uri), &*form_action_source(uri)), (shown, source), "{uri}");
    }
    assert!(is_loopback("http://[::1]:1/") && is_loopback("http://127.0.0.9/"));
    assert!(!is_loopback("https://localhost/") && !is_loopback("cursor://localhost/"));
}

fn uri() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,40}",
        "https?://[!-.0-~]{1,12}(/[!-~]{0,6})?",
        "(https|http|cursor|com\\.x):?/{0,3}[a-zA-Z0-9.:@%\\[\\]\\\\*-]{0,20}[/?#]?[!-~]{0,20}",
        "http://(localhost|127\\.0\\.0\\.1|\\[::1\\])(:[0-9]{0,6})?[/?][!-~]{0,10}",
    ]
}

proptest! {
    #[test]
    fn what_is_accepted_goes_where_it_says(uri in uri(), other in uri()) {
        if check(&uri).is_ok() {
            let url = Url::parse(&uri).unwrap();
            prop_assert!(url.fragment().is_none() && url.username().is_empty() && url.password().is_none());
            prop_assert!(uri.is_ascii() && uri.starts_with(url.scheme()));
            if url.scheme() == "http" {
                prop_assert!(is_loopback(&uri));
            }
        }
        if matches(std::slice::from_ref(&other), &uri) && uri != other {
            prop_assert!(is_loopback(&uri) && is_loopback(&other));
            let (a, b) = (Url::parse(&uri).unwrap(), Url::parse(&other).unwrap());
            prop_assert_eq!((a.host(), a.path(), a.query()), (b.host(), b.path(), b.query()));
        }
        let source = form_action_source(&uri);
        prop_assert!(source == "'none'" || !source.contains([';', ',', ' ', '\'', '"']), "{}", source);
        let _shown = origin_shown(&uri);
    }
}
