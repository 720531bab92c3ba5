//! To come: the protocol as a client and an upstream see it.
