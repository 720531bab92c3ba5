//! Somebody in front of a browser, who says yes to everything: signs in, lets clients in, connects accounts.

use std::collections::BTreeMap;

use scraper::{ElementRef, Html, Selector};
use serde_json::Value;
use url::{Url, form_urlencoded};

use crate::{
    client::{Answer, Connection},
    program::{Place, Program},
};

/// Where the client is that they let in; nobody listens there.
pub(crate) const CALLBACK: &str = "http://127.0.0.1:9/callback";

/// The pair of RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// More than any way here has.
const STEPS: usize = 30;

/// A local user and their browser.
pub(crate) struct Person {
    name: String,
    password: String,
    cookies: BTreeMap<String, BTreeMap<String, String>>,
    /// Every value of a cookie that they ever got.
    pub(crate) got: Vec<String>,
}

/// Where a way ended: at a page, or at an address that was not to be opened.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) url: Url,
    pub(crate) page: Option<Answer>,
}

/// What a client has of somebody who let it in.
pub(crate) struct Tokens {
    pub(crate) code: String,
    pub(crate) access: String,
    pub(crate) refresh: String,
}

struct Form {
    action: String,
    fields: Vec<(String, String)>,
    asks: Vec<String>,
}

impl Person {
    /// Makes a local user; the command gets these variables.
    pub(crate) fn of(place: &Place, name: &str, password: &str, variables: &[(&str, &str)]) -> Self {
        place.run_with(&["user", "add", name, "--password-stdin"], password, variables).text();
        let (name, password) = (name.to_owned(), password.to_owned());
        Self { name, password, cookies: BTreeMap::new(), got: Vec::new() }
    }

    /// Opens an address and says yes until there is nothing left to say yes to, or the way leads to `stop`.
    pub(crate) async fn open(&mut self, address: &str, stop: &str) -> End {
        let mut url = Url::parse(address).expect("an address");
        let mut form = None;
        for _ in 0..STEPS {
            if form.is_none() && !stop.is_empty() && url.as_str().starts_with(stop) {
                return End { url, page: None };
            }
            let page = self.request(&url, form.take()).await;
            if let Some(location) = page.header("location") {
                url = url.join(location).expect("an address");
            } else if let Some(next) = self.yes(&page) {
                url = url.join(&next.action).expect("an address");
                form = Some(next.fields);
            } else {
                return End { url, page: Some(page) };
            }
        }
        panic!("no end in {STEPS} steps, now at {url}");
    }

    /// Sends the form of this page that leads there.
    pub(crate) async fn submit(&mut self, page: &End, action: &str) -> Answer {
        let text = &page.page.as_ref().expect("a page").body;
        let form = forms(text).into_iter().find(|form| form.action == action);
        let form = form.unwrap_or_else(|| panic!("no form for {action}: {text}"));
        self.request(&page.url.join(action).expect("an address"), Some(form.fields)).await
    }

    /// Lets a client in that has this name and secret here, and redeems its code.
    pub(crate) async fn lets_in(&mut self, program: &Program, client: (&str, &str), server: &str) -> Tokens {
        let (id, secret) = client;
        let resource = format!("{}/mcp/{server}", program.url());
        let ask = [
            ("response_type", "code"),
            ("client_id", id),
            ("redirect_uri", CALLBACK),
            ("state", "s"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
            ("resource", &resource),
        ];
        let end = self.open(&format!("{}/authorize?{}", program.url(), encoded(&ask)), CALLBACK).await;
        let code = end.url.query_pairs().find(|(name, _)| name == "code");
        let code = code.unwrap_or_else(|| panic!("no code: {end:?}")).1.into_owned();
        let redeem = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
            ("client_id", id),
            ("client_secret", secret),
        ];
        let form = [("Content-Type", "application/x-www-form-urlencoded")];
        let mut connection = Connection::to(program.address).await;
        let answer = connection.ask("POST", "/token", &form, &encoded(&redeem)).await.answer();
        let told: Value = answer.json();
        let token = |name: &str| told[name].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned();
        Tokens { access: token("access_token"), refresh: token("refresh_token"), code }
    }

    async fn request(&mut self, url: &Url, form: Option<Vec<(String, String)>>) -> Answer {
        let address = url.socket_addrs(|| None).expect("a host that is known")[0];
        let origin = url.origin().ascii_serialization();
        let jar = self.cookies.entry(origin.clone()).or_default();
        let pairs: Vec<_> = jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let (cookie, method) = (pairs.join("; "), if form.is_some() { "POST" } else { "GET" });
        let mut headers = vec![("Accept", "text/html")];
        if !cookie.is_empty() {
            headers.push(("Cookie", &cookie));
        }
        if form.is_some() {
            // Pages that send no referrer send no origin either.
            headers.extend([("Origin", "null"), ("Content-Type", "application/x-www-form-urlencoded")]);
        }
        let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
        let body = form.map(|fields| encoded(&fields)).unwrap_or_default();
        let answer = Connection::to(address).await.ask(method, target, &headers, &body).await.answer();
        for cookie in answer.all("set-cookie") {
            let mut parts = cookie.split([';', '=']);
            let (name, value) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
            jar.remove(name);
            if !value.is_empty() {
                jar.insert(name.to_owned(), value.to_owned());
                self.got.push(value.to_owned());
            }
        }
        answer
    }

    /// The form of a page that is a yes, filled in.
    fn yes(&self, page: &Answer) -> Option<Form> {
        let asks = |form: &Form, name: &str| form.asks.iter().any(|asked| asked == name);
        let yes = |form: &Form| {
            asks(form, "password") || asks(form, "decision") || form.action.starts_with("/connect/")
        };
        let mut form = forms(&page.body).into_iter().find(yes)?;
        for (name, value) in
            [("username", self.name.as_str()), ("password", &self.password), ("decision", "approve")]
        {
            if asks(&form, name) {
                form.fields.push((name.to_owned(), value.to_owned()));
            }
        }
        Some(form)
    }
}

fn forms(page: &str) -> Vec<Form> {
    let page = Html::parse_document(page);
    let [all, inputs] = ["form", "[name]"].map(|what| Selector::parse(what).expect("a selector"));
    let text = |element: ElementRef<'_>, name: &str| element.attr(name).unwrap_or_default().to_owned();
    let form = |form: ElementRef<'_>| {
        let (hidden, asked): (Vec<_>, Vec<_>) =
            form.select(&inputs).partition(|input| input.attr("type") == Some("hidden"));
        Form {
            action: text(form, "action"),
            fields: hidden.into_iter().map(|input| (text(input, "name"), text(input, "value"))).collect(),
            asks: asked.into_iter().map(|input| text(input, "name")).collect(),
        }
    };
    page.select(&all).map(form).collect()
}

fn encoded<T: AsRef<str>, U: AsRef<str>>(fields: &[(T, U)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}
