//! Signing in with a name and a password, and signing out.
//!
//! A wrong name and a wrong password are the same in words, status and work. Failed attempts are counted by name and
//! address together, so that nobody locks somebody else out, and by address; successful ones are not counted.

use doorward_auth::{
    keys::password,
    server::{form::Parameters, redirect_uri},
};
use doorward_model::{Fault, Person, Secret, TooOften};
use doorward_store::{StoreError, User};
use http::{HeaderValue, Method, StatusCode, header};

use crate::{
    oauth::{Outcome, Request, Web, asked_again, read_form, recheck, reply, retry_after},
    pages::{Hidden, SignIn, SignInButton, SignInTrouble, SignedOut},
    path::{Answer, OpenRecord, Visit},
    rates::Counted,
};

use super::{session::Session, ticket::Purpose};

const FIELDS: [&str; 4] = ["request", "csrf", "username", "password"];

/// Where those go who were on their way to nowhere else.
pub(super) const HOME: &str = "/console/access";

/// Shows the page, or takes name and password.
pub(crate) async fn answer(web: &Web<'_>, visit: Visit, record: &mut OpenRecord) -> Outcome {
    if visit.method == Method::GET {
        return Ok(match Session::of(web.app, web.routes, &visit.headers).await? {
            Some(_) => reply::see_other(HOME, record),
            None => ask(web, HOME, None, None, record),
        });
    }
    let fields = read_form(web, &visit.headers, visit.body).await;
    let Ok(fields) = fields.and_then(|text| Parameters::parse(&text, &FIELDS)) else {
        return Ok(web.stale(record));
    };
    let Some(onward) = onward(web, &fields) else { return Ok(web.stale(record)) };
    let (name, password) = (fields.get("username").unwrap_or(""), fields.get("password").unwrap_or(""));
    let both = format!("{} {}", web.address, name.chars().take(64).collect::<String>());
    let user = {
        let _turn = web.app.people().turn(&web.address).await;
        // Counted before it is known, so that giving up half way is no way round; successful ones are taken back.
        if let Err(too_often) = count(web, &both) {
            return again(web, &onward, name, SignInTrouble::Throttled(too_often.retry_after), record).await;
        }
        let user = verified(web, name, Secret::new(password.to_owned())).await?;
        if user.is_some() {
            web.app.rates().give_back(Counted::SignInFailure, &both);
            web.app.rates().give_back(Counted::SignInFailureOfAddress, &web.address);
        }
        user
    };
    match user {
        Some(user) => welcome_local(web, user, &onward, record).await,
        None => again(web, &onward, name, SignInTrouble::Wrong, record).await,
    }
}

/// Signs a local user in, if they are still who they were before their password was judged.
async fn welcome_local(web: &Web<'_>, user: User, onward: &str, record: &mut OpenRecord) -> Outcome {
    let (name, password_hash) = (user.name.clone(), user.password_hash.clone());
    let welcomed = welcome(web, &person(user), onward, record).await?;
    // Whoever removes a user or changes a password ends the sessions that there are; this one may have come after.
    let present = web.app.store().user(&name).await?;
    if present.is_some_and(|user| user.password_hash == password_hash) {
        return Ok(welcomed);
    }
    web.app.store().end_browser_sessions_of(&name).await?;
    again(web, onward, &name, SignInTrouble::Wrong, record).await
}

/// Signs a person in and sends them on.
pub(super) async fn welcome(
    web: &Web<'_>,
    person: &Person,
    onward: &str,
    record: &mut OpenRecord,
) -> Outcome {
    record.person(&web.issuer(), &person.subject);
    let cookie = Session::start(web.app, web.routes, person).await?;
    let mut answer = reply::see_other(onward, record);
    answer.headers.append(header::SET_COOKIE, cookie);
    Ok(answer)
}

