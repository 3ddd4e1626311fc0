//! The parameters by which events are chosen, the same wherever events are.

use domain::query::EventQuery;
use domain::query::search::{Search, SyntaxError};
use serde::Serialize;

/// How the text in `search` was understood.
#[derive(Serialize)]
#[serde(tag = "as", rename_all = "lowercase")]
pub(crate) enum Understood {
    /// As a query.
    Query,
    /// As text that stands somewhere in the event, because it is no query.
    Text {
        /// What keeps it from being one.
        why: String,
    },
}

/// What `search` asks for, and how it was understood; an empty one asks for nothing.
pub(crate) fn search(text: Option<&str>) -> (Option<Search>, Option<Understood>) {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return (None, None) };
    let (search, why) = Search::read(text);
    let why = why.map_or(Understood::Query, |why: SyntaxError| Understood::Text { why: why.to_string() });
    (Some(search), Some(why))
}

/// A request's parameters: its own, and those by which events are chosen. (Flattening one struct into another would
/// lose the numbers and the errors for unknown names.)
macro_rules! filtered {
    ($(#[$doc:meta])* $name:ident { $($own:ident: $kind:ty),* $(,)? }) => {
        $(#[$doc])*
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(crate) struct $name {
            $($own: $kind,)*
            action: Option<domain::event::ActionPattern>,
            app: Option<String>,
            username: Option<String>,
            client_ip: Option<std::net::IpAddr>,
            model: Option<String>,
            model_pk: Option<String>,
            #[serde(default, deserialize_with = "domain::time::parameter")]
            since: Option<domain::Timestamp>,
            #[serde(default, deserialize_with = "domain::time::parameter")]
            until: Option<domain::Timestamp>,
            search: Option<String>,
        }

        impl $crate::filters::Filtered for $name {
            fn query(&self) -> (domain::query::EventQuery, Option<$crate::filters::Understood>) {
                let (search, understood) = $crate::filters::search(self.search.as_deref());
                let query = domain::query::EventQuery {
                    action: self.action.clone(),
                    app: self.app.clone(),
                    username: self.username.clone(),
                    client_ip: self.client_ip.map(|address| address.to_canonical()),
                    model: self.model.clone(),
                    model_pk: self.model_pk.clone(),
                    since: self.since,
                    until: self.until,
                    search,
                    ..domain::query::EventQuery::default()
                };
                (query, understood)
            }
        }
    };
}
pub(crate) use filtered;

/// Parameters that choose events.
pub(crate) trait Filtered {
    /// The query without cursor and limit, and how its text was understood.
    fn query(&self) -> (EventQuery, Option<Understood>);
}
