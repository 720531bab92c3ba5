//! Behaviour of the configuration as a user of the crate sees it.

mod access;
mod children;
mod export;
mod files;
mod lists;
mod mistakes;
mod overrides;
mod parts;
mod people;
mod support;
