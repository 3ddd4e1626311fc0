//! The promises of the README on one machine, on the real binary: one module a promise.

mod authorization;
mod commands;
mod crash;
mod damage;
mod delivery;
mod documented;
mod endpoints;
mod erasure;
mod expressions;
mod first_start;
mod hostile;
mod identity;
mod jobs;
mod leaks;
mod live;
mod numbers;
mod origins;
mod process;
mod reading;
mod recipients;
mod rules_file;
mod signatures;
mod storms;
