//! The kinds of operations that are recorded.

use serde::{Deserialize, Serialize};

/// A recorded operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// `ingest`: the first request of a process, beyond any other request.
    StartIngest,
    /// `ingest`: a request with 25 events.
    PostBatch,
    /// `ingest`: a request with one event.
    PostOne,
    /// `dispatch`: the first message of a process, beyond any other.
    StartDispatch,
    /// `dispatch`: a message with 25 events that no rule matches.
    MatchBatch,
    /// `dispatch`: a message with one event that no rule matches.
    MatchOne,
    /// `dispatch`: a delivery by webhook, beyond its message.
    DeliverWebhook,
    /// `dispatch`: a delivery to an inbox, beyond its message.
    DeliverInbox,
    /// `dispatch`: a first attempt that fails, beyond its message.
    FailAttempt,
    /// `dispatch`: a delivery to a paused transport, which waits in the ledger.
    DeferFirst,
    /// `dispatch`: the same when it is due again and the transport is still paused.
    DeferAgain,
    /// `dispatch`: a message with 25 events that enter no detection, where there is one, beyond one where there is none.
    WatchBatch,
    /// `dispatch`: an event that opens a group of a detection, beyond its message.
    EnterGroup,
    /// `retention`: a minute in which nothing is due, of a table without events.
    TickEmpty,
    /// The same with more than a thousand items in the table.
    TickFilled,
    /// `retention`: the first minute of an hour, beyond any other minute.
    TickHour,
    /// `retention`: queueing a due delivery.
    QueueDue,
    /// `retention`: counting an event.
    CountEvent,
    /// `retention`: a part of an hour, of up to 10,000 events, beyond its events.
    CountPart,
    /// `retention`: archiving an event.
    ArchiveEvent,
    /// `retention`: a job that passes an event without changing it.
    PassEvent,
    /// `retention`: a step of a job, of up to 1,000 events, beyond its events.
    PassStep,
    /// `console`: the newest 50 events.
    PageNewest,
    /// `console`: 50 events with an action that few have, beyond the newest.
    PageFiltered,
    /// `console`: a search of all events for one.
    PageSearch,
    /// `console`: the counts of a day.
    PageVolume,
    /// `console`: the newest 50 deliveries.
    PageDeliveries,
    /// `console`: the newest 50 notifications of one user.
    PageInbox,
}
