//! The index: whatever is written and whatever happens, it finds the rules that fire, and only them.

mod agreement;
mod alternatives;
mod mixes;
mod scale;
