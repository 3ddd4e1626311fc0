//! Which rules an event matches, and why. Pure.
