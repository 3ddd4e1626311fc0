//! Events as CSV (RFC 4180) that is safe to open in a spreadsheet.
//!
//! A cell that a spreadsheet would run as a formula is prefixed with an apostrophe: the sender of an event must not be
//! able to run anything on the reader's machine.

use std::fmt::Write as _;

use domain::Event;

/// Stable names and order. Add new columns at the end.
const COLUMNS: [&str; 10] =
    ["pk", "created", "action", "app", "username", "email", "client_ip", "expires", "user", "context"];

/// The characters that begin a formula or may precede one. Some spreadsheets also accept the full-width forms.
const FORMULA_STARTS: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// The line of column names.
pub(crate) fn header() -> String {
    format!("{}\r\n", COLUMNS.join(","))
}

/// Appends the event as a line. The cells `user` and `context` are JSON.
pub(crate) fn append(text: &mut String, event: &Event) {
    let json = |object| serde_json::to_string(object).unwrap_or_default();
    let cells: [String; COLUMNS.len()] = [
        event.pk.to_string(),
        domain::time::format(event.created),
        event.action.to_string(),
        event.app.clone(),
        event.user_str("username").unwrap_or_default().to_owned(),
        event.user_str("email").unwrap_or_default().to_owned(),
        event.client_ip.map(|address| address.to_string()).unwrap_or_default(),
        domain::time::format(event.expires),
        json(&event.user),
        json(&event.context),
    ];
    for (place, cell) in cells.iter().enumerate() {
        let comma = if place > 0 { "," } else { "" };
        let escape = if cell.starts_with(FORMULA_STARTS) { "'" } else { "" };
        let _ = if cell.contains([',', ';', '"', '\r', '\n']) {
            write!(text, "{comma}\"{escape}{}\"", cell.replace('"', "\"\""))
        } else {
            write!(text, "{comma}{escape}{cell}")
        };
    }
    text.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn cells_are_quoted_and_formulas_are_escaped() {
        let event = |app: &str, username: &str| -> Event {
            serde_json::from_value(json!({
                "pk": "018650dd-2c93-7f1e-8afe-ad5af90bf680", "user": { "username": username }, "action": "login",
                "app": app, "context": { "a": "b" }, "client_ip": null, "created": "2026-01-02T03:04:05Z",
                "expires": "2027-01-02T03:04:05Z", "brand": {}
            }))
            .unwrap()
        };
        for (app, username, expected) in [
            ("=1+1", "ann", "'=1+1,ann"),
            ("+1", "-1", "'+1,'-1"),
            ("@x", "\tx", "'@x,'\tx"),
            ("＝1+1", "a;=1+1", "'＝1+1,\"a;=1+1\""),
            ("\r=x", "a,b", "\"'\r=x\",\"a,b\""),
            ("say \"x\"", "=\"x\"", "\"say \"\"x\"\"\",\"'=\"\"x\"\"\""),
            ("a=b", "", "a=b,"),
        ] {
            let mut line = String::new();
            append(&mut line, &event(app, username));
            let start = "018650dd-2c93-7f1e-8afe-ad5af90bf680,2026-01-02T03:04:05.000000Z,login,";
            assert!(line.starts_with(&format!("{start}{expected},")), "{line}");
            assert!(line.ends_with(",\"{\"\"a\"\":\"\"b\"\"}\"\r\n"), "{line}");
        }
    }
}
