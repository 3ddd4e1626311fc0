//! Scheduled: purge what has expired, send what is due.
