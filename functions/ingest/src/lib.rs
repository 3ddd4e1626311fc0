//! HTTP request to stored and queued events.
