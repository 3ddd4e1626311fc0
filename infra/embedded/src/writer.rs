//! The single writer: a thread that owns the only writing connection, and commits in groups.
//! All waiting operations go into one transaction, each in its own savepoint: many callers share one fsync, and an
//! operation that fails does not affect the others. A caller gets its result only once the commit is on disk.

use std::sync::Arc;
use std::thread::JoinHandle;

use domain::ports::StoreError;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use crate::erasure::fold_log;
use crate::fault::{self, Fault, Health};
use crate::reserve::Reserve;

/// The most operations in one transaction: the caller of the first one waits for all of them.
const MAX_GROUP: usize = 256;

/// The write of one caller, which may share a transaction with other writes.
trait Operation: Send {
    /// Makes the write; false if it failed and must be rolled back.
    fn apply(&mut self, connection: &Connection) -> bool;
    /// Whether the write failed because the disk is full.
    fn met_full_disk(&self) -> bool;
    /// Sends the result to the caller, once the transaction has been committed or has failed.
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

type ExclusiveWork = Box<dyn FnOnce(&Connection, &mut Option<Reserve>) + Send>;

/// A command for the writing thread.
enum WriterCommand {
    /// A write that shares a transaction with others.
    Write(Box<dyn Operation>),
    /// Work that cannot run in a transaction, such as `VACUUM`. Other writes wait meanwhile.
    Exclusive(ExclusiveWork),
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

