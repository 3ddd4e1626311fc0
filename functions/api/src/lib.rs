//! What both HTTP functions share: problem+json, token checks, body limits, headers.
