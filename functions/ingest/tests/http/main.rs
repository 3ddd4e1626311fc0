//! The guarantees for callers of `POST /v1/events`, tested on the real store in a separate folder.

mod accepted;
mod arbitrary;
mod cloudevents;
mod failing;
mod log;
mod refused;
mod repeated;
mod seeds;
mod traced;
mod world;
