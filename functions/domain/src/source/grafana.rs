//! Grafana's alerting: one event for the start and one for the end of each alert.
//! <https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/>

use serde_json::{Value, json};

use super::{InterpretedEvent, SourceRequest, Unmappable};
use crate::event::Object;
use crate::rules_document::{SecretRef, Verification};

pub(super) fn verification(secrets: Vec<SecretRef>) -> Verification {
    Verification::Header { header: "authorization".to_owned(), prefix: "Bearer ".to_owned(), tokens: secrets }
}

/// `grafana.alert` with `context.state`, named by fingerprint, start and state: repeated notifications are one event.
pub(super) fn events(request: &SourceRequest) -> Result<Vec<InterpretedEvent>, Unmappable> {
    let alerts = request.object()?.get("alerts").and_then(Value::as_array);
    let alerts = alerts.ok_or_else(|| Unmappable::new("alerts", "is missing, or is not a list"))?;
    alerts.iter().enumerate().map(|(place, alert)| event(place, alert)).collect()
}

fn event(place: usize, alert: &Value) -> Result<InterpretedEvent, Unmappable> {
    let missing = |name: &str| Unmappable::new(format!("alerts[{place}].{name}"), "is missing, or is not a text");
    let text = |name: &str| alert.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let state = text("status").ok_or_else(|| missing("status"))?;
    let fingerprint = text("fingerprint").ok_or_else(|| missing("fingerprint"))?;
    let starts = text("startsAt").unwrap_or_default();
    let at = if state == "resolved" { "endsAt" } else { "startsAt" };
    let mut context: Object = alert.as_object().cloned().unwrap_or_default();
    context.insert("state".to_owned(), json!(state));
    let event = InterpretedEvent::of("grafana.alert", context)?.at(alert.get(at));
    Ok(event.named(Some(&format!("{fingerprint}/{starts}/{state}"))))
}
