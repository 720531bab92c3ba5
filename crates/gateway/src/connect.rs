//! How accounts elsewhere are connected: Doorward as a client of other people's authorization servers.
//!
//! A person is led there by a page of Doorward's own that says where they go, and only they, in the same browser, can come
//! back; what comes of it is handed to [`crate::connections`], which alone keeps tokens and renews them. Nothing is ever
//! sent to an authorization server that a place did not have when it was first asked, or that the operator has not named
//! or approved since.
//!
//! | module | what |
//! |---|---|
//! | `places` | what can be connected, and for whom |
//! | `discovery` | which authorization server a place has, and what that says of itself |
//! | `registration` | as which client Doorward comes there |
//! | `authority` | both together, kept for a while |
//! | `ask` | requests to its token and revocation endpoints |
//! | `page` | what a person decides before they are sent there, and sending them |
//! | `callback` | what they come back with |
//! | `lost` | a client that its server does not know any more |
//! | `waiting` | the client that waits meanwhile, and going on to it |
//! | `mine` | "My connections": seeing, ending |

mod ask;
mod authority;
mod callback;
mod discovery;
mod lost;
mod mine;
mod page;
mod places;
mod registration;
mod waiting;

pub(crate) use ask::{AskError, ask_token};
pub(crate) use authority::{Authorities, Authorized, ConnectError, ask_again, authority, forget_client};
pub(crate) use callback::answer as callback;
pub(crate) use mine::{disconnect, list};
pub(crate) use page::{answer as page, asked_again};
pub(crate) use waiting::{Waiting, answer as go_on_with, go_on};
