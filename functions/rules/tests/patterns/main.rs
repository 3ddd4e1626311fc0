//! Event patterns: the corpus of their language, a second evaluation from its definition, and the reasons.

mod agreement;
mod corpus;
mod differences;
mod fields;

mod naive;
mod reasons;

mod world;
