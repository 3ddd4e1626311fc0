//! The store, queue and ledger on one local SQLite file.