/// The sign-in page, for going on to `onward` afterwards.
pub(crate) fn ask(
    web: &Web<'_>,
    onward: &str,
    request: Option<&Request>,
    trouble: Option<(&str, SignInTrouble<'_>)>,
    record: &mut OpenRecord,
) -> Answer {
    let status = match trouble {
        None => StatusCode::OK,
        Some((_, SignInTrouble::Throttled(_))) => StatusCode::TOO_MANY_REQUESTS,
        Some((_, SignInTrouble::ProviderAway(_))) => StatusCode::BAD_GATEWAY,
        Some(_) => StatusCode::FORBIDDEN,
    };
    match trouble {
        None => record.allow(),
        Some(_) if record.has_failed() => {}
        Some((_, trouble)) => record.failed(reason(trouble), None, Fault::Caller),
    }
    let ticket = web.app.tickets().seal(Purpose::Onward, &onward, &web.browser, web.now());
    let (csrf, shown) = (web.csrf(), request.map(Request::shown));
    let providers = &web.routes.snapshot.sign_in;
    let origins: Vec<_> = providers.values().map(|it| redirect_uri::origin_shown(&it.issuer)).collect();
    let buttons: Vec<_> = providers
        .keys()
        .zip(&origins)
        .map(|(name, origin)| SignInButton { name: name.as_str(), origin })
        .collect();
    let page = SignIn {
        host: web.host(),
        asking: request.zip(shown.as_ref()).map(|(request, shown)| request.asking(shown)),
        providers: &buttons,
        username: trouble.map_or("", |(name, _)| name),
        trouble: trouble.map(|(_, trouble)| trouble),
        hidden: Hidden { request: Some(&ticket), csrf: &csrf },
    };
    let mut answer = web.page(status, &page.render());
    if let Some((_, SignInTrouble::Throttled(wait))) = trouble {
        let wait = retry_after(TooOften { retry_after: wait });
        answer.headers.insert(header::RETRY_AFTER, wait);
    }
    answer
}

/// The page once more, with what went wrong. Who asks is shown again where a client sent the person here.
pub(super) async fn again(
    web: &Web<'_>,
    onward: &str,
    name: &str,
    trouble: SignInTrouble<'_>,
    record: &mut OpenRecord,
) -> Outcome {
    let request = match onward.strip_prefix("/authorize?") {
        Some(query) => recheck(web, query, record).await?,
        None => None,
    };
    Ok(ask(web, onward, request.as_ref(), Some((name, trouble)), record))
}

/// Where a form of ours leads, if it is one and was given out to this browser.
pub(super) fn onward(web: &Web<'_>, fields: &Parameters) -> Option<String> {
    if !web.is_ours(fields.get("csrf")) {
        return None;
    }
    web.app.tickets().open(Purpose::Onward, fields.get("request")?, &web.browser, web.now())
}

/// Counts one attempt, of the name from this address and of the address alone.
fn count(web: &Web<'_>, both: &str) -> Result<(), TooOften> {
    let now = web.now();
    web.app.rates().check(Counted::SignInFailureOfAddress, &web.address, now)?;
    web.app.rates().admit(Counted::SignInFailure, both, now)?;
    web.app.rates().admit(Counted::SignInFailureOfAddress, &web.address, now)
}

/// The user of that name, if the password is theirs. As much work for a name that does not exist.
async fn verified(web: &Web<'_>, name: &str, given: Secret) -> Result<Option<User>, StoreError> {
    let user = web.app.store().user(name).await?;
    let hash = user.as_ref().map(|user| user.password_hash.clone());
    let right = web.app.people().passwords(move || password::verify(&given, hash.as_deref())).await;
    Ok(user.filter(|_| right))
}

fn person(user: User) -> Person {
    Person {
        subject: user.name.clone(),
        name: user.name,
        groups: user.groups,
        domain: None,
        administrator: user.administrator,
    }
}

pub(super) fn reason(trouble: SignInTrouble<'_>) -> &'static str {
    match trouble {
        SignInTrouble::Wrong => "sign_in_failed",
        SignInTrouble::Throttled(_) => "sign_in_throttled",
        SignInTrouble::Provider(_) => "sign_in_provider_refused",
        SignInTrouble::ProviderAway(_) => "sign_in_provider_away",
        SignInTrouble::NotAllowed(_) => "sign_in_not_allowed",
    }
}

/// Signs out in this browser. Goes back to where the person was on the way to, if the form says so.
pub(crate) async fn out(web: &Web<'_>, visit: Visit, record: &mut OpenRecord) -> Outcome {
    let session = Session::of(web.app, web.routes, &visit.headers).await?;
    let fields = read_form(web, &visit.headers, visit.body).await;
    let Ok(fields) = fields.and_then(|text| Parameters::parse(&text, &FIELDS)) else {
        return Ok(web.stale(record));
    };
    if !web.is_ours(fields.get("csrf")) {
        return Ok(web.stale(record));
    }
    let Some(session) = session else { return Ok(reply::see_other("/sign-in", record)) };
    record.person(&web.issuer(), &session.person.subject);
    let provider = session.person.subject.split_once(':').map(|(provider, _)| provider.to_owned());
    let onward = asked_again(web, &fields);
    let cookie: HeaderValue = session.end(web.app, web.routes).await?;
    let mut answer = if let Some(onward) = onward {
        reply::see_other(&onward, record)
    } else {
        record.allow();
        let page = SignedOut { host: web.host(), provider: provider.as_deref() };
        web.page(StatusCode::OK, &page.render())
    };
    answer.headers.append(header::SET_COOKIE, cookie);
    Ok(answer)
}
