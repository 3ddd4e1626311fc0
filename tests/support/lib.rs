//! Shared by the tests: events, a webhook receiver, and a clock and random numbers that tests control.
//!
//! Every server here listens on 127.0.0.1 at a free port, and stops when its value is dropped.
#![doc = include_str!("../README.md")]
#![expect(clippy::missing_panics_doc, reason = "what the tests share panics when a test fails")]

pub mod binaries;
mod chance;
mod clock;
pub mod detection_reference;
pub mod emulator;
mod event;
pub mod flaky;
pub mod gateway;
pub mod mmdb;
pub mod nuncio;
pub mod pages;
pub mod proxy;
pub mod recording;
pub mod simulation;
mod sink;
pub mod smtp;
pub mod table;
pub mod tls;
pub mod tools;

pub use chance::{SeededEntropy, random_bits, unique};
pub use clock::FakeClock;
pub use event::{EventBuilder, event};
pub use sink::{Answer, Received, Sink};
