//! The promises of the README on one machine, on the real binary: one module a promise.

mod commands;
mod crash;
mod delivery;
mod endpoints;
mod first_start;
mod identity;
mod reading;
mod recipients;
mod rules_file;
mod storms;
