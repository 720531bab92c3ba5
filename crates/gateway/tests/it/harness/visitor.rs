//! A browser with somebody before it: it keeps cookies, fills in forms as the page has them, and follows a redirect only
//! when it is told to. Every answer is looked at: pages have their headers, and nothing leads where nobody registered.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use doorward_auth::{
    keys::password,
    server::token::{self, TokenKind},
};
use doorward_model::{Clock as _, Person, Secret};
use doorward_store::{NewBrowserSession, User};
use scraper::{Html, Selector};
use tokio::sync::OnceCell;
use url::{Host, Url, form_urlencoded};

use super::{Answer, Call, Gateway};

/// The password of every local user of the tests.
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// What every page has against being framed, sniffed and kept.
const HEADERS: [(&str, &str); 5] = [
    ("x-frame-options", "DENY"),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cache-control", "no-store"),
];

/// A browser.
pub(crate) struct Visitor<'g> {
    pub(crate) gateway: &'g Gateway,
    cookies: Mutex<BTreeMap<String, String>>,
}

/// A form as a page has it, and as somebody fills it in.
#[derive(Debug, Clone)]
pub(crate) struct Form {
    action: String,
    pub(crate) fields: Vec<(String, String)>,
}

impl Gateway {
    /// A browser that was never here.
    pub(crate) fn visitor(&self) -> Visitor<'_> {
        Visitor { gateway: self, cookies: Mutex::default() }
    }

    /// A local user with [`PASSWORD`].
    pub(crate) async fn add_user(&self, name: &str, groups: &[&str]) {
        self.plant(PASSWORD);
        assert!(self.store().add_user(&user(name, groups, hashed().await)).await.unwrap(), "{name} is there");
    }

    /// A browser in which a local user is signed in; the user is made where there is none. Nobody has to type
    /// anything, and no password is checked.
    pub(crate) async fn signed_in(&self, name: &str) -> Visitor<'_> {
        self.signed_in_with(name, &[]).await
    }

    /// The same for a user in these groups.
    pub(crate) async fn signed_in_with(&self, name: &str, groups: &[&str]) -> Visitor<'_> {
        let _ = self.store().add_user(&user(name, groups, "$argon2id$no password fits")).await.unwrap();
        let person = Person {
            subject: name.to_owned(),
            name: name.to_owned(),
            groups: groups.iter().map(|&group| group.to_owned()).collect(),
            domain: None,
            administrator: false,
        };
        self.session_of(person).await
    }

    /// A browser in which this person is signed in.
    pub(crate) async fn session_of(&self, person: Person) -> Visitor<'_> {
        let (cookie, now) = (token::mint(TokenKind::Session), self.clock.now());
        let session = NewBrowserSession {
            hash: token::hash(cookie.expose()),
            provider: person.subject.split_once(':').map(|(provider, _)| provider.to_owned()),
            person,
            created: now,
            expires: now.plus_secs(7 * 24 * 3600),
        };
        self.store().start_browser_session(&session).await.unwrap();
        let visitor = self.visitor();
        visitor.set_cookie("doorward_session", cookie.expose());
        visitor
    }

    /// Looks at an answer: what it hands out is a secret from now on, and it leads only where it may.
    pub(crate) fn notice(&self, answer: &Answer) {
        // 502: a sign-in provider is away.
        assert!(
            answer.status < 500 || matches!(answer.status, 502 | 503),
            "{} {}",
            answer.status,
            answer.text()
        );
        assert!(!matches!(answer.status, 301 | 302 | 307 | 308), "{}", answer.status);
        for cookie in answer.all("set-cookie") {
            let value = cookie.split([';', '=']).nth(1).unwrap_or_default();
            self.handed_out(value);
        }
        if let Some(location) = answer.header("location") {
            assert_eq!(answer.status, 303, "{location}");
            self.leads_where_it_may(location);
            self.handed_out(&parameter(location, "code").unwrap_or_default());
        }
        if let Some(form) = answer.find_form("/first-administrator") {
            self.handed_out(form.value("token"));
        }
        for name in ["access_token", "refresh_token", "client_secret"] {
            self.handed_out(answer.json()[name].as_str().unwrap_or_default());
        }
        if answer.header("content-type").is_some_and(|kind| kind.starts_with("text/html")) {
            a_page_is_protected(answer);
        }
    }

    /// The token of a link for the first administrator is a secret; the page that it opens repeats it.
    pub(crate) fn plant_link(&self, link: &str) {
        self.plant_callers(&parameter(link, "token").unwrap_or_default());
    }

    fn handed_out(&self, secret: &str) {
        if !secret.is_empty() {
            self.plant_callers(secret);
            self.log().handed_out.push(secret.to_owned());
        }
    }

    /// Answers may lead there from now on.
    pub(crate) fn may_lead_to(&self, redirect_uri: &str) {
        self.log().places.push(place(redirect_uri));
    }

    fn leads_where_it_may(&self, location: &str) {
        if location.starts_with('/') && !location.starts_with("//") && !location.contains('\\') {
            return;
        }
        let (to, places) = (place(location), self.log().places.clone());
        assert!(places.contains(&to), "{location} leads where nobody registered: {places:?}");
    }
}

