//! The reading and operating API.
