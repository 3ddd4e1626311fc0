//! The outgoing transports: webhook, Slack format, e-mail, inbox; the outgoing guard and signing.
