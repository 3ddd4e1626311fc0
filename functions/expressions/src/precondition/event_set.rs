//! Sets of events, approximated from above.
//!
//! Owns union and intersection. A result may contain more events than the exact set, never fewer.

use domain::event::ActionPattern;
use domain::rules_document::{AddressSet, Precondition};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// A condition with a longer list is dropped.
const MAX_LISTED: usize = 64;

/// A set of events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum EventSet {
    /// The empty set: the condition cannot have this result.
    Never,
    /// The events that meet the precondition.
    Only(Precondition),
    /// The set of all events, also the result for a condition that is not understood.
    Any,
}

impl EventSet {
    pub(super) fn into_precondition(self) -> Precondition {
        match self {
            Self::Only(precondition) => precondition,
            // `Precondition` cannot express "never". Running such a useless body is correct, only slower.
            Self::Never | Self::Any => Precondition::default(),
        }
    }

    pub(super) fn actions(action: Vec<ActionPattern>) -> Self {
        Self::Only(Precondition { action, ..Precondition::default() })
    }

    pub(super) fn app(app: &str) -> Self {
        Self::Only(Precondition { app: Some(app.to_owned()), ..Precondition::default() })
    }

    pub(super) fn addresses(nets: Vec<IpNet>, or_none: bool) -> Self {
        let client_ip = Some(AddressSet { nets, or_none });
        Self::Only(Precondition { client_ip, ..Precondition::default() })
    }

    /// The events with a client address.
    pub(super) fn with_address() -> Self {
        Self::addresses(vec![IpNet::V4(Ipv4Net::default()), IpNet::V6(Ipv6Net::default())], false)
    }

    /// The intersection, or a larger set where a precondition cannot express it.
    pub(super) fn and(self, other: &Self) -> Self {
        match (self, other) {
            (Self::Never, _) | (_, Self::Never) => Self::Never,
            (Self::Any, other) => other.clone(),
            (one, Self::Any) => one,
            (Self::Only(one), Self::Only(other)) => {
                let client_ip = match (one.client_ip, &other.client_ip) {
                    (Some(one), Some(other)) => Some(intersection(&one, other)),
                    (one, other) => one.or_else(|| other.clone()),
                };
                let action = if one.action.is_empty() { other.action.clone() } else { one.action };
                let app = match (one.app, &other.app) {
                    // If both apps match, one is a prefix of the other; the longer one is the stricter condition.
                    (Some(one), Some(other)) => Some(if one.len() >= other.len() { one } else { other.clone() }),
                    (one, other) => one.or_else(|| other.clone()),
                };
                Self::Only(Precondition { action, app, client_ip })
            }
        }
    }

    /// The union, or a larger set where a precondition cannot express it.
    pub(super) fn or(self, other: &Self) -> Self {
        match (self, other) {
            (Self::Any, _) | (_, Self::Any) => Self::Any,
            (Self::Never, other) => other.clone(),
            (one, Self::Never) => one,
            (Self::Only(one), Self::Only(other)) => {
                let mut action = one.action;
                if action.is_empty() || other.action.is_empty() || action.len() + other.action.len() > MAX_LISTED {
                    action.clear();
                } else {
                    let new = other.action.iter().filter(|pattern| !action.contains(pattern)).cloned();
                    let new: Vec<_> = new.collect();
                    action.extend(new);
                }
                let app = one.app.filter(|app| Some(app) == other.app.as_ref());
                let client_ip = one.client_ip.zip(other.client_ip.as_ref()).map(|(mut one, other)| {
                    one.nets
                        .extend(other.nets.iter().filter(|net| !one.nets.contains(net)).copied().collect::<Vec<_>>());
                    AddressSet { nets: one.nets, or_none: one.or_none || other.or_none }
                });
                let client_ip = client_ip.filter(|addresses| addresses.nets.len() <= MAX_LISTED);
                let all = Precondition { action, app, client_ip };
                if all == Precondition::default() { Self::Any } else { Self::Only(all) }
            }
        }
    }
}

/// The addresses in both. Two networks are either nested or disjoint.
fn intersection(one: &AddressSet, other: &AddressSet) -> AddressSet {
    let pairs = one.nets.iter().flat_map(|net| other.nets.iter().map(move |other| (*net, *other)));
    let mut nets: Vec<IpNet> = pairs
        .filter_map(|(one, other)| if other.contains(&one) { Some(one) } else { one.contains(&other).then_some(other) })
        .collect();
    nets.dedup();
    if nets.len() > MAX_LISTED {
        nets.clone_from(&one.nets);
    }
    AddressSet { nets, or_none: one.or_none && other.or_none }
}
