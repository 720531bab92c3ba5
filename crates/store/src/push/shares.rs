//! Who has how much of the deliveries under way: no owner of webhooks, and no host that they lead to, is to hold the
//! places of all others, however slow it is.
//!
//! This only counts; the counts are of one process.

use std::{collections::HashMap, hash::Hash};

use super::PushConfig;
use crate::Owner;

/// How much each owner and each receiving host has under way, and how much it may have.
#[derive(Debug, Clone)]
pub struct Shares {
    most: usize,
    owners: HashMap<Owner, usize>,
    hosts: HashMap<String, usize>,
}

impl Shares {
    /// Nothing is under way. Each may have `most`.
    pub fn of(most: usize) -> Self {
        Self { most, owners: HashMap::new(), hosts: HashMap::new() }
    }

    /// Counts in a delivery to a webhook, unless its owner or its host has as much as it may have: then false.
    pub fn enter(&mut self, push: &PushConfig) -> bool {
        let host = host(&push.url);
        if is_full(&self.owners, &push.owner, self.most) || is_full(&self.hosts, &host, self.most) {
            return false;
        }
        *self.owners.entry(push.owner.clone()).or_default() += 1;
        *self.hosts.entry(host).or_default() += 1;
        true
    }

    /// Counts out what was counted in.
    pub fn leave(&mut self, push: &PushConfig) {
        count_out(&mut self.owners, &push.owner);
        count_out(&mut self.hosts, &host(&push.url));
    }

    /// Owners that have as much as they may have.
    pub(super) fn full_owners(&self) -> impl Iterator<Item = &str> {
        self.owners.iter().filter(|(_, count)| **count >= self.most).map(|(owner, _)| owner.as_str())
    }

    /// Hosts that have: the beginnings of their URLs, with a slash at the end.
    pub(super) fn full_hosts(&self) -> impl Iterator<Item = &str> {
        self.hosts.iter().filter(|(_, count)| **count >= self.most).map(|(host, _)| host.as_str())
    }
}

/// The beginning of a URL up to its path, as it is written, with a slash behind it.
fn host(url: &str) -> String {
    let authority = url.find("://").map_or(0, |at| at + 3);
    let end = url[authority..].find('/').map_or(url.len(), |at| authority + at);
    [&url[..end], "/"].concat()
}

fn is_full<K: Eq + Hash>(counts: &HashMap<K, usize>, key: &K, most: usize) -> bool {
    counts.get(key).is_some_and(|count| *count >= most)
}

fn count_out<K: Eq + Hash>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_what_stands_before_the_path() {
        for (url, expected) in [
            ("https://hook.example", "https://hook.example/"),
            ("https://hook.example/", "https://hook.example/"),
            ("https://hook.example:8443/a/b?c=/d", "https://hook.example:8443/"),
            ("http://hook.example?a", "http://hook.example?a/"),
            ("nonsense", "nonsense/"),
        ] {
            assert_eq!(host(url), expected);
        }
    }
}
