//! Secrets that credentials refer to: names come out, values go in.

use doorward_model::{Name, Secret, Timestamp};
use doorward_store::{PutSecret, SecretSeen, StoreError};
use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Problem, json as answer};
use crate::{
    oauth::{Web, read_json},
    path::{Answer, OpenRecord, Refusal, Visit},
    secrets::{self, LONGEST, MOST},
};

/// The largest body, in bytes: JSON may write a character in six.
const MAX_BODY: usize = LONGEST * 6 + 1024;

/// What is sent to store a secret.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entered {
    value: String,
}

/// The names of all secrets.
pub(super) async fn list(web: &Web<'_>) -> Result<Answer, StoreError> {
    let seen = web.app.store().secrets().await?;
    let list: Vec<_> = seen.iter().map(|secret| shown(web, secret)).collect();
    Ok(answer(StatusCode::OK, json!({ "secrets": list }).to_string()))
}

/// Stores or removes a secret.
pub(super) async fn change(
    web: &Web<'_>,
    name: &str,
    visit: Visit,
    record: &mut OpenRecord,
) -> Result<Result<Answer, Problem>, Refusal> {
    let Ok(name) = Name::parse(name) else { return Ok(Err(Problem::NameInvalid)) };
    if visit.method == Method::DELETE {
        remove(web, &name, record).await
    } else {
        put(web, &name, visit, record).await
    }
}

async fn put(
    web: &Web<'_>,
    name: &Name,
    visit: Visit,
    record: &mut OpenRecord,
) -> Result<Result<Answer, Problem>, Refusal> {
    let body = read_json(web, &visit.headers, visit.body, MAX_BODY).await;
    // The members may not come without their names, as a list.
    let body = body.ok().filter(|body| body.trim_ascii_start().starts_with(b"{"));
    let entered = body.and_then(|body| serde_json::from_slice::<Entered>(&body).ok());
    let Some(value) = entered.map(|entered| Secret::new(entered.value)) else {
        return Ok(Err(Problem::BodyInvalid));
    };
    if secrets::check(&value).is_err() {
        return Ok(Err(Problem::SecretInvalid));
    }
    let sealed = secrets::seal(web.app.envelope(), name, &value);
    let (store, now) = (web.app.store(), web.now());
    let (what, status) = match store.put_secret(name, &sealed, MOST, now).await? {
        PutSecret::New => ("stored", StatusCode::CREATED),
        PutSecret::Changed => ("changed", StatusCode::OK),
        PutSecret::TooMany => return Ok(Err(Problem::TooManySecrets)),
    };
    record.secret(what, name);
    let stored = store.secrets().await?.into_iter().find(|secret| secret.name == *name);
    // Somebody else may have removed it already.
    let stored = stored.unwrap_or_else(|| SecretSeen { name: name.clone(), created: now, changed: now });
    Ok(Ok(answer(status, shown(web, &stored).to_string())))
}

async fn remove(
    web: &Web<'_>,
    name: &Name,
    record: &mut OpenRecord,
) -> Result<Result<Answer, Problem>, Refusal> {
    if is_used(web, name) {
        return Ok(Err(Problem::SecretInUse));
    }
    if !web.app.store().remove_secret(name).await? {
        return Ok(Err(Problem::SecretUnknown));
    }
    record.secret("removed", name);
    Ok(Ok(Answer::empty(StatusCode::NO_CONTENT)))
}

fn is_used(web: &Web<'_>, name: &Name) -> bool {
    web.routes.snapshot.stored_secrets.contains(name)
}

fn shown(web: &Web<'_>, secret: &SecretSeen) -> Value {
    json!({
        "name": secret.name.as_str(),
        "created": Timestamp::to_rfc3339(secret.created),
        "changed": Timestamp::to_rfc3339(secret.changed),
        "used": is_used(web, &secret.name),
    })
}
