//! Every page as a browser, an assistive program and an attacker meet it.

mod headers;
mod hostile;
mod html;
mod snapshots;
mod style;
pub(super) mod world;
