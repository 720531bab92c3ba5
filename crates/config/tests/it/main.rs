//! Behaviour of the configuration as a user of the crate sees it.

mod access;
mod agents;
mod api_keys;
mod children;
mod credentials;
mod export;
mod files;
mod lists;
mod mistakes;
mod overrides;
mod parts;
mod people;
mod rates;
mod support;
