//! What a caller of `POST /v1/events` may rely on, against the real store in a folder of its own.

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
