//! The query parameters that filter events, the same on every route about events.

use domain::query::EventQuery;
use domain::query::search::{Search, SyntaxError};
use serde::Serialize;

/// How the text of `search` was interpreted.
#[derive(Serialize)]
#[serde(tag = "as", rename_all = "lowercase")]
pub(crate) enum SearchInterpretation {
    /// As a query, because its syntax is valid.
    Query,
    /// As text to find anywhere in the event, because it is not a valid query.
    Text {
        /// Why the text is not a valid query, with the column of the error.
        why: String,
    },
}

/// Parses the text of `search`. Both are `None` for an empty text, which matches every event.
pub(crate) fn parse_search(text: Option<&str>) -> (Option<Search>, Option<SearchInterpretation>) {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return (None, None) };
    let (search, error) = Search::read(text);
    let interpretation = error.map_or(SearchInterpretation::Query, |error: SyntaxError| SearchInterpretation::Text {
        why: error.to_string(),
    });
    (Some(search), Some(interpretation))
}

/// Declares the query parameters of a route: the given ones, and those that filter events. (`#[serde(flatten)]` would
/// turn numbers into strings and accept unknown parameters.)
macro_rules! event_parameters {
    ($(#[$doc:meta])* $name:ident { $($own:ident: $kind:ty),* $(,)? }) => {
        $(#[$doc])*
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(crate) struct $name {
            $($own: $kind,)*
            action: Option<domain::event::ActionPattern>,
            app: Option<String>,
            username: Option<String>,
            client_ip: Option<domain::query::AddressRange>,
            model: Option<String>,
            model_pk: Option<String>,
            #[serde(default, deserialize_with = "domain::time::parameter")]
            since: Option<domain::Timestamp>,
            #[serde(default, deserialize_with = "domain::time::parameter")]
            until: Option<domain::Timestamp>,
            search: Option<String>,
        }

        impl $crate::event_filters::EventFilters for $name {
            fn query(&self) -> (domain::query::EventQuery, Option<$crate::event_filters::SearchInterpretation>) {
                let (search, interpretation) = $crate::event_filters::parse_search(self.search.as_deref());
                let query = domain::query::EventQuery {
                    action: self.action.clone(),
                    app: self.app.clone(),
                    username: self.username.clone(),
                    client_ip: self.client_ip,
                    model: self.model.clone(),
                    model_pk: self.model_pk.clone(),
                    since: self.since,
                    until: self.until,
                    search,
                    ..domain::query::EventQuery::default()
                };
                (query, interpretation)
            }
        }
    };
}
pub(crate) use event_parameters;

/// Query parameters that filter events.
pub(crate) trait EventFilters {
    /// The query, without cursor and limit, and how the text of `search` was interpreted.
    fn query(&self) -> (EventQuery, Option<SearchInterpretation>);
}
