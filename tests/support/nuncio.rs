//! A running `nuncio serve`: the real binary on a folder and a port of its own.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;
use tempfile::TempDir;

use crate::binaries::binary;

/// The admin token of every Nuncio started here.
pub const TOKEN: &str = "token-of-the-tests";

/// One on a folder of its own. It is killed when dropped.
pub struct Nuncio {
    folder: TempDir,
    with_rules: bool,
    token: Option<&'static str>,
    variables: Vec<(String, String)>,
    /// Shell commands that run in the process before it becomes Nuncio.
    before: Option<String>,
    arguments: Vec<String>,
    log: Option<Stdio>,
    disk: Option<SmallDisk>,
    child: Option<Child>,
    url: String,
    client: Client,
    /// The output before it was ready.
    pub welcome: String,
}

impl Nuncio {
    /// With this rules file, up and ready.
    pub async fn with_rules(rules: &str) -> Self {
        let mut nuncio = Self::not_started(rules);
        nuncio.start().await;
        nuncio
    }

    /// With this rules file, for [`Self::set`] before [`Self::start`].
    pub fn not_started(rules: &str) -> Self {
        let mut nuncio = Self::prepare(Some(TOKEN));
        nuncio.write_rules(rules);
        nuncio.with_rules = true;
        nuncio
    }

    /// With the built-in rules, up and ready.
    pub async fn built_in() -> Self {
        let mut nuncio = Self::prepare(Some(TOKEN));
        nuncio.start().await;
        nuncio
    }

    /// As a newcomer starts it: no rules file, no token.
    pub async fn for_a_newcomer() -> Self {
        let mut nuncio = Self::prepare(None);
        nuncio.start().await;
        nuncio
    }

    fn prepare(token: Option<&'static str>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let client = Client::builder().timeout(Duration::from_secs(30)).build().expect("an HTTP client");
        Self {
            folder,
            with_rules: false,
            token,
            variables: Vec::new(),
            before: None,
            arguments: Vec::new(),
            log: None,
            disk: None,
            child: None,
            url: String::new(),
            client,
            welcome: String::new(),
        }
    }

