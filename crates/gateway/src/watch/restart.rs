//! What a running process cannot change about itself.

use doorward_config::{Loaded, MasterKeySource, Settings, StoreUrl};

use super::Again;

/// The keys whose new values have to wait for a restart.
pub(super) fn needed(running: &Again, wanted: &Loaded) -> Vec<&'static str> {
    let (old, new) = (&running.settings, &wanted.settings);
    let limits = |limits: &doorward_model::Limits| limits.connections;
    [
        ("listen.address", old.listen.address != new.listen.address),
        ("listen.admin", old.listen.admin != new.listen.admin),
        ("listen.trusted_proxies", old.listen.trusted_proxies != new.listen.trusted_proxies),
        ("listen.tls", old.listen.tls != new.listen.tls),
        ("listen.grace", old.listen.grace != new.listen.grace),
        ("store", !same_store(&old.store_url, &new.store_url)),
        ("keys", !same_key(&old.master_key, &new.master_key)),
        ("records", old.records != new.records),
        ("network.ca", old.ca != new.ca),
        ("network.allow_private", running.snapshot.allow_private != wanted.snapshot.allow_private),
        ("limits.connections", limits(&running.snapshot.limits) != limits(&wanted.snapshot.limits)),
    ]
    .into_iter()
    .filter_map(|(key, changed)| changed.then_some(key))
    .collect()
}

/// Whether the public URL would follow a listener that has not moved yet.
pub(super) fn moves_public_url(running: &Settings, wanted: &Loaded) -> bool {
    let (old, new) = (&running.listen, &wanted.settings.listen);
    let moved = old.address != new.address || old.tls.is_some() != new.tls.is_some();
    let scheme = if new.tls.is_some() { "https" } else { "http" };
    let follows = url::Url::parse(&format!("{scheme}://{}", new.address))
        .is_ok_and(|url| url.origin() == wanted.snapshot.public_url.origin());
    moved && follows
}

fn same_store(old: &StoreUrl, new: &StoreUrl) -> bool {
    match (old, new) {
        (StoreUrl::Sqlite(old), StoreUrl::Sqlite(new)) => old == new,
        (StoreUrl::Postgres(old), StoreUrl::Postgres(new)) => old.expose() == new.expose(),
        _ => false,
    }
}

fn same_key(old: &MasterKeySource, new: &MasterKeySource) -> bool {
    match (old, new) {
        (MasterKeySource::File(old), MasterKeySource::File(new)) => old == new,
        (MasterKeySource::Value(old), MasterKeySource::Value(new)) => old.expose() == new.expose(),
        _ => false,
    }
}
