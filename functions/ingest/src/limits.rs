//! The limits of a request. They are here because both the routes and the decoders use them.

/// The maximum size of a request's body in bytes, counted after decompression: 5 MiB.
pub const MAX_BODY_BYTES: usize = 5 * 1024 * 1024;

/// The maximum number of events in a request.
pub const MAX_EVENTS: usize = 1000;
