//! The banner that `nuncio serve` prints: the address, the admin token, and a first request to try.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::Path;

use domain::access::token::{Scope, Token, TokenHash};
use domain::ports::{Clock, Entropy, StoreError, Tokens as _};
use embedded::Store;

use crate::token::generate;

/// The user of the first token: the built-in rules notify this user.
const ADMIN: &str = "admin";

/// The note of a token from the environment.
const ENVIRONMENT_NOTE: &str = "NUNCIO_TOKEN";

/// The admin token that the banner mentions.
pub(super) enum AdminToken {
    /// The text of a token that was just created. It is shown only once.
    Created(String),
    /// The token in `NUNCIO_TOKEN`.
    FromEnvironment,
    /// A token of an earlier start, which is not stored as text.
    Existing,
}

/// Installs the token from the environment, or creates one at the first start.
pub(super) async fn install_token(
    store: &Store,
    from_environment: Option<&str>,
    clock: &dyn Clock,
    entropy: &dyn Entropy,
) -> Result<AdminToken, StoreError> {
    let admin = |text: &str, note: &str| {
        let now = domain::time::to_micros(clock.now());
        Token::new(text, vec![Scope::Admin], Some(ADMIN.to_owned()), note.to_owned(), now, None)
    };
    if let Some(text) = from_environment {
        // Revokes the token that the environment had at an earlier start.
        for earlier in
            store.list().await?.iter().filter(|token| token.note == ENVIRONMENT_NOTE && token.revoked.is_none())
        {
            if earlier.hash != TokenHash::from_text(text) {
                store.revoke(&earlier.id, clock.now()).await?;
            }
        }
        if store
            .find(&TokenHash::from_text(text))
            .await?
            .is_none_or(|known| known.allows(Scope::Admin, clock.now()).is_err())
        {
            store.put(&admin(text, ENVIRONMENT_NOTE)).await?;
        }
        return Ok(AdminToken::FromEnvironment);
    }
    if !store.list().await?.is_empty() {
        return Ok(AdminToken::Existing);
    }
    let text = generate(entropy);
    store.put(&admin(&text, "made at the first start")).await?;
    Ok(AdminToken::Created(text))
}

impl AdminToken {
    /// Prints the banner to stdout. `built_in` says whether the built-in rules are in force. Ignores errors: stdout may
    /// be closed, and the server does not need it.
    pub(super) fn print_banner(&self, address: SocketAddr, folder: &Path, built_in: bool) {
        let _ = self.write(&mut std::io::stdout(), address, folder, built_in);
    }

    fn write(&self, out: &mut impl Write, address: SocketAddr, folder: &Path, built_in: bool) -> io::Result<()> {
        let url = format!("http://{address}");
        writeln!(out, "Nuncio listens on {url} and stores its data in {}", folder.display())?;
        let token = match self {
            Self::Created(text) => {
                writeln!(out, "Admin token (shown only once): {text}")?;
                text.as_str()
            }
            Self::FromEnvironment => {
                writeln!(out, "The admin token is in the variable NUNCIO_TOKEN")?;
                "$NUNCIO_TOKEN"
            }
            Self::Existing => {
                writeln!(
                    out,
                    "The admin token was shown at the first start; create another with:\n  \
                     nuncio token create --scope admin --data {}",
                    folder.display()
                )?;
                "$NUNCIO_TOKEN"
            }
        };
        writeln!(out, "The console is at {url}/; sign in with the token")?;
        let notifies =
            if built_in { format!(" of which the built-in rules notify the user \"{ADMIN}\"") } else { String::new() };
        writeln!(
            out,
            "\nPost an event{notifies}:\n\n  \
             curl -sS {url}/v1/events -H 'Content-Type: application/json' -H \"Authorization: Bearer {token}\" \\\n    \
             -d '{{\"action\": \"configuration_error\", \"context\": {{\"message\": \"The mail relay is unreachable\"}}}}'\n"
        )?;
        if built_in {
            let mailbox = folder.join("mailbox");
            writeln!(out, "Then read the notification, which is also in {}:\n", mailbox.display())?;
            writeln!(out, "  curl -sS {url}/v1/notifications -H \"Authorization: Bearer {token}\"\n")
        } else {
            writeln!(out, "Then read the stored events; /v1/events/PK/trace says which rules matched, and why:\n")?;
            writeln!(out, "  curl -sS {url}/v1/events -H \"Authorization: Bearer {token}\"\n")
        }
    }
}
