//! The server's side of a real SMTP session: accepts mails, keeps them, and refuses where a test says so.
//! Owns no judgement of the mails; it depends on tokio alone, so that `infra/channels` can include this file.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// One mail as it was handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// `MAIL FROM`, without its brackets.
    pub from: String,
    /// Every `RCPT TO`, without its brackets.
    pub to: Vec<String>,
    /// The message, its dots unstuffed.
    pub data: Vec<u8>,
}

#[derive(Default)]
struct Shared {
    mails: Vec<Mail>,
    connections: usize,
    /// A stage (`CONNECT`, `EHLO`, `AUTH`, `MAIL`, `RCPT`, `DATA`, `.`) and its reply.
    fault: Option<(String, String)>,
}

/// The server; it ends when it is dropped.
pub struct SmtpServer {
    address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
    task: JoinHandle<()>,
}

impl SmtpServer {
    /// Listens on a free port of 127.0.0.1.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Mutex::new(Shared::default()));
        let state = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                state.lock().unwrap().connections += 1;
                let conversation = Conversation { shared: Arc::clone(&state), stream: BufReader::new(stream) };
                tokio::spawn(conversation.run());
            }
        });
        Self { address, shared, task }
    }

    /// The server's URL, for `email.smtp`.
    pub fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    /// The address that the server listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The mails that were accepted so far.
    pub fn mails(&self) -> Vec<Mail> {
        self.shared.lock().unwrap().mails.clone()
    }

    /// The number of connections so far.
    pub fn connections(&self) -> usize {
        self.shared.lock().unwrap().connections
    }

    /// From now on says `reply`, such as `450 4.2.1 later`, at a stage: `CONNECT`, `EHLO`, `AUTH`, `MAIL`, `RCPT`,
    /// `RCPT <ann` for addresses that start so, `DATA`, or `.` after the message. An empty reply hangs up.
    pub fn refuse(&self, stage: &str, reply: &str) {
        self.shared.lock().unwrap().fault = Some((stage.to_owned(), reply.to_owned()));
    }

    /// From now on takes everything again.
    pub fn heal(&self) {
        self.shared.lock().unwrap().fault = None;
    }
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Conversation {
    shared: Arc<Mutex<Shared>>,
    stream: BufReader<TcpStream>,
}

impl Conversation {
    async fn run(mut self) {
        let mut mail = Mail { from: String::new(), to: Vec::new(), data: Vec::new() };
        let mut next = self.say("CONNECT", "220 recorder ready").await;
        while next.is_some() {
            let mut line = String::new();
            if self.stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                return;
            }
            let verb = line.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
            next = match verb.as_str() {
                "EHLO" | "HELO" => self.say("EHLO", "250-recorder\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN").await,
                "AUTH" => self.say("AUTH", "235 welcome").await,
                "MAIL" => {
                    mail = Mail { from: bracketed(&line), to: Vec::new(), data: Vec::new() };
                    self.say("MAIL", "250 ok").await
                }
                "RCPT" => {
                    mail.to.push(bracketed(&line));
                    let stage = self.stage_of_recipient(&bracketed(&line));
                    self.say(&stage, "250 ok").await
                }
                "DATA" => match self.say("DATA", "354 go on").await {
                    Some(true) => self.take(&mut mail).await,
                    other => other,
                },
                "NOOP" | "RSET" => self.say("NOOP", "250 ok").await,
                "QUIT" => self.say("QUIT", "221 bye").await.and(None),
                _ => self.say("?", "500 what?").await,
            };
        }
    }

    /// `RCPT`, or `RCPT <start` where that is refused and the address starts so.
    fn stage_of_recipient(&self, address: &str) -> String {
        let fault = self.shared.lock().unwrap().fault.clone().map(|fault| fault.0);
        let meant = |stage: &String| stage.strip_prefix("RCPT <").is_some_and(|start| address.starts_with(start));
        fault.filter(meant).unwrap_or_else(|| "RCPT".to_owned())
    }

    /// Whether it sent the reply `usual`; `None` if it hung up.
    async fn say(&mut self, stage: &str, usual: &str) -> Option<bool> {
        let fault = self.shared.lock().unwrap().fault.clone().filter(|fault| fault.0 == stage);
        let reply = fault.as_ref().map_or(usual, |fault| &fault.1);
        if reply.is_empty() {
            return None;
        }
        self.stream.write_all(format!("{reply}\r\n").as_bytes()).await.ok()?;
        Some(fault.is_none())
    }

    async fn take(&mut self, mail: &mut Mail) -> Option<bool> {
        while !mail.data.ends_with(b"\r\n.\r\n") {
            let byte = self.stream.read_u8().await.ok()?;
            mail.data.push(byte);
        }
        mail.data.truncate(mail.data.len() - 3);
        mail.data = unstuffed(&mail.data);
        let taken = self.say(".", "250 kept").await;
        if taken == Some(true) {
            self.shared.lock().unwrap().mails.push(mail.clone());
        }
        taken
    }
}

fn bracketed(line: &str) -> String {
    let inside = line.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    inside.map(|(inside, _)| inside.to_owned()).unwrap_or_default()
}

/// RFC 5321, 4.5.2: a dot before a line's own dot.
fn unstuffed(data: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(data.len());
    for (place, byte) in data.iter().enumerate() {
        let starts_line = place == 0 || data[..place].ends_with(b"\r\n");
        if !(starts_line && *byte == b'.') {
            plain.push(*byte);
        }
    }
    plain
}
