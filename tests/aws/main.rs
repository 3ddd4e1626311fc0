//! The deployed system: `template.yaml` itself, with the real binaries, on an emulator of AWS. Each test
//! deploys a stack of its own.

mod alarms;
mod archives;
mod aside;
mod described;
mod documented;
mod lambda;
mod limits;
mod operate;
mod resolved;
mod roles;
mod runs;
mod stack;
