//! Action names, such as `login_failed`, and patterns over them.
//!
//! Owns their syntax and the list of documented names.

use serde::{Deserialize, Serialize};

/// The documented actions. Callers may use any other well-formed name.
pub const KNOWN_ACTIONS: [&str; 24] = [
    "login",
    "login_failed",
    "logout",
    "user_write",
    "suspicious_request",
    "password_set",
    "secret_view",
    "secret_rotate",
    "invitation_used",
    "authorize_application",
    "source_linked",
    "impersonation_started",
    "impersonation_ended",
    "policy_execution",
    "policy_exception",
    "property_mapping_exception",
    "system_task_exception",
    "system_exception",
    "configuration_error",
    "model_created",
    "model_updated",
    "model_deleted",
    "email_sent",
    "update_available",
];

const MAX_CHARS: usize = 128;

/// An action name: `[a-z][a-z0-9_.:-]*`, at most 128 characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Action(String);

/// Why a text is not an action name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ActionError {
    /// The text is empty.
    #[error("action is empty; name what happened, such as \"login_failed\"")]
    Empty,
    /// The text has this many characters, which is too long.
    #[error("action has {0} characters; at most {MAX_CHARS} are allowed")]
    TooLong(usize),
    /// The text has a character that is not allowed, or starts with one that must not be first.
    #[error(
        "action must start with a-z and hold only a-z, 0-9, _ . : -, such as \"login_failed\" or \"custom_backup\""
    )]
    Malformed,
}

impl Action {
    /// Parses an action name.
    ///
    /// # Errors
    /// If the text is empty, longer than 128 characters, or has characters that are not allowed.
    pub fn parse(text: &str) -> Result<Self, ActionError> {
        if text.is_empty() {
            return Err(ActionError::Empty);
        }
        let tail = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_.:-".contains(&byte);
        let well_formed = text.as_bytes()[0].is_ascii_lowercase() && text.bytes().all(tail);
        if !well_formed {
            return Err(ActionError::Malformed);
        }
        if text.len() > MAX_CHARS {
            return Err(ActionError::TooLong(text.len()));
        }
        Ok(Self(text.to_owned()))
    }

    /// Converts another system's name to a well-formed action: `OrderCreated` becomes `order_created`.
    ///
    /// # Errors
    /// If no usable character is left, or the result is too long.
    pub fn from_foreign(name: &str) -> Result<Self, ActionError> {
        let mut action = String::with_capacity(name.len() + 4);
        let mut after_lowercase = false;
        for character in name.chars() {
            if character.is_ascii_uppercase() && after_lowercase {
                action.push('_');
            }
            after_lowercase = character.is_ascii_lowercase() || character.is_ascii_digit();
            let lowered = character.to_ascii_lowercase();
            action.push(if lowered.is_ascii_alphanumeric() || "_.:-".contains(lowered) { lowered } else { '_' });
        }
        Self::parse(action.trim_start_matches(|first: char| !first.is_ascii_lowercase()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Action {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl TryFrom<String> for Action {
    type Error = ActionError;
    fn try_from(text: String) -> Result<Self, ActionError> {
        Self::parse(&text)
    }
}

impl From<Action> for String {
    fn from(action: Action) -> Self {
        action.0
    }
}

/// An action, or a prefix followed by `*`. `*` alone matches every action.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ActionPattern {
    /// Matches this action only.
    Exact(Action),
    /// Matches every action with this prefix.
    Prefix(String),
}

impl ActionPattern {
    /// Parses `login_failed` or `model_*`.
    ///
    /// # Errors
    /// If the part before the `*`, or the whole text, is not a valid action.
    pub fn parse(text: &str) -> Result<Self, ActionError> {
        match text.strip_suffix('*') {
            Some("") => Ok(Self::Prefix(String::new())),
            Some(start) => Action::parse(start).map(|action| Self::Prefix(action.0)),
            None => Action::parse(text).map(Self::Exact),
        }
    }

    /// Whether the pattern matches the action.
    pub fn matches(&self, action: &Action) -> bool {
        match self {
            Self::Exact(exact) => exact == action,
            Self::Prefix(start) => action.as_str().starts_with(start.as_str()),
        }
    }
}

impl std::fmt::Display for ActionPattern {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exact(action) => formatter.write_str(action.as_str()),
            Self::Prefix(start) => write!(formatter, "{start}*"),
        }
    }
}

impl TryFrom<String> for ActionPattern {
    type Error = ActionError;
    fn try_from(text: String) -> Result<Self, ActionError> {
        Self::parse(&text)
    }
}

impl From<ActionPattern> for String {
    fn from(pattern: ActionPattern) -> Self {
        pattern.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_action_is_well_formed() {
        for name in KNOWN_ACTIONS {
            assert!(Action::parse(name).is_ok(), "{name}");
        }
    }

    #[test]
    fn malformed_actions_are_refused() {
        assert_eq!(Action::parse(""), Err(ActionError::Empty));
        for bad in ["Login", "1st", "_x", "a b", "é", "a\0", "a/b"] {
            assert_eq!(Action::parse(bad), Err(ActionError::Malformed), "{bad:?}");
        }
        assert!(Action::parse(&"a".repeat(128)).is_ok());
        assert_eq!(Action::parse(&"a".repeat(129)), Err(ActionError::TooLong(129)));
    }

    #[test]
    fn foreign_names_become_actions() {
        for (foreign, action) in
            [("push", "push"), ("OrderCreated", "order_created"), ("v1 done!", "v1_done_"), ("S3Event", "s3_event")]
        {
            assert_eq!(Action::from_foreign(foreign).unwrap().as_str(), action);
        }
        assert!(Action::from_foreign("42").is_err());
    }

    #[test]
    fn patterns() {
        let failed = Action::parse("login_failed").unwrap();
        for (pattern, admits) in
            [("login_failed", true), ("login*", true), ("*", true), ("login", false), ("logout*", false)]
        {
            let parsed = ActionPattern::parse(pattern).unwrap();
            assert_eq!(parsed.matches(&failed), admits, "{pattern}");
            assert_eq!(parsed.to_string(), pattern);
        }
        assert!(ActionPattern::parse("log*in").is_err());
    }
}
