//! The one writer: a thread that owns the only connection that writes, and commits in groups.
//! Everything that waits goes into one transaction, each operation in a savepoint of its own, so
//! that many callers share one fsync and one's failure spoils nobody else's write. No answer is
//! given before the commit is on disk.

use std::sync::Arc;
use std::thread::JoinHandle;

use domain::ports::StoreError;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use crate::fault::{Fault, Health};

/// More than this many operations are not committed together: the first of them is waiting.
const MOST_TOGETHER: usize = 256;

/// One caller's write.
trait Operation: Send {
    /// Does it; false if it failed and must be undone.
    fn apply(&mut self, connection: &Connection) -> bool;
    /// Tells the caller, once it is known what became of the transaction.
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

/// What waits for the writing thread.
enum Queued {
    /// A write, which shares a transaction with others.
    Write(Box<dyn Operation>),
    /// Work that must not run in a transaction, such as `VACUUM`; nothing else is written meanwhile.
    Exclusive(Box<dyn FnOnce(&Connection) + Send>),
}

struct Task<W, T, A> {
    write: Option<W>,
    result: Option<Result<T, StoreError>>,
    after: A,
    caller: oneshot::Sender<Result<T, StoreError>>,
}

impl<W, T, A> Operation for Task<W, T, A>
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
        // A caller that went away does not need the answer; what it asked for is done all the same.
        let _ = self.caller.send(answer);
    }
}

/// The writing thread. Dropping it finishes what waits.
#[derive(Debug)]
pub(crate) struct Writer {
    health: Arc<Health>,
    operations: Option<mpsc::Sender<Queued>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Writes by this connection; what shows that the file is damaged is noted in `health`.
    pub(crate) fn start(connection: Connection, health: Arc<Health>) -> std::io::Result<Self> {
        let (operations, waiting) = mpsc::channel(MOST_TOGETHER);
        let thread =
            std::thread::Builder::new().name("nuncio-writer".to_owned()).spawn(move || run(&connection, waiting))?;
        Ok(Self { health, operations: Some(operations), thread: Some(thread) })
    }

    /// Makes a write; on return it is on disk.
    pub(crate) async fn write<T, W>(&self, write: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    {
        self.write_then(write, |_| {}).await
    }

    /// Makes a write, and does `after` once it is on disk, even if the caller has gone away by then.
    pub(crate) async fn write_then<T, W, A>(&self, write: W, after: A) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
        A: FnOnce(&T) + Send + 'static,
    {
        let ended = || StoreError::store("its writing thread has ended; restart Nuncio");
        let (caller, answer) = oneshot::channel();
        let task = Task { write: Some(write), result: None, after, caller };
        let operations = self.operations.as_ref().ok_or_else(ended)?;
        operations.send(Queued::Write(Box::new(task))).await.map_err(|_| ended())?;
        answer.await.map_err(|_| ended())?.inspect_err(|error| self.health.note(error))
    }

    /// Runs `work` after what was queued before it, outside any transaction.
    pub(crate) async fn exclusively<T, W>(&self, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    {
        let ended = || StoreError::store("its writing thread has ended; restart Nuncio");
        let (caller, answer) = oneshot::channel();
        let run = move |connection: &Connection| {
            // A caller that went away does not need the answer.
            let _ = caller.send(work(connection).map_err(StoreError::from));
        };
        let operations = self.operations.as_ref().ok_or_else(ended)?;
        operations.send(Queued::Exclusive(Box::new(run))).await.map_err(|_| ended())?;
        answer.await.map_err(|_| ended())?.inspect_err(|error| self.health.note(error))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.operations = None;
        if let Some(thread) = self.thread.take() {
            // It can only have panicked; its callers were told by their channels.
            let _ = thread.join();
        }
    }
}

fn run(connection: &Connection, mut waiting: mpsc::Receiver<Queued>) {
    let mut group = Vec::with_capacity(MOST_TOGETHER);
    while let Some(first) = waiting.blocking_recv() {
        let mut next = Some(first);
        let mut exclusive = None;
        while let Some(queued) = next.take() {
            match queued {
                Queued::Write(operation) => group.push(operation),
                Queued::Exclusive(work) => {
                    exclusive = Some(work);
                    break;
                }
            }
            if group.len() < MOST_TOGETHER {
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

/// Commits the group and answers its callers.
fn write(connection: &Connection, group: &mut Vec<Box<dyn Operation>>) {
    let committed = commit(connection, group);
    if committed.is_err() && !connection.is_autocommit() {
        // Best effort: were the rollback to fail too, the next BEGIN says so.
        let _ = connection.execute_batch("ROLLBACK");
    }
    for operation in group.drain(..) {
        operation.answer(committed.clone());
    }
}

/// Makes the group's writes, all those that succeed in one transaction.
fn commit(connection: &Connection, group: &mut [Box<dyn Operation>]) -> Result<(), StoreError> {
    let execute = |sql| -> Result<(), StoreError> {
        let mut statement = connection.prepare_cached(sql).map_err(Fault::from)?;
        statement.execute([]).map(drop).map_err(|error| Fault::from(error).into())
    };
    execute("BEGIN IMMEDIATE")?;
    if let [alone] = group {
        // The transaction itself undoes it.
        return if alone.apply(connection) { execute("COMMIT") } else { execute("ROLLBACK") };
    }
    for operation in group {
        execute("SAVEPOINT operation")?;
        let done = operation.apply(connection);
        if connection.is_autocommit() {
            // SQLite itself rolled everything back: a full disk, an I/O error.
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
