//! The real binary, serving on a folder and a port of its own.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub(crate) const TOKEN: &str = "bench";

pub(crate) type Error = Box<dyn std::error::Error>;

pub(crate) fn free_port() -> Result<u16, Error> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Ends the server, whatever happens.
pub(crate) struct Server(pub(crate) Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) async fn start_nuncio(folder: &Path, rules: &str) -> Result<(Server, String), Error> {
    let config = folder.join("rules.yaml");
    std::fs::write(&config, rules)?;
    let url = format!("http://127.0.0.1:{}", free_port()?);
    let child = Command::new(env!("CARGO_BIN_EXE_nuncio"))
        .args(["serve", "--listen", url.trim_start_matches("http://"), "--log", "warn", "--config"])
        .arg(&config)
        .arg("--data")
        .arg(folder.join("data"))
        .env("NUNCIO_TOKEN", TOKEN)
        .stdout(Stdio::null())
        .spawn()?;
    let server = Server(child);
    until_up(&format!("{url}/healthz")).await?;
    Ok((server, url))
}

pub(crate) async fn until_up(url: &str) -> Result<(), Error> {
    let began = Instant::now();
    while !reqwest::get(url).await.is_ok_and(|response| response.status().is_success()) {
        if began.elapsed() > Duration::from_secs(20) {
            return Err(format!("{url} does not come up").into());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}
