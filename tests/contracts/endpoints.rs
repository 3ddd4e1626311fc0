//! The contract of every store of the endpoints' states: one request returns all of them, and a write succeeds only
//! with the last revision.

use domain::delivery::EndpointSignal;
use domain::delivery::endpoint::{Endpoint, EndpointState, FAILURES};
use domain::rules_document::{Transport, TransportKind};
use futures_util::future::join_all;
use support::unique;

use crate::world::{World, somewhen};

fn paused() -> EndpointState {
    let sign = EndpointSignal::Failing { not_before: None };
    EndpointState::Ready.after(sign, "the receiver answered 503", FAILURES, somewhen()).unwrap()
}

fn disabled() -> EndpointState {
    EndpointState::Disabled { since: somewhen(), why: "the receiver answered 410".to_owned() }
}

async fn replace(world: &World, endpoint: &Endpoint) -> bool {
    world.endpoints.replace(endpoint).await.unwrap()
}

async fn known(world: &World, transport: &Transport) -> Option<Endpoint> {
    world.endpoints.all().await.unwrap().into_iter().find(|endpoint| endpoint.transport == transport.name)
}

pub(crate) async fn keep_a_state_through_its_changes(world: &World) {
    let [one, other] = [unique("siem"), unique("a#b / \"é\"")].map(|name| Transport::named(name, TransportKind::Local));
    assert_eq!(known(world, &one).await, None);
    let first = Endpoint::next(None, &one, paused());
    let second = Endpoint::next(Some(&first), &one, disabled());
    assert!(!replace(world, &second).await, "there is nothing to replace");
    assert!(replace(world, &first).await);
    assert!(!replace(world, &first).await, "there is one already");
    assert!(replace(world, &Endpoint::next(None, &other, disabled())).await);
    assert_eq!(known(world, &one).await.as_ref(), Some(&first));
    assert!(replace(world, &second).await);
    for stale in [&first, &second, &Endpoint { revision: 3, ..second.clone() }] {
        assert!(!replace(world, stale).await);
    }
    assert_eq!(known(world, &one).await, Some(second));
    assert_eq!(known(world, &other).await.map(|endpoint| endpoint.revision), Some(0));
}

pub(crate) async fn let_one_of_sixteen_change_a_state(world: &World) {
    let transport = Transport::named(unique("siem"), TransportKind::Local);
    let firsts: Vec<_> = (0..16).map(|_| Endpoint::next(None, &transport, paused())).collect();
    let won = join_all(firsts.iter().map(|first| replace(world, first))).await;
    assert_eq!(won.iter().filter(|won| **won).count(), 1, "{won:?}");
    let known = known(world, &transport).await;
    let nexts: Vec<_> = (0..16).map(|_| Endpoint::next(known.as_ref(), &transport, disabled())).collect();
    let won = join_all(nexts.iter().map(|next| replace(world, next))).await;
    assert_eq!(won.iter().filter(|won| **won).count(), 1, "{won:?}");
}
