//! Finding the few policies that an event could pass without looking at the others.
//!
//! Owns what can be said of a policy before the event is known; judges no event: whatever it finds is
//! put to the policy itself.
//!
//! # How it works
//!
//! A *term* is a small fact about an event: "the text at `context.user` is `bob`", "the action starts with
//! `model_`", "the address lies in this /24". Of each policy `required` derives the terms without which no
//! event passes it, as *clauses*: of each clause one term must be there. `postings` files the policy under
//! the terms of one clause only, the one that the fewest other policies share, and notes a few of the
//! others as *guards*. For an event, `walk` goes through its fields once, along the `paths` that some policy
//! names: it notes the values there and makes the terms that the event has. What is filed under one of them,
//! and has its guards there, is a candidate. A policy of which nothing can be said is a candidate always.
//!
//! A candidate is put to the noted values (`pattern::flat`); the event is not gone through again.
//!
//! # Why it is right
//!
//! An event that passes a policy has one term of each of its clauses, so also of the clause under which the
//! policy is filed, and it has every guard: the policy is among the candidates. A candidate that does not
//! pass is found out when it is evaluated. Therefore an index may forget a clause, shorten a text, or take
//! two terms for one because their hashes are equal. It only must never miss a term that an event has.
//!
//! # What it costs
//!
//! An event costs its own fields, whatever the number of rules, and then its candidates. Lengths of prefixes,
//! networks and blocks of numbers are tried one by one, but there are at most [`term::MAX_LENGTH`] + 1 of them
//! at a path. A term that nothing is filed under mostly costs a hash and a look at one bit.

mod clauses;
mod event_walk;
mod path_tree;
mod posting_index;
mod required_clauses;
mod term;

pub(crate) use path_tree::PathTree;

use domain::document::Policy;

use crate::event_view::EventView;
use crate::path_values::PathValues;
use event_walk::EventWalk;
use posting_index::{Entries, PostingIndex};
use required_clauses::RequiredClauses;

/// The policies of a document, filed by what an event must have to pass them.
#[derive(Debug, Clone)]
pub(crate) struct PolicyIndex {
    paths: PathTree,
    postings: PostingIndex,
}

impl PolicyIndex {
    /// Of policies, which are known by their numbers from here on.
    pub(crate) fn of<'p>(policies: impl Iterator<Item = (u32, &'p Policy)>) -> Self {
        let mut paths = PathTree::new();
        let mut entries = Entries::default();
        let mut required = RequiredClauses::new();
        for (at, policy) in policies {
            for clauses in required.of(policy, &mut paths) {
                entries.add(at, clauses);
            }
        }
        let postings = PostingIndex::of(entries, |term| paths.want(term));
        paths.finish();
        Self { paths, postings }
    }

    /// All the policies that the event could pass, each once, in order, and the values to put to them.
    pub(crate) fn candidates<'f>(&self, view: &'f EventView<'_>) -> (Vec<u32>, PathValues<'f>) {
        let mut search = self.postings.search();
        let mut values = PathValues::new();
        EventWalk::through(view, &self.paths, &mut search, &mut values);
        (search.finish(), values)
    }

    /// Every path that a policy names is known.
    pub(crate) fn paths(&self) -> &PathTree {
        &self.paths
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.paths.heap_bytes() + self.postings.heap_bytes()
    }
}
