use std::sync::{Arc, Mutex};

use bytes::Bytes;
use doorward_egress::{Egress, EgressConfig};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;

use super::{
    super::serving::{self, Serving},
    html::{self, Form},
    *,
};

const PAGE: &str = r#"<html><body><header><p>Doorward</p></header>
<main class="wide">

<h1>Allow &#60;this&#62;?</h1>
<p class="lead">A client that calls itself “<bdi>A &#38;#60; B</bdi>” asks.</p>
<dl class="facts">
<div>
<dt>It calls itself</dt>
<dd>“<bdi>A</bdi>”</dd>
</div>
</dl>
<ul class="names">
<li><bdi class="code">one</bdi></li>
<li><bdi class="code">two</bdi></li>
</ul>
<form method="post" action="/consent?a=1&#38;b=2" class="decision">
<input type="hidden" name="request" value="a &#34;b&#34;">
<button type="submit" name="decision" value="approve" class="first">Allow</button>
<button type="submit" name="decision" value="deny">Don’t allow</button>
<p><input type="checkbox" id="remember" name="remember" value="yes"><label for="remember">Remember</label></p>
</form>
<form method="post" action="/sign-out">
<button type="submit" class="quiet">Sign out</button>
</form>
</main></body></html>"#;

#[test]
fn a_page_reads_as_people_see_it() {
    assert_eq!(html::heading(PAGE), "Allow <this>?");
    let lines =
        ["Allow <this>?", "A client that calls itself “A &#60; B” asks.", "It calls itself: “A”", "one  two"];
    assert_eq!(html::text(PAGE), lines.join("\n"));
    for broken in ["", "<main", "<main>", "<h1>", "</main><main>", "<main><p</main>"] {
        assert_eq!((html::text(broken), html::heading(broken)), (String::new(), String::new()), "{broken}");
    }
}

#[test]
fn a_form_is_found_by_its_button_and_sent_as_it_stands() {
    let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let fields = vec![field("request", "a \"b\""), field("decision", "approve")];
    assert_eq!(html::form(PAGE, "Allow"), Some(Form { action: "/consent?a=1&b=2".into(), fields }));
    let fields = vec![field("request", "a \"b\""), field("decision", "deny")];
    assert_eq!(html::form(PAGE, "Don’t allow").expect("a form").fields, fields);
    assert_eq!(html::form(PAGE, "Sign out"), Some(Form { action: "/sign-out".into(), fields: Vec::new() }));
    assert_eq!(html::form(PAGE, "Allow <this>?"), None);
}

/// A site that answers by path, and what cookies it was shown.
async fn site() -> (String, Arc<Mutex<Vec<String>>>, Serving) {
    let (listener, origin) = serving::bind().await.expect("a port");
    let shown = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&shown);
    let serving = serving::serve(listener, move |request: Request<Incoming>| {
        let cookies = request.headers().get("cookie").map_or("", |value| value.to_str().unwrap_or("?"));
        seen.lock().expect("a lock").push(format!("{} {cookies}", request.uri().path()));
        let response = answer(request.uri().path());
        async move { response }
    });
    (origin, shown, serving)
}

fn answer(path: &str) -> Response<Full<Bytes>> {
    let (location, cookies): (Option<&'static str>, &[&'static str]) = match path {
        "/in" => (Some("/page"), &["a=1; Path=/; HttpOnly", "b=2"]),
        "/out" => (Some("http://elsewhere.example/back?code=x"), &["a=; Max-Age=0; Path=/"]),
        "/round" => (Some("/round"), &[]),
        _ => (None, &[]),
    };
    let mut response = Response::new(Full::from(PAGE));
    let headers: &mut HeaderMap = response.headers_mut();
    for cookie in cookies {
        headers.append("set-cookie", cookie.parse().expect("a value"));
    }
    if let Some(location) = location {
        headers.insert("location", location.parse().expect("a value"));
        *response.status_mut() = StatusCode::SEE_OTHER;
    }
    response
}

#[tokio::test]
async fn a_browser_keeps_cookies_and_stops_where_a_redirect_leaves_the_site() {
    let agent = Agent::new("test", Egress::new(&EgressConfig::default()).expect("a client"));
    let (origin, shown, _serving) = site().await;
    let mut browser = Visitor::default();
    let page = browser.open(&agent, &format!("{origin}/in")).await.expect("a page");
    assert_eq!((page.url.path(), page.status, page.left.as_ref()), ("/page", 200, None));
    let page = browser.press(&agent, &page, "Sign out", &[]).await.expect("a page");
    assert_eq!(page.url.path(), "/sign-out");
    let page = browser.open(&agent, &format!("{origin}/out")).await.expect("a page");
    assert_eq!(page.left.expect("an address").as_str(), "http://elsewhere.example/back?code=x");
    assert_eq!(browser.cookies().collect::<Vec<_>>(), ["2"]);
    let shown = shown.lock().expect("a lock").clone();
    assert_eq!(shown, ["/in ", "/page a=1; b=2", "/sign-out a=1; b=2", "/out a=1; b=2"]);
}

#[tokio::test]
async fn what_a_person_cannot_do_is_an_error() {
    let agent = Agent::new("test", Egress::new(&EgressConfig::default()).expect("a client"));
    let (origin, _, _serving) = site().await;
    let mut browser = Visitor::default();
    assert!(browser.open(&agent, "").await.is_err(), "no address");
    assert!(browser.open(&agent, &format!("{origin}/round")).await.is_err(), "round and round");
    let page = browser.open(&agent, &format!("{origin}/page")).await.expect("a page");
    assert!(browser.press(&agent, &page, "Buy", &[]).await.is_err(), "no such button");
    assert!(browser.press(&agent, &page, "Allow", &[("password", "x")]).await.is_err(), "no such field");
}
