//! What an operation asks of AWS, in the units that AWS bills and limits.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Amounts by name: requests by operation, or units by the kind of partition.
pub type Amounts = BTreeMap<String, f64>;

/// What one operation costs. A kind of partition is the first part of its key: `E` for `E#20260131#3`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Requests by operation, such as `PutItem`.
    pub requests: Amounts,
    /// Write units by the kind of partition, those of the index included.
    pub writes: Amounts,
    /// Read units by the kind of partition.
    pub reads: Amounts,
    /// Requests to the queue as billed: each started 64 KiB.
    pub queue_requests: f64,
    /// Queue messages sent.
    pub messages: f64,
    /// How many requests followed one another: those made at the same time count as one.
    pub rounds: f64,
}

impl Cost {
    /// Each amount divided by `count`.
    #[must_use]
    pub fn per(&self, count: usize) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "counts are small")]
        self.scaled(1.0 / count as f64)
    }

    /// Each amount multiplied by `factor`.
    #[must_use]
    pub fn scaled(&self, factor: f64) -> Self {
        let scale = |amounts: &Amounts| amounts.iter().map(|(name, amount)| (name.clone(), amount * factor)).collect();
        Self {
            requests: scale(&self.requests),
            writes: scale(&self.writes),
            reads: scale(&self.reads),
            queue_requests: self.queue_requests * factor,
            messages: self.messages * factor,
            rounds: self.rounds * factor,
        }
    }

    /// What this costs more than `other`. An amount of which `other` has more is zero.
    #[must_use]
    pub fn beyond(&self, other: &Self) -> Self {
        let less = |ours: &Amounts, theirs: &Amounts| {
            let rest = |(name, amount): (&String, &f64)| {
                let rest = round(amount - theirs.get(name).unwrap_or(&0.0));
                (rest > 0.0).then(|| (name.clone(), rest))
            };
            ours.iter().filter_map(rest).collect()
        };
        Self {
            requests: less(&self.requests, &other.requests),
            writes: less(&self.writes, &other.writes),
            reads: less(&self.reads, &other.reads),
            queue_requests: round(self.queue_requests - other.queue_requests).max(0.0),
            messages: round(self.messages - other.messages).max(0.0),
            rounds: round(self.rounds - other.rounds).max(0.0),
        }
    }

    /// The same in thousandths, which is as exact as the counts are.
    #[must_use]
    pub fn rounded(&self) -> Self {
        let mut all = self.scaled(1.0);
        for amounts in [&mut all.requests, &mut all.writes, &mut all.reads] {
            for amount in amounts.values_mut() {
                *amount = round(*amount);
            }
        }
        for amount in [&mut all.queue_requests, &mut all.messages, &mut all.rounds] {
            *amount = round(*amount);
        }
        all
    }

    /// All write units.
    pub fn write_units(&self) -> f64 {
        self.writes.values().sum()
    }

    /// All read units.
    pub fn read_units(&self) -> f64 {
        self.reads.values().sum()
    }

    /// Every amount with a name of its own, to compare two costs.
    pub fn amounts(&self) -> Amounts {
        let named = |kind: &'static str, amounts: &Amounts| {
            amounts.iter().map(move |(name, amount)| (format!("{kind} {name}"), *amount)).collect::<Vec<_>>()
        };
        let mut all: Amounts = named("requests", &self.requests).into_iter().collect();
        all.extend(named("writes", &self.writes));
        all.extend(named("reads", &self.reads));
        all.insert("queue requests".to_owned(), self.queue_requests);
        all.insert("messages".to_owned(), self.messages);
        all
    }
}

fn round(amount: f64) -> f64 {
    (amount * 1000.0).round() / 1000.0
}
