//! From a process's start to its first poll for work, all clients built: `ingest` and `dispatch`
//! against a hello world, alternating in one run; and the size of each binary.
//!
//! `cargo bench -p aws --bench cold_start`. The bench is the runtime API that the functions poll; the
//! AWS endpoints point at a closed port, which no function needs before its first event.

#![expect(clippy::print_stdout, reason = "the figures are its output")]

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const ROUNDS: usize = 40;

type Error = Box<dyn std::error::Error>;

fn main() -> Result<(), Error> {
    let folder = build()?;
    let functions = [
        ("hello world", "examples/hello"),
        ("ingest", "ingest"),
        ("dispatch", "dispatch"),
        ("retention", "retention"),
        ("console", "console"),
    ];
    let mut took = vec![Vec::new(); functions.len()];
    for _ in 0..ROUNDS {
        for ((_, file), took) in functions.iter().zip(&mut took) {
            took.push(until_first_poll(&folder.join(file))?);
        }
    }
    println!("process start to first poll, {ROUNDS} rounds, alternating; size of the stripped binary");
    for ((name, file), took) in functions.iter().zip(&mut took) {
        took.sort();
        let size = std::fs::metadata(folder.join(file))?.len();
        println!(
            "{name:<12} median {:>6.2} ms  fastest {:>6.2} ms  {:>5.2} MB",
            millis(took[ROUNDS / 2]),
            millis(took[0]),
            megabytes(size)
        );
    }
    Ok(())
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

#[expect(clippy::cast_precision_loss, reason = "binaries are small")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// All at once, so that they share their dependencies.
fn build() -> Result<PathBuf, Error> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let functions = ["-p", "aws", "-p", "ingest", "-p", "dispatch", "-p", "retention", "-p", "console@0.1.0"];
    let built = Command::new(env!("CARGO"))
        .args(["build", "--release", "--bins", "--example", "hello"])
        .args(functions)
        .current_dir(root)
        .status()?;
    if !built.success() {
        return Err("the functions do not build".into());
    }
    // target/release/deps/this-bench → target/release
    Ok(std::env::current_exe()?.ancestors().nth(2).ok_or("no target folder")?.to_owned())
}

fn until_first_poll(binary: &Path) -> Result<Duration, Error> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let api = listener.local_addr()?.to_string();
    let closed = "http://127.0.0.1:9";
    let began = Instant::now();
    let mut child = Command::new(binary)
        .env_clear()
        .env("AWS_LAMBDA_RUNTIME_API", api)
        .env("AWS_LAMBDA_FUNCTION_NAME", "bench")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
        .env("AWS_LAMBDA_LOG_STREAM_NAME", "bench")
        .env("AWS_LAMBDA_LOG_GROUP_NAME", "bench")
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ACCESS_KEY_ID", "bench")
        .env("AWS_SECRET_ACCESS_KEY", "bench")
        .env("AWS_ENDPOINT_URL", closed)
        .env("NUNCIO_TABLE", "bench")
        .env("NUNCIO_QUEUE_URL", format!("{closed}/bench"))
        .env("NUNCIO_SHARDS", "4")
        .env("NUNCIO_MAIL_FROM", "")
        .env("NUNCIO_LOG", "info")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let (connection, _) = listener.accept()?;
    let mut line = String::new();
    BufReader::new(connection).read_line(&mut line)?;
    let took = began.elapsed();
    child.kill()?;
    child.wait()?;
    if line.contains("/invocation/next") { Ok(took) } else { Err(format!("{}: {line}", binary.display()).into()) }
}
