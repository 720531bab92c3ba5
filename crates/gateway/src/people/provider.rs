//! Signing in by way of an OpenID provider: code, PKCE, nonce and `iss`.
//!
//! Nobody is sent there but by a button on a page of ours that says which client and which virtual server it is for. The
//! way back counts once, and only in the browser that was sent.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use doorward_auth::{
    keys::hash,
    server::{form::Parameters, pkce, token},
    sign_in::{self, Attempt, Callback, Endpoints, SignedIn},
};
use doorward_egress::{Trust, read_capped};
use doorward_model::{Algorithm, Fault, Issuer, Secret, SignInProvider, Timestamp};
use doorward_store::StoreError;
use serde::{Deserialize, Serialize};
use url::Url;

use super::{
    sign_in::{again, onward, reason as sign_in_reason, welcome},
    ticket::Purpose,
};
use crate::{
    issuers::discovery_urls,
    oauth::{Outcome, Web, read_form, reply},
    pages::SignInTrouble,
    path::{OpenRecord, Reason, Visit},
    token_endpoint,
};

const FIELDS: [&str; 2] = ["request", "csrf"];
/// How long a provider's endpoints are remembered, in seconds.
const REMEMBERED: i64 = 600;
/// How long a provider may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Largest answer of a provider, in bytes.
const MAX_DOCUMENT: usize = 256 << 10;

/// The endpoints of sign-in providers, by issuer.
pub(crate) struct Providers(Mutex<HashMap<String, (Arc<Endpoints>, Timestamp)>>);

/// What `state` carries to the provider and back.
#[derive(Debug, Serialize, Deserialize)]
struct State {
    id: String,
    provider: String,
    nonce: String,
    verifier: String,
    onward: String,
}

/// Why a way back leads nowhere.
enum Failed {
    /// The provider does not answer, or not as it should.
    Away(String),
    /// The sign-in was broken off, or does not hold.
    Refused(String),
}

impl Providers {
    pub(super) fn new() -> Self {
        Self(Mutex::default())
    }

