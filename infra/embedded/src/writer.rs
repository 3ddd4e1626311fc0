//! The single writer: a thread that owns the only writing connection, and commits in groups.
//! All waiting operations go into one transaction, each in its own savepoint: many callers share one fsync, and an
//! operation that fails does not affect the others. A caller gets its result only once the commit is on disk.

use std::sync::Arc;
use std::thread::JoinHandle;

use domain::ports::StoreError;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use crate::fault::{Fault, Health};

/// The most operations in one transaction: the caller of the first one waits for all of them.
const MAX_GROUP: usize = 256;

/// The write of one caller, which may share a transaction with other writes.
trait Operation: Send {
    /// Makes the write; false if it failed and must be rolled back.
    fn apply(&mut self, connection: &Connection) -> bool;
    /// Sends the result to the caller, once the transaction has been committed or has failed.
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

/// A command for the writing thread.
enum WriterCommand {
    /// A write that shares a transaction with others.
    Write(Box<dyn Operation>),
    /// Work that cannot run in a transaction, such as `VACUUM`. Other writes wait meanwhile.
    Exclusive(Box<dyn FnOnce(&Connection) + Send>),
}

/// A write with its caller.
struct PendingWrite<W, T, A> {
    write: Option<W>,
    result: Option<Result<T, StoreError>>,
    after: A,
    caller: oneshot::Sender<Result<T, StoreError>>,
}

impl<W, T, A> Operation for PendingWrite<W, T, A>
where
    W: FnOnce(&Connection) -> Result<T, Fault> + Send,
    T: Send,
    A: FnOnce(&T) + Send,
{
    fn apply(&mut self, connection: &Connection) -> bool {
        self.result = self.write.take().map(|write| write(connection).map_err(StoreError::from));
        matches!(self.result, Some(Ok(_)))
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        let answer = match (self.result, committed) {
            (Some(Ok(value)), Ok(())) => {
                (self.after)(&value);
                Ok(value)
            }
            (Some(Err(own)), _) => Err(own),
            (_, Err(common)) => Err(common),
            (None, Ok(())) => Err(StoreError::store("the write was not made; try again")),
        };
        // A caller that was cancelled does not need the result; its write is made all the same.
        let _ = self.caller.send(answer);
    }
}

/// The writing thread. Dropping it waits for all queued writes.
#[derive(Debug)]
pub(crate) struct Writer {
    health: Arc<Health>,
    commands: Option<mpsc::Sender<WriterCommand>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread with its connection. An error that shows that the file is damaged is noted in `health`.
    pub(crate) fn start(connection: Connection, health: Arc<Health>) -> std::io::Result<Self> {
        let (commands, waiting) = mpsc::channel(MAX_GROUP);
        let thread =
            std::thread::Builder::new().name("nuncio-writer".to_owned()).spawn(move || run(&connection, waiting))?;
        Ok(Self { health, commands: Some(commands), thread: Some(thread) })
    }

    /// Makes a write. When this returns `Ok`, the write is on disk.
    pub(crate) async fn write<T, W>(&self, write: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    {
        self.write_then(write, |_| {}).await
    }

    /// Makes a write, and calls `after` once it is on disk, even if the caller has been cancelled by then.
    pub(crate) async fn write_then<T, W, A>(&self, write: W, after: A) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
        A: FnOnce(&T) + Send + 'static,
    {
        let ended = || StoreError::store("its writing thread has ended; restart Nuncio");
        let (caller, answer) = oneshot::channel();
        let pending = PendingWrite { write: Some(write), result: None, after, caller };
        let commands = self.commands.as_ref().ok_or_else(ended)?;
        commands.send(WriterCommand::Write(Box::new(pending))).await.map_err(|_| ended())?;
        answer.await.map_err(|_| ended())?.inspect_err(|error| self.health.note(error))
    }

    /// Runs `work` outside any transaction, after the writes that were queued before it.
    pub(crate) async fn exclusively<T, W>(&self, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    {
        let ended = || StoreError::store("its writing thread has ended; restart Nuncio");
        let (caller, answer) = oneshot::channel();
        let run = move |connection: &Connection| {
            // A caller that was cancelled does not need the result.
            let _ = caller.send(work(connection).map_err(StoreError::from));
        };
        let commands = self.commands.as_ref().ok_or_else(ended)?;
        commands.send(WriterCommand::Exclusive(Box::new(run))).await.map_err(|_| ended())?;
        answer.await.map_err(|_| ended())?.inspect_err(|error| self.health.note(error))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.commands = None;
        if let Some(thread) = self.thread.take() {
            // An error means that the thread panicked. Its callers know: their channels closed.
            let _ = thread.join();
        }
    }
}

fn run(connection: &Connection, mut waiting: mpsc::Receiver<WriterCommand>) {
    let mut group = Vec::with_capacity(MAX_GROUP);
    while let Some(first) = waiting.blocking_recv() {
        let mut next = Some(first);
        let mut exclusive = None;
        while let Some(command) = next.take() {
            match command {
                WriterCommand::Write(operation) => group.push(operation),
                WriterCommand::Exclusive(work) => {
                    exclusive = Some(work);
                    break;
                }
            }
            if group.len() < MAX_GROUP {
                next = waiting.try_recv().ok();
            }
        }
        if !group.is_empty() {
            write(connection, &mut group);
        }
        if let Some(work) = exclusive {
            work(connection);
        }
    }
}

/// Commits the group and sends the results to its callers.
fn write(connection: &Connection, group: &mut Vec<Box<dyn Operation>>) {
    let committed = commit(connection, group);
    if committed.is_err() && !connection.is_autocommit() {
        // Best effort: if the rollback fails too, the next BEGIN reports it.
        let _ = connection.execute_batch("ROLLBACK");
    }
    for operation in group.drain(..) {
        operation.answer(committed.clone());
    }
}

/// Makes the group's writes in one transaction, leaving out those that fail.
fn commit(connection: &Connection, group: &mut [Box<dyn Operation>]) -> Result<(), StoreError> {
    let execute = |sql| -> Result<(), StoreError> {
        let mut statement = connection.prepare_cached(sql).map_err(Fault::from)?;
        statement.execute([]).map(drop).map_err(|error| Fault::from(error).into())
    };
    execute("BEGIN IMMEDIATE")?;
    if let [single] = group {
        // A single write needs no savepoint: the transaction itself undoes it.
        return if single.apply(connection) { execute("COMMIT") } else { execute("ROLLBACK") };
    }
    for operation in group {
        execute("SAVEPOINT operation")?;
        let done = operation.apply(connection);
        if connection.is_autocommit() {
            // SQLite rolls the whole transaction back by itself after some errors, such as a full disk.
            return Err(StoreError::store("the disk failed or is full while others were writing; try again"));
        }
        if !done {
            execute("ROLLBACK TO operation")?;
        }
        execute("RELEASE operation")?;
    }
    execute("COMMIT")
}

#[cfg(test)]
#[path = "writer_tests.rs"]
mod tests;
