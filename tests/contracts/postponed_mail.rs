//! On AWS, mail that SES does not accept yet is postponed and then sent, whichever error SES returns; tested on the
//! real adapter, dispatcher and ledger.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws::{Adapters, Settings};
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use channels::Channels;
use dispatch::{DispatchPorts, Dispatcher};
use domain::Timestamp;
use domain::delivery::DeliveryState as Standing;
use domain::message::{QueueMessage, QueuedWork};
use domain::person::Person;
use domain::ports::{ActiveRules, Clock as _, Intake as _, Ledger as _, NoExpressions};
use domain::query::DeliveryQuery;
use domain::rules_document::{Binding, EventMatcher, Policy, Rule, RulesDocument, Transport};
use domain::testing::serialized;
use host::SystemClock;
use jiff::SignedDuration;
use support::emulator::Emulator;
use support::proxy::pass_on;
use support::{FakeClock, SeededEntropy, event, unique};
use tokio::net::TcpListener;

use crate::aws_world::place;
use crate::dispatchers::Fixed;

const FROM: &str = "throttled@example.org";
const CONFIGURATION_SET: &str = "alerts";

/// SES, except that it first refuses this number of mails, and only those with the configuration set.
#[derive(Clone)]
struct Ses {
    client: reqwest::Client,
    refusals: Arc<AtomicUsize>,
    code: &'static str,
    status: u16,
}

async fn ses(State(ses): State<Ses>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let text = String::from_utf8_lossy(&body);
    let is_mail =
        text.contains("Action=SendRawEmail") && text.contains(&format!("ConfigurationSetName={CONFIGURATION_SET}"));
    let refuses = |left: usize| left.checked_sub(1);
    if is_mail && ses.refusals.fetch_update(Ordering::SeqCst, Ordering::SeqCst, refuses).is_ok() {
        let error = format!("<Error><Type>Sender</Type><Code>{}</Code><Message>Too much.</Message></Error>", ses.code);
        let said = format!("<ErrorResponse xmlns=\"http://ses.amazonaws.com/doc/2010-12-01/\">{error}</ErrorResponse>");
        return Response::builder().status(ses.status).body(Body::from(said)).unwrap();
    }
    pass_on(&ses.client, parts, body).await.into()
}

fn rules() -> ActiveRules {
    let mut document = RulesDocument::default();
    let [email, _] = Transport::built_in();
    let mut rule = Rule::named("told");
    rule.group = Some("ops".to_owned());
    rule.transports = vec![email.name.clone()];
    rule.bindings = vec![Binding::to_policy("any")];
    document.transports.insert(email.name.clone(), email);
    document.policies.insert("any".to_owned(), Policy::EventMatcher(EventMatcher::default()).into());
    document.rules.push(rule);
    ActiveRules { version: 1, document, source: String::new(), at: Timestamp::UNIX_EPOCH, by: String::new() }
}

async fn mails_to(address: &str) -> usize {
    let url = format!("{}/_ministack/ses/messages", Emulator::shared().endpoint());
    let all: serde_json::Value = reqwest::get(url).await.unwrap().json().await.unwrap();
    let mails = all["messages"].as_object().unwrap().values().filter_map(|mails| mails.as_array()).flatten();
    mails.filter(|mail| mail["To"].to_string().contains(address)).count()
}

/// SES refuses at first, with this error.
async fn is_refused_then_sent(code: &'static str, status: u16) {
    let place = place().await;
    aws_sdk_ses::Client::new(&place.sdk).verify_email_identity().email_address(FROM).send().await.unwrap();
    // The client itself tries three times.
    let refusals = Arc::new(AtomicUsize::new(usize::MAX));
    let ses_like = Ses { client: reqwest::Client::new(), refusals: refusals.clone(), code, status };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = axum::Router::new().fallback(ses).with_state(ses_like);
    tokio::spawn(async move { axum::serve(listener, router).await });
    let settings = Settings { mail_configuration_set: Some(CONFIGURATION_SET.to_owned()), ..place.settings };
    let adapters = Adapters::new(place.sdk.into_builder().endpoint_url(url).build(), settings);
    waits_and_is_sent(&adapters, FROM, code, async || refusals.store(0, Ordering::SeqCst)).await;
}

/// The first attempt fails with a text that contains `why`; the one after `mend` succeeds.
async fn waits_and_is_sent(adapters: &Adapters, from: &str, why: &str, mend: impl AsyncFnOnce()) {
    let clock = Arc::new(FakeClock::at(&domain::time::format(SystemClock.now())));
    let address = format!("{}@example.org", unique("ann"));
    let mut active = rules();
    active.document.groups.insert("ops".to_owned(), vec![Person::new("ann", &address)]);
    active.document.email.from = Some(from.to_owned());
    let channels = Channels::new(channels::ChannelPorts {
        mailer: Arc::new(adapters.mailer()),
        inbox: Arc::new(adapters.inbox()),
        secrets: Arc::new(adapters.secrets(BTreeMap::new())),
        clock: clock.clone(),
        expressions: Arc::new(NoExpressions),
    })
    .unwrap();
    let (configuration, channel) = (Arc::new(Fixed(Arc::new(active))), Arc::new(channels));
    let (expressions, entropy) = (Arc::new(NoExpressions), Arc::new(SeededEntropy::new(7)));
    let parts = DispatchPorts::new(&adapters.stores(), expressions, configuration, channel, clock.clone(), entropy);
    let dispatcher = Dispatcher::new(parts);
    let stored = event("login").created(clock.now()).shared();
    adapters.intake().accept(&serialized(std::slice::from_ref(&stored))).await.unwrap();
    dispatcher.handle(QueueMessage::new(QueuedWork::Events(vec![stored])), Timestamp::MAX).await.unwrap();

    let entry = async || {
        let query = DeliveryQuery { limit: 10, ..DeliveryQuery::default() };
        let page = adapters.ledger().list(&query).await.unwrap();
        let [entry] = &page.results[..] else { panic!("one delivery: {page:?}") };
        entry.clone()
    };
    let waiting = entry().await;
    assert_eq!(waiting.state, Standing::Retrying, "{why}: {waiting:?}");
    assert!(format!("{:?}", waiting.attempts).contains(why), "it says why: {waiting:?}");
    assert_eq!((waiting.attempts.len(), mails_to(&address).await), (1, 0));

    mend().await;
    clock.advance(SignedDuration::from_mins(1));
    dispatcher.handle(QueueMessage::new(QueuedWork::Deliveries(vec![waiting.id])), Timestamp::MAX).await.unwrap();
    let sent = entry().await;
    assert_eq!((sent.state, sent.attempts.len(), mails_to(&address).await), (Standing::Delivered, 2, 1), "{why}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_rate_is_exceeded() {
    is_refused_then_sent("Throttling", 400).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_ses_is_out_of_order() {
    is_refused_then_sent("ServiceUnavailable", 503).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_sender_is_verified_later() {
    let place = place().await;
    let ses = aws_sdk_ses::Client::new(&place.sdk);
    let (adapters, from) = (Adapters::new(place.sdk, place.settings), format!("{}@example.com", unique("sender")));
    waits_and_is_sent(&adapters, &from, "SES has not verified the sender", async || {
        ses.verify_email_identity().email_address(&from).send().await.unwrap();
    })
    .await;
}
