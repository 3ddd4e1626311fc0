//! The guarantees of `tests/README.md` on one machine, on the real binary: one module per guarantee.

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
mod guides;
mod hostile;
mod identity;
mod jobs;
mod leaks;
mod live;
mod numbers;
mod origins;
mod overviews;
mod parameters;
mod process;
mod reading;
mod recipients;
mod rules_file;
mod signatures;
mod storms;
