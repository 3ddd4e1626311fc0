//! The index finds exactly the rules that fire, for any document and any event.

mod agreement;
mod alternatives;
mod mixes;
mod scale;
