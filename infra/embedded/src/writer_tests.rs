//! The guarantees that the one writer gives its callers.

use std::sync::mpsc as blocking;

use super::*;

fn writer() -> Writer {
    let connection = Connection::open_in_memory().unwrap();
    connection.execute_batch("CREATE TABLE kept (n INTEGER PRIMARY KEY, CHECK (n < 1000))").unwrap();
    Writer::start(connection, None, Arc::default()).unwrap()
}

fn insert(numbers: Vec<i64>) -> impl FnOnce(&Connection) -> Result<usize, Fault> + Send + 'static {
    move |connection| {
        for number in &numbers {
            connection.execute("INSERT INTO kept VALUES (?1)", [number])?;
        }
        Ok(numbers.len())
    }
}

async fn list_received(writer: &Writer) -> Vec<i64> {
    let select = |connection: &Connection| {
        let mut select = connection.prepare("SELECT n FROM kept ORDER BY n")?;
        let numbers = select.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        Ok(numbers)
    };
    writer.write(select).await.unwrap()
}

#[tokio::test]
async fn ones_failure_spoils_nobody_elses_write() {
    let writer = writer();
    // Holds the thread until the three behind it wait together.
    let (go, gate) = blocking::channel::<()>();
    let gatekeeper = writer.write(move |_| {
        let _ = gate.recv();
        Ok(())
    });
    let together = async {
        let all = tokio::join!(
            writer.write(insert(vec![1, 2])),
            writer.write(insert(vec![3, 1000])),
            writer.write(insert(vec![4])),
            async { go.send(()).unwrap() },
        );
        (all.0, all.1, all.2)
    };
    let (kept_waiting, (first, broken, last)) = tokio::join!(gatekeeper, together);
    assert_eq!((kept_waiting, first, last), (Ok(()), Ok(2), Ok(1)));
    assert!(broken.is_err());
    assert_eq!(list_received(&writer).await, [1, 2, 4]);
}

#[tokio::test]
async fn what_was_asked_for_is_done_though_the_caller_left() {
    let writer = writer();
    let (done, after) = blocking::channel();
    {
        let leaving = writer.write_then(insert(vec![7]), move |_| done.send(()).unwrap());
        tokio::pin!(leaving);
        // One poll hands it over; then the caller goes away.
        let polled = tokio::time::timeout(std::time::Duration::ZERO, &mut leaving).await;
        drop(polled);
    }
    after.recv().unwrap();
    assert_eq!(list_received(&writer).await, [7]);
}
