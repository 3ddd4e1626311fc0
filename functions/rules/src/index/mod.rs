//! Finds the few policies that an event could pass, without evaluating the others.
//!
//! Owns what can be derived from a policy before an event is known. Decides no event: each candidate is then evaluated.
//!
//! # How it works
//!
//! A *term* is a small fact about an event: "the text at `context.user` is `bob`", "the action starts with `model_`",
//! "the address is in this /24". `required_clauses` derives from each policy the *clauses* that every passing event
//! satisfies; a clause is a list of terms of which the event has at least one. `posting_index` lists the policy under
//! the terms of only one clause, the one that the fewest other policies share, and stores a few terms of the other
//! clauses as *required terms*. `event_walk` visits the fields of an event once, along the paths of the `path_tree`,
//! which holds the paths that some policy names. It collects the values there and the terms that the event has. A
//! policy is a candidate if it is listed under one of these terms and the event has its required terms. A policy
//! without clauses is always a candidate.
//!
//! A candidate is evaluated with the collected values (`pattern::path_matcher`), without visiting the event again.
//!
//! # Why it is correct
//!
//! An event that passes a policy has a term of each of its clauses, and so a term of the clause under which the policy
//! is listed, and it has every required term. Thus the policy is among the candidates. A candidate that does not pass
//! is rejected by its evaluation. Therefore the index may omit a clause, shorten a text, or confuse two terms with
//! equal hashes. It must only never miss a term that an event has.
//!
//! # What it costs
//!
//! An event costs the time for its own fields, whatever the number of rules, and then for its candidates. Lengths of
//! prefixes, networks and number blocks are tried one by one, but a path has at most [`term::MAX_LENGTH`] + 1 of them.
//! A term that no policy uses usually costs one hash and the test of one bit.

mod clauses;
mod event_walk;
mod path_tree;
mod posting_index;
mod query_clauses;
mod required_clauses;
mod term;

pub(crate) use path_tree::PathTree;

use domain::rules_document::Policy;

use crate::event_view::EventView;
use crate::path_values::PathValues;
use event_walk::EventWalk;
use posting_index::{Entries, PostingIndex};
use required_clauses::RequiredClauses;

/// The policies of a document, indexed by the terms that a passing event must have.
#[derive(Debug, Clone)]
pub(crate) struct PolicyIndex {
    paths: PathTree,
    postings: PostingIndex,
}

impl PolicyIndex {
    /// Indexes the policies, each given with its number.
    pub(crate) fn build<'p>(policies: impl Iterator<Item = (u32, &'p Policy)>) -> Self {
        let mut paths = PathTree::new();
        let mut entries = Entries::default();
        let mut required = RequiredClauses::new();
        for (at, policy) in policies {
            for clauses in required.derive(policy, &mut paths) {
                entries.add(at, clauses);
            }
        }
        let postings = PostingIndex::build(entries, |term| paths.request(term));
        paths.finish();
        Self { paths, postings }
    }

    /// The numbers of the policies that the event could pass, each once, in ascending order, and the event's values for
    /// evaluating them.
    pub(crate) fn candidates<'f>(&self, view: &'f EventView<'_>) -> (Vec<u32>, PathValues<'f>) {
        let mut search = self.postings.search();
        let mut values = PathValues::new();
        EventWalk::run(view, &self.paths, &mut search, &mut values);
        (search.finish(), values)
    }

    /// The tree of all paths that an indexed policy names.
    pub(crate) fn paths(&self) -> &PathTree {
        &self.paths
    }

    /// The heap memory in bytes.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.paths.heap_bytes() + self.postings.heap_bytes()
    }
}