    fn met_full_disk(&self) -> bool {
        matches!(&self.result, Some(Err(error)) if fault::says_full_disk(error))
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
    /// Starts the thread with its connection, and with the space set aside for its file; `None` if there is no file. An
    /// error that shows that the file is damaged is noted in `health`.
    pub(crate) fn start(
        connection: Connection,
        reserve: Option<Reserve>,
        health: Arc<Health>,
    ) -> std::io::Result<Self> {
        let (commands, waiting) = mpsc::channel(MAX_GROUP);
        let thread = std::thread::Builder::new().name("nuncio-writer".to_owned()).spawn(move || {
            let mut reserve = reserve;
            run(&connection, &mut reserve, waiting);
            drop(connection);
            if let Some(reserve) = reserve {
                reserve.keep_rest();
            }
        })?;
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

    /// Makes a write that frees space or that a start needs. On a full disk,
    /// [`write_in_reserve`](Self::write_in_reserve) repeats it.
    pub(crate) async fn write_with_reserve<T, W>(&self, write: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnOnce(&Connection) -> Result<T, Fault> + Clone + Send + 'static,
    {
        match self.write(write.clone()).await {
            Err(error) if fault::says_full_disk(&error) => self.write_in_reserve(write).await,
            written => written,
        }
    }

    /// Makes a write in a transaction of its own, in the space that was set aside for a full disk.
    pub(crate) async fn write_in_reserve<T, W>(&self, write: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    {
        let in_reserve = |connection: &Connection, reserve: &mut Option<Reserve>| {
            if let Some(reserve) = reserve {
                reserve.lend(connection);
            }
            let written = alone(connection, write);
            if let Some(reserve) = reserve {
                reserve.make_room(connection);
            }
            written
        };
        self.run_exclusively(in_reserve).await
    }

    /// Merges the write-ahead log into the file, with the space set aside if there is no other.
    ///
    /// # Errors
    /// When a reader is still active, or the disk fails.
    pub(crate) async fn close_log(&self) -> Result<(), StoreError> {
        let close = |connection: &Connection, reserve: &mut Option<Reserve>| {
            if let Some(reserve) = reserve {
                reserve.make_room(connection);
            }
            fold_log(connection)
        };
        self.run_exclusively(close).await
    }

    /// Runs `work` outside any transaction, after the writes that were queued before it.
    pub(crate) async fn exclusively<T, W>(&self, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    {
        self.run_exclusively(|connection, _| work(connection)).await
    }

    async fn run_exclusively<T, W>(&self, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnOnce(&Connection, &mut Option<Reserve>) -> Result<T, Fault> + Send + 'static,
    {
        let ended = || StoreError::store("its writing thread has ended; restart Nuncio");
        let (caller, answer) = oneshot::channel();
        let run = move |connection: &Connection, reserve: &mut Option<Reserve>| {
            // A caller that was cancelled does not need the result.
            let _ = caller.send(work(connection, reserve).map_err(StoreError::from));
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

fn run(connection: &Connection, reserve: &mut Option<Reserve>, mut waiting: mpsc::Receiver<WriterCommand>) {
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
            write(connection, reserve, &mut group);
        }
        if let Some(work) = exclusive {
            work(connection, reserve);
        }
    }
}

/// Commits the group and sends the results to its callers.
fn write(connection: &Connection, reserve: &mut Option<Reserve>, group: &mut Vec<Box<dyn Operation>>) {
    if let Some(reserve) = reserve {
        reserve.prepare(connection);
    }
    let committed = commit(connection, reserve, group);
    if committed.is_err() && !connection.is_autocommit() {
        // Best effort: if the rollback fails too, the next BEGIN reports it.
        let _ = connection.execute_batch("ROLLBACK");
    }
    let is_full =
        committed.as_ref().is_err_and(fault::says_full_disk) || group.iter().any(|operation| operation.met_full_disk());
    if let Some(reserve) = reserve
        && (is_full || reserve.is_short())
    {
        // Before the callers know, so that one that tries again at once finds the room.
        reserve.make_room(connection);
    }
    for operation in group.drain(..) {
        operation.answer(committed.clone());
    }
}

/// Makes the group's writes in one transaction, leaving out those that fail.
fn commit(
    connection: &Connection,
    reserve: &mut Option<Reserve>,
    group: &mut [Box<dyn Operation>],
) -> Result<(), StoreError> {
    let execute = |sql| -> Result<(), StoreError> {
        let mut statement = connection.prepare_cached(sql).map_err(Fault::from)?;
        statement.execute([]).map(drop).map_err(|error| Fault::from(error).into())
    };
    execute("BEGIN IMMEDIATE")?;
    if let [single] = group {
        // A single write needs no savepoint: the transaction itself undoes it.
        if !single.apply(connection) {
            // SQLite rolls back by itself after some errors, such as a full disk.
            return if connection.is_autocommit() { Ok(()) } else { execute("ROLLBACK") };
        }
        check(connection, reserve)?;
        return execute("COMMIT");
    }
    for operation in group {
        execute("SAVEPOINT operation")?;
        let done = operation.apply(connection);
        if connection.is_autocommit() {
            // SQLite rolls the whole transaction back by itself after some errors, such as a full disk.
            if operation.met_full_disk() {
                return Err(Fault::full_disk().into());
            }
            return Err(StoreError::store("the disk failed while others were writing; try again"));
        }
        if !done {
            execute("ROLLBACK TO operation")?;
        }
        execute("RELEASE operation")?;
    }
    check(connection, reserve)?;
    execute("COMMIT")
}

fn check(connection: &Connection, reserve: &mut Option<Reserve>) -> Result<(), StoreError> {
    reserve.as_mut().map_or(Ok(()), |reserve| reserve.check(connection)).map_err(StoreError::from)
}

/// Makes one write in a transaction of its own.
fn alone<T>(connection: &Connection, write: impl FnOnce(&Connection) -> Result<T, Fault>) -> Result<T, Fault> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let written = write(connection).and_then(|value| {
        connection.execute_batch("COMMIT")?;
        Ok(value)
    });
    if written.is_err() && !connection.is_autocommit() {
        // Best effort: if the rollback fails too, the next BEGIN reports it.
        let _ = connection.execute_batch("ROLLBACK");
    }
    written
}

#[cfg(test)]
#[path = "writer_tests.rs"]
mod tests;
