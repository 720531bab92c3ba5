//! The headers of pages and files.

use super::super::*;
use super::world::{HOST, World};

fn policy(page: &Page) -> String {
    let headers = headers(page, true);
    headers[header::CONTENT_SECURITY_POLICY].to_str().expect("ASCII").to_owned()
}

fn page(form_action: &[&str]) -> Page {
    Page { body: String::new(), form_action: form_action.iter().map(|&source| source.to_owned()).collect() }
}

#[test]
fn every_page_has_all_headers() {
    for (name, page) in World::new().pages() {
        let headers = headers(&page, true);
        for (header, value) in [
            ("content-type", "text/html; charset=utf-8"),
            ("cache-control", "no-store"),
            ("x-frame-options", "DENY"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("strict-transport-security", "max-age=31536000"),
        ] {
            assert_eq!(
                headers.get(header).and_then(|value| value.to_str().ok()),
                Some(value),
                "{name}: {header}"
            );
        }
        let policy = policy(&page);
        let strict = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; \
                      frame-ancestors 'none'; form-action 'self'";
        assert!(policy.starts_with(strict) && !policy.contains("unsafe"), "{name}: {policy}");
    }
}

#[test]
fn browsers_are_told_to_stay_with_https_only_where_it_is() {
    let page = SignedOut { host: HOST, provider: None }.render();
    assert!(!headers(&page, false).contains_key(header::STRICT_TRANSPORT_SECURITY));
}

#[test]
fn only_forms_whose_answers_leave_may_lead_elsewhere() {
    for (name, page) in World::new().pages() {
        let leads = [
            "sign_in",
            "consent",
            "connect",
            "no_access",
            "not_connected_away",
            "not_connected_changed",
            "not_connected_refused",
        ];
        let leaves = leads.iter().any(|page| name.starts_with(page));
        assert_eq!(!page.form_action.is_empty(), leaves, "{name}");
    }
    let world = World::new();
    let consent = world.consent(&world.dynamic).render();
    let pages: std::collections::BTreeMap<_, _> = world.pages().into_iter().collect();
    let both = "form-action 'self' https://login.partner.example http://127.0.0.1:33418 https:";
    assert!(policy(&pages["connect_for_client"]).ends_with(both), "and on to the client");
    assert!(policy(&consent).ends_with("form-action 'self' http://127.0.0.1:33418 https:"), "{consent:?}");
}

#[test]
fn a_page_without_providers_and_client_leads_nowhere_else() {
    let hidden = super::world::HIDDEN;
    let page =
        SignIn { host: HOST, asking: None, providers: &[], username: "", trouble: None, hidden }.render();
    assert!(policy(&page).ends_with("form-action 'self'"));
}

#[test]
fn a_source_cannot_write_another_directive() {
    for source in [
        "",
        "https://a.example; script-src *",
        "https://a.example, script-src *",
        "https://a.example https://b.example",
        "*",
        "https://*.example",
        "'unsafe-inline'",
        "'none'",
        "https://\u{e4}.example",
        "https://a.example\r\nx: y",
    ] {
        assert!(policy(&page(&[source])).ends_with("form-action 'self'"), "{source:?}");
    }
    assert!(policy(&page(&["cursor:", "http://[::1]:80"])).ends_with("'self' cursor: http://[::1]:80"));
}

#[test]
fn files_have_types_and_tags_and_nothing_else_is_served() {
    for (path, kind) in
        [("/console/assets/app.css", "text/css"), ("/console/assets/icon.svg", "image/svg+xml")]
    {
        let asset = assets(path).expect(path);
        let headers = asset.headers();
        assert!(headers[header::CONTENT_TYPE].to_str().expect("ASCII").starts_with(kind), "{path}");
        assert_eq!(headers[header::ETAG], asset.etag.as_str());
        assert!(asset.etag.len() > 8 && asset.etag.starts_with('"') && asset.etag.ends_with('"'));
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert!(!asset.bytes.is_empty());
    }
    for path in [
        "",
        "/",
        "/console/assets/",
        "/console/assets/app.css/",
        "/console/assets/../assets/app.css",
        "app.css",
    ] {
        assert_eq!(assets(path), None, "{path}");
    }
}