/// Where an address leads, without its query; the port of a loopback address is the client's to choose.
fn place(uri: &str) -> String {
    let mut url = Url::parse(uri).unwrap_or_else(|_| panic!("{uri:?} is no address"));
    let loopback = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    if loopback {
        let _ = url.set_port(None);
    }
    url.set_query(None);
    url.to_string()
}

/// The one value of a parameter in an address.
pub(crate) fn parameter(address: &str, name: &str) -> Option<String> {
    let query = address.split_once('?')?.1;
    let mut found = form_urlencoded::parse(query.as_bytes()).filter(|(known, _)| known == name);
    let value = found.next()?.1.into_owned();
    assert!(found.next().is_none(), "{name} is there twice: {address}");
    Some(value)
}

fn a_page_is_protected(answer: &Answer) {
    for (name, value) in HEADERS {
        assert_eq!(answer.header(name), Some(value), "{}", answer.text());
    }
    let policy = answer.header("content-security-policy").unwrap_or_default();
    for directive in ["default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "form-action 'self'"]
    {
        assert!(policy.contains(directive), "{policy}");
    }
    assert!(answer.header("access-control-allow-origin").is_none(), "no page of another origin reads it");
}

fn user(name: &str, groups: &[&str], password_hash: &str) -> User {
    User {
        name: name.to_owned(),
        password_hash: password_hash.to_owned(),
        administrator: false,
        groups: groups.iter().map(|&group| group.to_owned()).collect(),
        created: doorward_model::Timestamp::from_secs(1_700_000_000),
    }
}

/// [`PASSWORD`] as the store has it: computed once, since it is meant to be slow.
async fn hashed() -> &'static str {
    static HASH: OnceCell<String> = OnceCell::const_new();
    HASH.get_or_init(|| async {
        let work = || password::hash(&Secret::new(PASSWORD.to_owned())).unwrap();
        tokio::task::spawn_blocking(work).await.unwrap()
    })
    .await
}

impl<'g> Visitor<'g> {
    /// Opens an address of the gateway's.
    pub(crate) async fn get(&self, target: &str) -> Answer {
        let target = target.strip_prefix(&self.gateway.url()).unwrap_or(target);
        self.send(self.gateway.call("GET", target)).await
    }

    /// Sends a form as browsers do from pages without a referrer.
    pub(crate) async fn submit(&self, form: &Form) -> Answer {
        self.send(self.call(form)).await
    }