    /// Sets a variable of its environment, from the next start on.
    pub fn set(&mut self, name: &str, value: &str) {
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    /// Gives `serve` these arguments too, from the next start on.
    pub fn set_arguments(&mut self, arguments: &[&str]) {
        self.arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
    }

    /// Sets its soft limit of open files, from the next start on; it may raise the limit itself.
    pub fn limit_files(&mut self, files: u32) {
        self.before = Some(format!("ulimit -S -n {files}"));
    }

    /// Sets its hard limit of open files, from the next start on.
    pub fn limit_files_for_good(&mut self, files: u32) {
        self.before = Some(format!("ulimit -n {files}"));
    }

    /// Gives it a disk that is full, with a copy of what its data folder holds, from the next start on. Only its
    /// process sees that disk.
    pub fn fill_disk(&mut self) {
        let data = self.data();
        let copied = "cp -a \"$NUNCIO_DATA\" copied && mount -t tmpfs -o size=32m none \"$NUNCIO_DATA\" && \
             cp -a copied/. \"$NUNCIO_DATA\" && ! dd if=/dev/zero of=\"$NUNCIO_DATA/filling\" bs=4k 2>&-";
        assert!(data.is_dir(), "it has started once");
        self.before = Some(copied.to_owned());
    }

    /// Puts its data folder, which must be empty, on a disk of this many MiB, which keeps its content between starts.
    /// Call it before the first start.
    pub fn use_small_disk(&mut self, mebibytes: u32) {
        self.disk = Some(SmallDisk::mount(&self.data(), mebibytes));
    }

    /// Fills the small disk to its last byte with a file.
    pub fn fill_small_disk(&self) {
        let filling = self.on_small_disk("filling");
        let mut file = std::fs::File::options().append(true).create(true).open(filling).expect("a file on the disk");
        while file.write_all(&[0; 512]).is_ok() {}
    }

    /// The path at which a test sees a file of the data folder that is on the small disk.
    pub fn on_small_disk(&self, name: &str) -> PathBuf {
        let holder = self.disk.as_ref().expect("it has a small disk").holder.id();
        let data = self.data().join(name);
        PathBuf::from(format!("/proc/{holder}/root{}", data.display()))
    }

    /// Where its log goes at the next start, instead of the file that [`Self::log`] reads.
    pub fn log_to(&mut self, log: impl Into<Stdio>) {
        self.log = Some(log.into());
    }

    /// Its data folder.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A file in its working folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Replaces its rules file.
    pub fn write_rules(&self, rules: &str) {
        std::fs::write(self.file("rules.yaml"), rules).expect("the rules are written");
    }

    /// Starts it (again) on the same data, and waits until it says that it is ready.
    pub async fn start(&mut self) {
        self.start_unready().await;
        self.wait_until_ready().await;
    }

    /// The same, but waits only until it says where it listens.
    #[expect(clippy::unused_async, reason = "as `start`, which waits")]
    pub async fn start_unready(&mut self) {
        let mut command = self.command(&["serve", "--listen", "127.0.0.1:0"]);
        if self.with_rules {
            command.arg("--config").arg(self.file("rules.yaml"));
        }
        command.args(&self.arguments);
        let log = self.log.take();
        let file = || std::fs::File::options().append(true).create(true).open(self.file("log")).expect("a log file");
        let log = log.unwrap_or_else(|| file().into());
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().expect("nuncio starts");
        let mut lines = BufReader::new(child.stdout.take().expect("its output"));
        let mut first = String::new();
        lines.read_line(&mut first).expect("its first line");
        let url = first.split_whitespace().find(|word| word.starts_with("http://"));
        let Some(url) = url else {
            let _ = child.wait();
            panic!("nuncio did not come up: {first}{}", self.log());
        };
        self.url = url.to_owned();
        // The rest of what it prints comes in one piece with a blank line at its end.
        self.welcome = first;
        while !self.welcome.ends_with("\n\n") || self.welcome.matches("curl").count() < 2 {
            let mut line = String::new();
            if lines.read_line(&mut line).expect("its output") == 0 {
                break;
            }
            self.welcome.push_str(&line);
        }
        std::thread::spawn(move || lines.read_to_end(&mut Vec::new()));
        self.child = Some(child);
    }

    async fn wait_until_ready(&self) {
        let began = Instant::now();
        while !self.client.get(self.at("/healthz")).send().await.is_ok_and(|answer| answer.status() == 200) {
            assert!(began.elapsed() < Duration::from_secs(20), "not ready: {}", self.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// The command with the same folder, token and environment, for its other commands.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = match (&self.before, &self.disk) {
            (None, None) => Command::new(binary("nuncio")),
            (None, Some(disk)) => disk.command(),
            (Some(before), _) => {
                // It may mount as root of a world of its own.
                let mut shell = Command::new("unshare");
                shell.args(["--map-root-user", "--mount", "sh", "-c", &format!("{before} && exec \"$0\" \"$@\"")]);
                shell.arg(binary("nuncio"));
                shell
            }
        };
        command.args(arguments).current_dir(self.folder.path()).env("NUNCIO_DATA", self.data());
        command.env_remove("NUNCIO_TOKEN").env_remove("NUNCIO_CONFIG").env_remove("NUNCIO_LISTEN");
        if let Some(token) = self.token {
            command.env("NUNCIO_TOKEN", token);
        }
        command.envs(self.variables.iter().cloned());
        if !self.url.is_empty() {
            command.env("NUNCIO_URL", &self.url);
        }
        command
    }

    /// Runs another of its commands to the end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the command runs")
    }

    /// Sends it a signal, such as `STOP`.
    pub fn signal(&self, name: &str) {
        let pid = self.child.as_ref().expect("it runs").id().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status();
        assert!(sent.expect("kill runs").success(), "{name}");
    }

    /// Kills the process with SIGKILL.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// The most memory that it ever had, in bytes.
    pub fn peak_memory(&self) -> u64 {
        let pid = self.child.as_ref().expect("it runs").id();
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("its status");
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("its peak");
        peak.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
    }

    /// Sends SIGTERM, and returns the exit status and how long the shutdown took.
    pub fn terminate(&mut self) -> (ExitStatus, Duration) {
        let began = Instant::now();
        self.signal("TERM");
        let mut child = self.child.take().expect("it runs");
        (child.wait().expect("it ends"), began.elapsed())
    }

    /// The URL of a path on it.
    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// A request with the token.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, self.at(path)).bearer_auth(self.token.unwrap_or_default())
    }

