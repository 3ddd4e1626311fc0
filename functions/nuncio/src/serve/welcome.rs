//! The first thing a person sees: where it listens, a token, a line to paste.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::Path;

use domain::access::token::{Scope, Token, TokenHash};
use domain::ports::{Clock, Entropy, StoreError, Tokens as _};
use embedded::Store;

use crate::token::generate;

/// Whose inbox the first token opens: the built-in rules tell this user.
const ADMIN: &str = "admin";

/// What a token from the environment is noted as.
const ENVIRONMENT: &str = "NUNCIO_TOKEN";

/// How the operator gets in.
pub(super) enum Welcome {
    /// Made just now; shown once.
    Made(String),
    /// `NUNCIO_TOKEN`.
    FromEnvironment,
    /// From an earlier start.
    Earlier,
}

/// Installs the environment's token, or makes one at the first start.
pub(super) async fn tokens(
    store: &Store,
    from_environment: Option<&str>,
    clock: &dyn Clock,
    entropy: &dyn Entropy,
) -> Result<Welcome, StoreError> {
    let admin = |text: &str, note: &str| {
        let now = domain::time::to_micros(clock.now());
        Token::new(text, vec![Scope::Admin], Some(ADMIN.to_owned()), note.to_owned(), now, None)
    };
    if let Some(text) = from_environment {
        // A token that was taken out of the environment is out of use.
        for earlier in store.list().await?.iter().filter(|token| token.note == ENVIRONMENT && token.revoked.is_none()) {
            if earlier.hash != TokenHash::of(text) {
                store.revoke(&earlier.id, clock.now()).await?;
            }
        }
        if store.find(&TokenHash::of(text)).await?.is_none_or(|known| known.allows(Scope::Admin, clock.now()).is_err())
        {
            store.put(&admin(text, ENVIRONMENT)).await?;
        }
        return Ok(Welcome::FromEnvironment);
    }
    if !store.list().await?.is_empty() {
        return Ok(Welcome::Earlier);
    }
    let text = generate(entropy);
    store.put(&admin(&text, "made at the first start")).await?;
    Ok(Welcome::Made(text))
}

impl Welcome {
    /// On stdout, which carries nothing else. Where nobody reads it, nothing is lost but the words.
    pub(super) fn print(&self, address: SocketAddr, folder: &Path) {
        let _ = self.write(&mut std::io::stdout(), address, folder);
    }

    fn write(&self, out: &mut impl Write, address: SocketAddr, folder: &Path) -> io::Result<()> {
        let url = format!("http://{address}");
        writeln!(out, "Nuncio listens on {url} and keeps everything in {}", folder.display())?;
        let token = match self {
            Self::Made(text) => {
                writeln!(out, "Admin token, shown only now: {text}")?;
                text.as_str()
            }
            Self::FromEnvironment => {
                writeln!(out, "The admin token is the one in NUNCIO_TOKEN")?;
                "$NUNCIO_TOKEN"
            }
            Self::Earlier => {
                writeln!(
                    out,
                    "The token is the one shown at the first start; make another with:\n  \
                     nuncio token create --scope admin --data {}",
                    folder.display()
                )?;
                "$NUNCIO_TOKEN"
            }
        };
        writeln!(out, "The console is at {url}/ and asks for that token")?;
        writeln!(
            out,
            "\nPost an event that the built-in rules tell the user \"{ADMIN}\" of:\n\n  \
             curl -sS {url}/v1/events -H 'Content-Type: application/json' -H \"Authorization: Bearer {token}\" \\\n    \
             -d '{{\"action\": \"configuration_error\", \"context\": {{\"message\": \"The mail relay is unreachable\"}}}}'\n\n\
             and see the notification, which is also in {}:\n\n  \
             curl -sS {url}/v1/notifications -H \"Authorization: Bearer {token}\"\n",
            folder.join("mailbox").display()
        )
    }
}