    /// Where a provider is asked what. Fetched when it is not known, or not any more.
    async fn endpoints(&self, web: &Web<'_>, provider: &SignInProvider) -> Result<Arc<Endpoints>, String> {
        let now = web.now();
        if let Some((endpoints, until)) = self.lock().get(&provider.issuer)
            && now < *until
        {
            return Ok(Arc::clone(endpoints));
        }
        let endpoints = Arc::new(discover(web, provider).await?);
        let kept = (Arc::clone(&endpoints), now.plus_secs(REMEMBERED));
        self.lock().insert(provider.issuer.clone(), kept);
        Ok(endpoints)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, (Arc<Endpoints>, Timestamp)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn discover(web: &Web<'_>, provider: &SignInProvider) -> Result<Endpoints, String> {
    let base = Url::parse(&provider.issuer).map_err(|_| "the issuer is not a URL".to_owned())?;
    let mut last = String::from("no discovery document");
    for url in discovery_urls(&base) {
        match web.app.egress().fetch(&url, Trust::Declared, MAX_DOCUMENT).await {
            Ok((text, _)) => {
                return Endpoints::read(&text, &provider.issuer).map_err(|error| format!("{url}: {error}"));
            }
            Err(error) => last = format!("{url}: {error}"),
        }
    }
    Err(last)
}

/// Sends a person to a provider.
pub(crate) async fn go(web: &Web<'_>, name: &str, visit: Visit, record: &mut OpenRecord) -> Outcome {
    let provider = provider(web, name)?;
    let fields = read_form(web, &visit.headers, visit.body).await;
    let Ok(fields) = fields.and_then(|text| Parameters::parse(&text, &FIELDS)) else {
        return Ok(web.stale(record));
    };
    let Some(onward) = onward(web, &fields) else { return Ok(web.stale(record)) };
    let endpoints = match web.app.people().providers.endpoints(web, &provider).await {
        Ok(endpoints) => endpoints,
        Err(why) => {
            tracing::warn!(provider = name, %why, "a sign-in provider cannot be asked");
            record.failed("sign_in_provider_away", Some(why), Fault::Upstream);
            return again(web, &onward, "", SignInTrouble::ProviderAway(name), record).await;
        }
    };
    let (verifier, nonce) = (pkce::new_verifier(), hash::random_hex::<16>());
    let challenge = pkce::challenge(verifier.expose());
    let state = State {
        id: hash::random_hex::<16>(),
        provider: name.to_owned(),
        nonce: nonce.clone(),
        verifier: verifier.expose().to_owned(),
        onward,
    };
    let attempt = Attempt {
        redirect_uri: &redirect_uri(web, name),
        state: &web.app.tickets().seal(Purpose::SignIn, &state, &web.browser, web.now()),
        nonce: &nonce,
        challenge: &challenge,
        again: false,
    };
    let url = sign_in::authorization_url(&provider, &endpoints, &attempt);
    Ok(reply::see_other(url.as_str(), record))
}

/// Takes a person back from a provider.
pub(crate) async fn back(web: &Web<'_>, name: &str, visit: Visit, record: &mut OpenRecord) -> Outcome {
    let provider = provider(web, name)?;
    let Ok(callback) = Callback::parse(&visit.query) else { return Ok(web.stale(record)) };
    let Some(state) = state(web, name, &callback).await? else { return Ok(web.stale(record)) };
    match signed_in(web, &provider, &state, &callback).await {
        Ok(who) => admit(web, &provider, who, &state.onward, record).await,
        Err(failed) => {
            let (trouble, why, fault) = match failed {
                Failed::Away(why) => (SignInTrouble::ProviderAway(name), why, Fault::Upstream),
                Failed::Refused(why) => (SignInTrouble::Provider(name), why, Fault::Caller),
            };
            tracing::warn!(provider = name, %why, "a sign-in did not hold");
            record.failed(sign_in_reason(trouble), Some(why), fault);
            again(web, &state.onward, "", trouble, record).await
        }
    }
}

/// Lets somebody in whom the provider vouches for, if the operator does too.
async fn admit(
    web: &Web<'_>,
    provider: &SignInProvider,
    who: SignedIn,
    onward: &str,
    record: &mut OpenRecord,
) -> Outcome {
    let domain = who.domain();
    record.person(&web.issuer(), &who.subject);
    if !sign_in::allows(&provider.allow, &who.sub, &who.groups, domain.as_deref()) {
        let trouble = SignInTrouble::NotAllowed(provider.name.as_str());
        return again(web, onward, "", trouble, record).await;
    }
    welcome(web, &who.into_person(), onward, record).await
}

/// What was sent along, if it is ours, was given to this browser, and comes back for the first time.
async fn state(web: &Web<'_>, name: &str, callback: &Callback) -> Result<Option<State>, StoreError> {
    let now = web.now();
    let opened = web.app.tickets().open::<State>(Purpose::SignIn, callback.state(), &web.browser, now);
    let Some(state) = opened.filter(|state| state.provider == name) else { return Ok(None) };
    let first =
        web.app.store().use_once("sign-in", &token::hash(&state.id), now.plus_secs(REMEMBERED)).await?;
    Ok(first.then_some(state))
}

async fn signed_in(
    web: &Web<'_>,
    provider: &SignInProvider,
    state: &State,
    callback: &Callback,
) -> Result<SignedIn, Failed> {
    let refused = |error: &dyn std::error::Error| Failed::Refused(error.to_string());
    let endpoints = web.app.people().providers.endpoints(web, provider).await.map_err(Failed::Away)?;
    let code = callback.code(&provider.issuer, endpoints.names_issuer).map_err(|error| refused(&error))?;
    let answer = exchange(web, provider, &endpoints, &code, state).await?;
    let id_token = sign_in::id_token(&answer).map_err(|error| refused(&error))?;
    let issuer = as_issuer(provider, &endpoints);
    let keys = web.app.issuers().keys(&issuer).await.map_err(|error| Failed::Away(error.to_string()))?;
    let verify = |keys| sign_in::verify_id_token(id_token.expose(), provider, keys, &state.nonce, web.now());
    match verify(&keys) {
        Err(error) if error.needs_keys() => match web.app.issuers().newer_keys(&issuer, &keys).await {
            Some(newer) => verify(&newer),
            None => Err(error),
        },
        outcome => outcome,
    }
    .map_err(|error| refused(&error))
}

/// Redeems the provider's code.
async fn exchange(
    web: &Web<'_>,
    provider: &SignInProvider,
    endpoints: &Endpoints,
    code: &Secret,
    state: &State,
) -> Result<Bytes, Failed> {
    let verifier = Secret::new(state.verifier.clone());
    let redirect_uri = redirect_uri(web, provider.name.as_str());
    let call = sign_in::code_exchange(provider, endpoints, code, &redirect_uri, &verifier);
    let away = |why: &str| Failed::Away(why.to_owned());
    let outbound =
        token_endpoint::outbound(&endpoints.token, &call, trust(&endpoints.token, &provider.issuer));
    let outbound = outbound.map_err(|why| away(&why.to_string()))?;
    let answer = web.app.egress().send(outbound, PATIENCE).await;
    let answer = answer.map_err(|error| away(&error.to_string()))?;
    let read = tokio::time::timeout(PATIENCE, read_capped(answer.into_body(), MAX_DOCUMENT)).await;
    read.map_err(|_| away("too slow"))?.map_err(|error| away(&error.to_string()))
}

/// On the issuer's own origin an endpoint is as declared as the issuer itself.
fn trust(url: &Url, issuer: &str) -> Trust {
    let same = Url::parse(issuer).is_ok_and(|issuer| issuer.origin() == url.origin());
    if same { Trust::Declared } else { Trust::Guarded }
}

/// The provider as an issuer whose keys are kept.
fn as_issuer(provider: &SignInProvider, endpoints: &Endpoints) -> Issuer {
    let own = trust(&endpoints.keys, &provider.issuer) == Trust::Declared;
    Issuer {
        name: provider.name.clone(),
        issuer: provider.issuer.clone(),
        // Elsewhere the keys are found by discovery each time, and fetched through the guard.
        jwks_uri: own.then(|| endpoints.keys.clone()),
        algorithms: Algorithm::ALL.to_vec(),
        required_scope: None,
        id_jag: false,
    }
}

fn provider(web: &Web<'_>, name: &str) -> Result<Arc<SignInProvider>, Reason> {
    let found = web.routes.snapshot.sign_in.iter().find(|(known, _)| known.as_str() == name);
    found.map(|(_, provider)| Arc::clone(provider)).ok_or(Reason::NotFound)
}

/// `redirect_uri` at a provider: one for each, so that no two can be mixed up (RFC 9700 section 4.4).
fn redirect_uri(web: &Web<'_>, name: &str) -> String {
    format!("{}/sign-in/callback/{name}", web.issuer())
}
