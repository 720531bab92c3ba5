//! Real SDK peers against a running Doorward.
//!
//! What the protocol's own implementations do on the wire, through the gateway and, as a control, directly.
