//! The machine it runs on: clock, dice, environment, log.
