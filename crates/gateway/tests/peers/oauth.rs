//! The authorization server, as real programs use it: clients that know nothing but the address of a virtual server, a person
//! in front of a browser, and providers that the person signs in with.
//!
//! Where the pages themselves are not what is tried, `browser.mjs` stands in for the person and their browser. Clients that
//! open a browser by themselves find it as `BROWSER`, and as `xdg-open`. It returns at once, as a browser does: some
//! clients wait for it in the thread that also takes its answer.

mod conformance;
mod ground;
mod libraries;
mod pages;
mod programs;
mod providers;

pub(crate) use providers::script;
