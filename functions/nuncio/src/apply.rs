//! `nuncio apply`: puts a rules file in force on a running or deployed Nuncio.

use std::process::ExitCode;

use anyhow::Context as _;
use reqwest::header::{CONTENT_TYPE, ETAG, IF_MATCH};
use reqwest::{Method, StatusCode};

use crate::check;
use crate::cli::ApplyOptions;
use crate::http::{Remote, block_on, expect};

#[expect(clippy::print_stdout, reason = "the new version is the command's output")]
pub(crate) fn run(options: &ApplyOptions) -> anyhow::Result<ExitCode> {
    // Checked here first, so that errors are reported with the file's name.
    let (_, yaml) = check::read_valid(&options.file)?;
    block_on(async {
        let remote = Remote::new(&options.server)?;
        let reach = || format!("cannot reach {}", remote.url());
        let current = remote.request(Method::GET, "/v1/config").send().await.with_context(reach)?;
        let current = expect(current, &[StatusCode::OK]).await?;
        let version = current
            .headers()
            .get(ETAG)
            .context("unexpected response from the server: it does not say which version is in force")?
            .clone();
        let put = remote.request(Method::PUT, "/v1/config").header(IF_MATCH, version);
        let put = put.header(CONTENT_TYPE, "application/yaml").body(yaml).send().await.with_context(reach)?;
        let put = expect(put, &[StatusCode::OK]).await?;
        let version =
            put.headers().get(ETAG).and_then(|tag| tag.to_str().ok()).unwrap_or_default().trim_matches('"').to_owned();
        println!("{} is in force as version {version}", options.file.display());
        Ok(ExitCode::SUCCESS)
    })
}
