//! The deployed system: `template.yaml` itself, with the real binaries, on an emulator of AWS. Each test
//! deploys a stack of its own.

mod archives;
mod described;
mod documented;
mod limits;
mod operate;
mod runs;
mod stack;
