//! An emulator of AWS for a test binary: installed on first use, bound to 127.0.0.1, ended with the
//! process that started it. Fails with a message if something is missing.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::Credentials;
use serde_json::Value;

use crate::gateway::Gateway;
use crate::tools::{self, target};

/// The region everything is in.
pub const REGION: &str = "us-east-1";

/// The emulator accepts any credentials; these belong to no account.
const NOBODY: &str = "test";

/// How long it may take to be up; it usually takes less than a second.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running emulator of the AWS services.
#[derive(Debug)]
pub struct Emulator {
    port: u16,
    python: PathBuf,
    /// Where the functions reach the services.
    gateway: Gateway,
    /// While this end of the pipe is open, it runs.
    life: Option<ChildStdin>,
    child: Child,
}

impl Emulator {
    /// The one of this process, started when it is first asked for.
    pub fn shared() -> &'static Self {
        static EMULATOR: OnceLock<Emulator> = OnceLock::new();
        EMULATOR.get_or_init(Self::start)
    }

    /// Starts one.
    ///
    /// # Panics
    /// When Python is missing, the emulator cannot be installed, or it does not come up.
    pub fn start() -> Self {
        let python = tools::python("ministack", &here("requirements.txt"));
        let folder = target().join("tools/ministack");
        let port = free_port();
        let gateway = Gateway::start(endpoint_at(port));
        let test = std::env::current_exe().expect("a test knows where it is");
        let log = folder.join(test.file_stem().expect("a file")).with_extension("log");
        let mut child = Command::new(&python)
            .arg(here("emulator.py"))
            .args([port.to_string().as_str(), log.to_str().expect("a path in UTF-8"), gateway.address()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("the emulator's Python starts");
        let life = child.stdin.take();
        let emulator = Self { port, python, gateway, life, child };
        emulator.wait_until_up(&log);
        only_loopback(port);
        emulator
    }

    /// Where all services are.
    pub fn endpoint(&self) -> String {
        endpoint_at(self.port)
    }

    /// What stands between the functions and the services.
    pub fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    /// A Python that has boto3.
    pub fn python(&self) -> &Path {
        &self.python
    }

    /// What the SDK's clients need to reach it.
    pub async fn sdk(&self) -> SdkConfig {
        let nobody = Credentials::new(NOBODY, NOBODY, None, None, "emulator");
        aws_config::defaults(BehaviorVersion::v2026_01_12())
            .endpoint_url(self.endpoint())
            .region(Region::from_static(REGION))
            .credentials_provider(nobody)
            .load()
            .await
    }

    /// `template.yaml`, its tags written out.
    pub fn template(&self) -> &'static Value {
        static TEMPLATE: OnceLock<Value> = OnceLock::new();
        TEMPLATE.get_or_init(|| self.script("template.py", &[template_file().to_str().expect("a path in UTF-8")]))
    }

    /// What one of the scripts in `tests/aws` prints, which is JSON.
    pub fn script(&self, name: &str, arguments: &[&str]) -> Value {
        let run = Command::new(&self.python)
            .arg("-B")
            .arg(here(name))
            .args(arguments)
            .env("AWS_ENDPOINT_URL", self.endpoint())
            .env("AWS_DEFAULT_REGION", REGION)
            .env("AWS_ACCESS_KEY_ID", NOBODY)
            .env("AWS_SECRET_ACCESS_KEY", NOBODY)
            .output()
            .expect("the emulator's Python starts");
        assert!(run.status.success(), "{name} failed:\n{}", String::from_utf8_lossy(&run.stderr));
        serde_json::from_slice(&run.stdout).expect("the script prints JSON")
    }

    fn wait_until_up(&self, log: &Path) {
        let started = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            let said = || fs::read_to_string(log).unwrap_or_default();
            assert!(started.elapsed() < PATIENCE, "the emulator did not come up; it said:\n{}", said());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        drop(self.life.take());
        let _ = self.child.wait();
    }
}

/// The deployed system's description.
pub fn template_file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../template.yaml")
}

fn here(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("aws").join(file)
}

fn endpoint_at(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("127.0.0.1 has a free port");
    listener.local_addr().expect("a bound listener has an address").port()
}

/// The emulator must not be reached from outside. `ss` is asked where it is there.
fn only_loopback(port: u16) {
    let Ok(mut ss) = Command::new("ss").args(["-Hltn"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn() else {
        return;
    };
    let lines = BufReader::new(ss.stdout.take().expect("its output is piped")).lines();
    for line in lines.map_while(Result::ok) {
        let local = line.split_whitespace().nth(3).unwrap_or_default();
        if local.ends_with(&format!(":{port}")) {
            assert!(local.starts_with("127.0.0.1:"), "the emulator listens at {local}, which others can reach");
        }
    }
    let _ = ss.wait();
}
