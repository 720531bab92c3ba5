//! Agents: each operation over each binding, in either version, to agents of either; and what the door adds.

mod bindings;
mod broken;
mod cards;
mod limits;
mod lists;
mod lossless;
mod reviewed;
mod routing;
mod streams;
mod tasks;
mod threats;
mod versions;
mod who;
