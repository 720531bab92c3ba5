//! A2A: one operation, three bindings, two versions (A2A 1.0.1 and 0.3.0).
//!
//! What is asked is an [`Operation`] with its parameters; how it travels is a [`Binding`] in a [`Version`]. The ProtoJSON
//! of 1.0 is what everything is translated to where both sides differ. Where they do not, nothing is translated.

pub mod card;
mod dialect;
mod error;
mod facts;
mod failure;
mod names;
mod operation;
pub mod proto;
pub mod rest;
mod state;
pub mod translate;
mod write;

pub use dialect::Dialect;
pub use doorward_model::{A2aVersion as Version, Binding, UnsupportedVersion};
pub use error::{ErrorKind, GrpcCode};
pub use facts::{Asked, NotAnAnswer, TaskFacts, Told, push_config};
pub use failure::Failure;
pub use operation::Operation;
pub use state::TaskState;
