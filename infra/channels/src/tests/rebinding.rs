//! A hostile name server: it returns an allowed address first and another one later, or both at once.

use std::collections::VecDeque;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Mutex;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};

use super::*;

/// Takes the place of a public address: the one that is allowed.
const PUBLIC: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
const HOME: Ipv4Addr = Ipv4Addr::LOCALHOST;
const ALLOWED: &str = "127.0.0.2/32";

/// Answers each question with the next of these lists; the last one stays. Remembers how often it was asked.
struct NameServer {
    address: SocketAddr,
    asked: Arc<Mutex<usize>>,
}

impl NameServer {
    async fn start(answers: &[&[Ipv4Addr]]) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(0));
        let (counter, mut answers) =
            (Arc::clone(&asked), answers.iter().map(|list| list.to_vec()).collect::<VecDeque<_>>());
        tokio::spawn(async move {
            let mut packet = [0; 512];
            while let Ok((length, client)) = socket.recv_from(&mut packet).await {
                *counter.lock().unwrap() += 1;
                let addresses = if answers.len() > 1 { answers.pop_front().unwrap() } else { answers[0].clone() };
                socket.send_to(&answer(&packet[..length], &addresses), client).await.unwrap();
            }
        });
        Self { address, asked }
    }

    fn asked(&self) -> usize {
        *self.asked.lock().unwrap()
    }
}

/// RFC 1035: the question back, and an A record of no lifetime for each address.
fn answer(question: &[u8], addresses: &[Ipv4Addr]) -> Vec<u8> {
    let mut packet = question.to_vec();
    packet[2..4].copy_from_slice(&[0x81, 0x80]);
    packet[7] = u8::try_from(addresses.len()).unwrap();
    for address in addresses {
        packet.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4]);
        packet.extend(address.octets());
    }
    packet
}

#[async_trait]
impl NameResolver for NameServer {
    async fn look_up(&self, name: &str) -> io::Result<Vec<SocketAddr>> {
        let socket = UdpSocket::bind("127.0.0.1:0").await?;
        let mut question = vec![0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in name.split('.') {
            question.push(u8::try_from(label.len()).unwrap());
            question.extend(label.as_bytes());
        }
        question.extend([0, 0, 1, 0, 1]);
        socket.send_to(&question, self.address).await?;
        let mut packet = [0; 512];
        let length = socket.recv(&mut packet).await?;
        let records = packet[question.len()..length].chunks_exact(16);
        Ok(records.map(|record| SocketAddr::from(([record[12], record[13], record[14], record[15]], 0))).collect())
    }
}

/// Two servers on one port: the one that may be reached, and a trap at home. Each counts its visitors.
struct Servers {
    port: u16,
    visits: [Arc<Mutex<usize>>; 2],
}

impl Servers {
    async fn start(public: bool) -> Self {
        let trap = TcpListener::bind((HOME, 0)).await.unwrap();
        let port = trap.local_addr().unwrap().port();
        let visits = [Arc::default(), Arc::default()];
        serve(trap, Arc::clone(&visits[1]));
        if public {
            serve(TcpListener::bind((PUBLIC, port)).await.unwrap(), Arc::clone(&visits[0]));
        }
        Self { port, visits }
    }

    fn url(&self) -> String {
        format!("http://rebind.example.org:{}/", self.port)
    }

    fn visits(&self) -> [usize; 2] {
        [0, 1].map(|which| *self.visits[which].lock().unwrap())
    }
}

/// Answers one request a connection, so that each needs a new one.
fn serve(listener: TcpListener, visits: Arc<Mutex<usize>>) {
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            *visits.lock().unwrap() += 1;
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n").await;
        }
    });
}

async fn attempts(
    answers: &[&[Ipv4Addr]],
    servers: &Servers,
    count: usize,
) -> (Vec<Result<AttemptOutcome, Failure>>, usize) {
    let names = Arc::new(NameServer::start(answers).await);
    let http = http(Arc::clone(&names) as Arc<dyn NameResolver>, Timeouts::default());
    let mut outcomes = Vec::new();
    for _ in 0..count {
        outcomes.push(post(&http, &servers.url(), ALLOWED).await);
    }
    (outcomes, names.asked())
}

fn is_blocked(outcome: &Result<AttemptOutcome, Failure>) -> bool {
    matches!(outcome, Err(Failure::Blocked(text)) if text.contains("loopback"))
}

#[tokio::test]
async fn what_was_checked_is_what_is_connected_to() {
    let servers = Servers::start(true).await;
    let (outcomes, asked) = attempts(&[&[PUBLIC], &[HOME]], &servers, 1).await;
    assert!(outcomes[0].is_ok(), "{outcomes:?}");
    assert_eq!((servers.visits(), asked), ([1, 0], 1), "one question, one connection, to the address that was judged");
}

#[tokio::test]
async fn a_name_that_turns_home_is_blocked_from_then_on() {
    let servers = Servers::start(true).await;
    let (outcomes, asked) = attempts(&[&[PUBLIC], &[HOME]], &servers, 3).await;
    assert!(outcomes[0].is_ok() && is_blocked(&outcomes[1]) && is_blocked(&outcomes[2]), "{outcomes:?}");
    assert_eq!((servers.visits(), asked), ([1, 0], 3));
}

#[tokio::test]
async fn of_mixed_answers_only_what_is_allowed_is_tried() {
    for answers in [[HOME, PUBLIC], [PUBLIC, HOME]] {
        let servers = Servers::start(true).await;
        let (outcomes, _) = attempts(&[&answers], &servers, 2).await;
        assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
        assert_eq!(servers.visits(), [2, 0]);
        // Nothing listens at the allowed address: the other one is still not tried.
        let servers = Servers::start(false).await;
        let (outcomes, _) = attempts(&[&answers], &servers, 1).await;
        assert!(matches!(outcomes[0], Err(Failure::Connect(_))), "{outcomes:?}");
        assert_eq!(servers.visits(), [0, 0]);
    }
}

#[tokio::test]
async fn a_name_without_addresses_leads_nowhere() {
    let servers = Servers::start(true).await;
    let (outcomes, _) = attempts(&[&[]], &servers, 1).await;
    assert_eq!((outcomes[0].clone(), servers.visits()), (Err(Failure::Resolve), [0, 0]));
}