    /// Posts events as JSON.
    pub async fn post(&self, events: &Value) -> (u16, Value) {
        answer(self.request(Method::POST, "/v1/events").json(events)).await
    }

    /// Posts events that must all be accepted, and returns their pks.
    pub async fn accept(&self, events: &Value) -> Vec<String> {
        let (status, answer) = self.post(events).await;
        assert_eq!(status, 202, "{answer}");
        let results = answer["results"].as_array().expect("results");
        results.iter().map(|result| result["pk"].as_str().unwrap_or_else(|| panic!("{result}")).to_owned()).collect()
    }

    /// Sends a GET request that must succeed, and returns the body.
    pub async fn get(&self, path: &str) -> Value {
        let (status, body) = answer(self.request(Method::GET, path)).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    /// Repeats a GET request until the body is as wanted; panics after 20 seconds.
    pub async fn get_until(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            let body = self.get(path).await;
            if wanted(&body) {
                return body;
            }
            assert!(began.elapsed() < Duration::from_secs(20), "{path} stays {body:#}\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }

    /// The results of a list, once there are `count`.
    pub async fn results(&self, path: &str, count: usize) -> Vec<Value> {
        let body = self.get_until(path, |body| body["results"].as_array().is_some_and(|all| all.len() >= count)).await;
        body["results"].as_array().expect("results").clone()
    }

    /// Its whole log, over all starts.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.file("log")).unwrap_or_default()
    }

    /// The mails in its mailbox folder, in order.
    pub fn mails(&self) -> Vec<String> {
        mails(&self.data().join("mailbox"))
    }
}

/// A disk in memory, which only processes in the namespaces of its holder see.
struct SmallDisk {
    /// A process that sleeps. The disk exists as long as it runs.
    holder: Child,
}

impl SmallDisk {
    fn mount(folder: &Path, mebibytes: u32) -> Self {
        let script = format!(
            "mkdir -p \"$0\" && mount -t tmpfs -o size={mebibytes}m none \"$0\" && echo mounted && exec sleep 1000"
        );
        let mut unshare = Command::new("unshare");
        unshare.args(["--map-root-user", "--mount", "sh", "-c", &script]).arg(folder).stdout(Stdio::piped());
        let mut holder = unshare.spawn().expect("unshare runs");
        let mut line = String::new();
        BufReader::new(holder.stdout.take().expect("its output")).read_line(&mut line).expect("a line");
        assert_eq!(line, "mounted\n");
        Self { holder }
    }

    /// Nuncio where it sees the disk.
    fn command(&self) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.holder.id().to_string(), "--user", "--mount", "--preserve-credentials", "--"]);
        command.arg(binary("nuncio"));
        command
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

fn mails(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "eml"));
    files.sort();
    files.iter().filter_map(|file| std::fs::read_to_string(file).ok()).collect()
}

/// An answer's status and its JSON (or its text as a JSON string).
pub async fn answer(request: RequestBuilder) -> (u16, Value) {
    let response = request.send().await.expect("an answer");
    let status = response.status().as_u16();
    let text = response.text().await.expect("a body");
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

impl Drop for Nuncio {
    fn drop(&mut self) {
        self.kill();
    }
}
