//! Queries in AKQL: any text is either a query, which is read back as it is written, or is searched for literally, and
//! the response says where it is not a query.

#![no_main]

use std::sync::LazyLock;

use domain::event::Event;
use domain::query::search::{Search, SearchQuery};
use fuzz::{Posted, Posting};
use libfuzzer_sys::fuzz_target;

static EVENTS: LazyLock<Vec<Event>> = LazyLock::new(|| {
    let posting = Posting::default();
    let stored = fuzz::corpus().into_iter().flat_map(|event| posting.first(&Posted::json(event)).stored);
    stored.map(|event| (*event).clone()).collect()
});

fuzz_target!(|text: &str| {
    let (search, why) = Search::read(text);
    match (&search, why) {
        (Search::Query(query), None) => {
            let written = query.to_string();
            let read = SearchQuery::parse(&written).unwrap_or_else(|why| panic!("{written}: {why}"));
            assert_eq!(&read, query, "{written}");
            for event in &*EVENTS {
                assert_eq!(read.holds(event), search.matches(event));
            }
        }
        (Search::Text(_), Some(why)) => {
            assert_eq!(search, Search::text(text));
            let why = why.to_string();
            let (_, column) = why.rsplit_once("at column ").expect("a place");
            assert!((1..=text.chars().count() + 1).contains(&column.parse().expect("a number")), "{why}");
            for event in &*EVENTS {
                search.matches(event);
            }
        }
        (_, why) => panic!("{why:?}"),
    }
});