    /// The request that sends a form, without cookies.
    pub(crate) fn call(&self, form: &Form) -> Call<'g> {
        let body: String =
            form_urlencoded::Serializer::new(String::new()).extend_pairs(&form.fields).finish();
        let call = self.gateway.call("POST", &form.action).header("Origin", "null");
        call.header("Sec-Fetch-Site", "same-origin")
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body(body)
    }

    /// Sends a request with this browser's cookies, and keeps those of the answer.
    pub(crate) async fn send(&self, call: Call<'_>) -> Answer {
        let jar = {
            let cookies = self.cookies();
            let pairs: Vec<_> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            pairs.join("; ")
        };
        let call = if jar.is_empty() { call } else { call.header("Cookie", &jar) };
        let answer = call.send().await;
        self.gateway.notice(&answer);
        for cookie in answer.all("set-cookie") {
            for attribute in ["Path=/", "HttpOnly", "SameSite=Lax"] {
                assert!(cookie.contains(attribute), "{cookie}");
            }
            assert!(!cookie.contains("Domain"), "{cookie}");
            let mut parts = cookie.split([';', '=']);
            let (name, value) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
            if value.is_empty() {
                self.cookies().remove(name);
            } else {
                self.set_cookie(name, value);
            }
        }
        answer
    }

    /// Goes where an answer leads within the gateway.
    pub(crate) async fn follow(&self, answer: &Answer) -> Answer {
        let location = answer.header("location").unwrap_or_else(|| panic!("no redirect: {}", answer.text()));
        self.get(location).await
    }

    /// Signs in on a sign-in page with [`PASSWORD`] and goes on to where the person was on the way to.
    pub(crate) async fn sign_in(&self, page: &Answer, name: &str) -> Answer {
        let answer = self.try_sign_in(page, name, PASSWORD).await;
        self.follow(&answer).await
    }

    /// Types a name and a password on a sign-in page.
    pub(crate) async fn try_sign_in(&self, page: &Answer, name: &str, password: &str) -> Answer {
        self.gateway.plant(password);
        self.submit(&page.form("/sign-in").set("username", name).set("password", password)).await
    }

    /// Presses one of the buttons of a consent page.
    pub(crate) async fn decide(&self, page: &Answer, decision: &str) -> Answer {
        self.submit(&page.form("/consent").set("decision", decision)).await
    }

    /// The cookie of that name.
    pub(crate) fn cookie(&self, name: &str) -> Option<String> {
        self.cookies().get(name).cloned()
    }

    /// Plants a cookie.
    pub(crate) fn set_cookie(&self, name: &str, value: &str) {
        self.cookies().insert(name.to_owned(), value.to_owned());
    }

    /// All cookies, for another browser.
    pub(crate) fn cookies(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, String>> {
        self.cookies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Form {
    /// With this value in a field, in the place of any other.
    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        self.fields.retain(|(known, _)| known != name);
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The value of a field.
    pub(crate) fn value(&self, name: &str) -> &str {
        self.fields.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }
}

impl Answer {
    /// The form of a page that is sent to that path.
    #[track_caller]
    pub(crate) fn form(&self, action: &str) -> Form {
        self.find_form(action)
            .unwrap_or_else(|| panic!("no form for {action}: {} {}", self.status, self.text()))
    }

    /// The same, if the page has it.
    pub(crate) fn find_form(&self, action: &str) -> Option<Form> {
        let page = Html::parse_document(&self.text());
        let (forms, inputs) = (Selector::parse("form").unwrap(), Selector::parse("input[name]").unwrap());
        let form = page.select(&forms).find(|form| form.attr("action") == Some(action))?;
        assert_eq!(form.attr("method"), Some("post"));
        let ticked = |input: &scraper::ElementRef<'_>| {
            input.attr("type") != Some("checkbox") || input.attr("checked").is_some()
        };
        let field = |input: scraper::ElementRef<'_>| {
            (
                input.attr("name").unwrap_or_default().to_owned(),
                input.attr("value").unwrap_or_default().to_owned(),
            )
        };
        let fields = form.select(&inputs).filter(ticked).map(field).collect();
        Some(Form { action: action.to_owned(), fields })
    }

    /// The first heading of a page.
    pub(crate) fn heading(&self) -> String {
        let page = Html::parse_document(&self.text());
        let found = page.select(&Selector::parse("h1").unwrap()).next().map(|it| it.text().collect());
        found.unwrap_or_default()
    }

    /// What a redirect says to the client.
    pub(crate) fn told(&self, name: &str) -> Option<String> {
        parameter(self.header("location")?, name)
    }
}
