//! Firefox.
