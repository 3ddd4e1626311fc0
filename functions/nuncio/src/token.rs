//! `nuncio token`: creates, lists and revokes tokens. Works directly on the data folder, even while a server runs.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use domain::access::token::{Token, generated_text};
use domain::ports::{Clock as _, Entropy, Tokens};
use host::{OsEntropy, SystemClock};

use crate::cli;
use crate::http::block_on;

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "tokens are the command's output")]
pub(crate) fn run(options: cli::TokenOptions) -> anyhow::Result<ExitCode> {
    block_on(async {
        let tokens = tokens(&options).await?;
        let now = SystemClock.now();
        match options.command {
            cli::TokenCommand::Create { scopes, username, expires, note } => {
                let text = generate(&OsEntropy);
                let expires = expires.map(|period| domain::time::later(now, period.duration()));
                let scopes = scopes.into_iter().map(Into::into).collect();
                let token = Token::new(&text, scopes, username, note, domain::time::to_micros(now), expires);
                tokens.put(&token).await?;
                eprintln!("created token {}; it is shown only once:", token.id);
                println!("{text}");
            }
            cli::TokenCommand::List => {
                for token in tokens.list().await? {
                    println!("{}", line(&token, now));
                }
            }
            cli::TokenCommand::Revoke { id } => {
                if !tokens.revoke(&id, now).await? {
                    bail!("no token has the id {id}; `nuncio token list` shows them");
                }
                println!("revoked token {id}");
            }
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// The command that creates a token for the server of this data folder, ready for a shell.
pub(crate) fn command(folder: &Path) -> String {
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned()).display().to_string();
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-".contains(letter);
    let quoted = if folder.chars().all(is_plain) { folder } else { format!("'{}'", folder.replace('\'', r"'\''")) };
    format!("nuncio token create --data {quoted} --scope read --username you")
}

/// Generates the text of a token, with 256 random bits.
pub(crate) fn generate(entropy: &dyn Entropy) -> String {
    let mut random = [0; 32];
    random[..16].copy_from_slice(&entropy.bits().to_be_bytes());
    random[16..].copy_from_slice(&entropy.bits().to_be_bytes());
    generated_text(random)
}

fn line(token: &Token, now: domain::Timestamp) -> String {
    let scopes: Vec<_> = token.scopes.iter().map(|scope| scope.as_str()).collect();
    let validity = match (token.revoked, token.expires) {
        (Some(revoked), _) => format!("revoked {}", domain::time::format(revoked)),
        (None, Some(expires)) if expires <= now => format!("expired {}", domain::time::format(expires)),
        (None, Some(expires)) => format!("until {}", domain::time::format(expires)),
        (None, None) => "until revoked".to_owned(),
    };
    let username = token.username.as_deref().unwrap_or("-");
    format!("{}  {:<18} {username:<12} {validity}  {}", token.id, scopes.join(","), token.note).trim_end().to_owned()
}

#[cfg(not(feature = "cloud"))]
#[expect(clippy::unused_async, reason = "with the feature cloud, it connects to AWS")]
async fn tokens(options: &cli::TokenOptions) -> anyhow::Result<Arc<dyn Tokens>> {
    match &options.table {
        Some(_) => bail!("this build has no support for --table; run `cargo run --features cloud -- token …` instead"),
        None => local(options),
    }
}

#[cfg(feature = "cloud")]
async fn tokens(options: &cli::TokenOptions) -> anyhow::Result<Arc<dyn Tokens>> {
    match &options.table {
        Some(table) => Ok(Arc::new(aws::tokens_in_table(table).await)),
        None => local(options),
    }
}

/// Opens the existing store of a server. Refuses to create one: no server would know a token in it.
fn local(options: &cli::TokenOptions) -> anyhow::Result<Arc<dyn Tokens>> {
    let folder = options.data.display();
    if !embedded::Store::exists(&options.data) {
        bail!("there is no store in {folder}; pass the data folder that the server printed at its start as --data");
    }
    let store = embedded::Store::open(&options.data).with_context(|| format!("cannot open {folder}"))?;
    Ok(Arc::new(store))
}
