//! `nuncio serve`: all functions in one process, with the embedded store.

mod banner;
mod clock_watch;
mod configuration;
mod connections;
mod indexer;
mod listener;
mod live_inbox;
mod scheduler;
mod shutdown;
mod worker;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use api::Authenticator;
use axum::Router;
use channels::{Channels, LocalMailer, MailboxFolder};
use console::{Console, RulesSource};
use dispatch::Dispatcher;
use domain::ports::{Archive, Clock, Configuration, Entropy, Mailbox, Stores};
use domain::rules_document::RulesDocument;
use embedded::{ArchiveFolder, FolderLock, ReleasedLeases, Store};
use expressions::worker::WorkerPool;
use host::{EnvironmentSecrets, OsEntropy, SystemClock};
use ingest::Ingest;
use jiff::SignedDuration;
use retention::{JobRunner, MailboxPurge, Sweep};
use sources::Sources;
use tokio::net::TcpListener;

use crate::cli::ServeOptions;
use configuration::{ConfigurationEvents, FileConfiguration, StoredConfiguration};
use live_inbox::LiveInbox;
use scheduler::ScheduledTasks;
use shutdown::Shutdown;

pub(crate) fn run(mut options: ServeOptions) -> anyhow::Result<ExitCode> {
    let variables = host::environment();
    options.token = variables.get("NUNCIO_TOKEN").filter(|token| !token.is_empty()).cloned();
    let terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
    host::log::init(&options.log, if terminal { host::log::LogFormat::Plain } else { host::log::LogFormat::Json })
        .with_context(|| format!("--log {}", options.log))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start")?;
    let served = runtime.block_on(serve(options, EnvironmentSecrets::new(variables)));
    // Does not wait for work that ignored the grace period: the next start repeats it.
    runtime.shutdown_background();
    served
}

async fn serve(options: ServeOptions, secrets: EnvironmentSecrets) -> anyhow::Result<ExitCode> {
    let hangups = shutdown::hangups()?;
    let folder = &options.data;
    std::fs::create_dir_all(folder).with_context(|| {
        let folder = folder.display();
        format!("--data {folder}: cannot create this folder; it must be one that this user may write in")
    })?;
    let _lock = FolderLock::take(folder)?;
    let store = open(folder, options.accept_damage).await?;
    let archive = archive(options.archive.as_deref())?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let entropy: Arc<dyn Entropy> = Arc::new(OsEntropy);
    let (configuration, rules, watched) = rules(&options, &store).await?;
    let built_in = configuration.current().await?.document == RulesDocument::built_in();
    let token = banner::install_token(&store, options.token.as_deref(), &*clock, &*entropy).await?;

    let shutdown = Shutdown::on_signals()?;
    let mailbox = MailboxFolder::new(folder.join("mailbox"), Arc::clone(&clock));
    let mailer = LocalMailer::new(mailbox.clone(), Arc::new(secrets.clone()));
    let expressions = Arc::new(WorkerPool::from_current_binary().context("cannot find the path of this program")?);
    let inbox = LiveInbox::new(store.clone(), shutdown.clone());
    let channel = Arc::new(Channels::new(channels::ChannelPorts {
        mailer: Arc::new(mailer),
        inbox: Arc::new(inbox.clone()),
        secrets: Arc::new(secrets.clone()),
        clock: Arc::clone(&clock),
        expressions: expressions.clone(),
    })?);
    let stores = Stores { inbox: Arc::new(inbox.clone()), ..Stores::from_single(store.clone()) };
    let dispatcher = Dispatcher::new(dispatch::DispatchPorts::new(
        &stores,
        expressions.clone(),
        Arc::clone(&configuration),
        channel.clone(),
        Arc::clone(&clock),
        Arc::clone(&entropy),
    ));
    let tasks = scheduled_tasks(&stores, archive, mailbox, &configuration, &clock);
    let authenticator = Authenticator::new(Arc::clone(&stores.tokens), Arc::clone(&clock))
        .with_sessions(Arc::clone(&stores.sessions), Arc::clone(&entropy))
        .behind_proxies(Arc::clone(&configuration));
    // Half of the memory is for request bodies, a quarter for events being evaluated, a quarter for events queued.
    let memory = options.memory;
    store.limit_recent_events(memory / 4);
    let ingest = Ingest {
        acceptance: api::Acceptance {
            intake: Arc::clone(&stores.intake),
            configuration: Arc::clone(&configuration),
            clock: Arc::clone(&clock),
            entropy: Arc::clone(&entropy),
            origins: Arc::new(mmdb::Databases::open(options.geoip, options.asn, Arc::clone(&clock))),
        },
        authenticator: authenticator.clone(),
        memory: api::MemoryBudget::new(memory / 2),
    };
    let sources =
        Sources { acceptance: ingest.acceptance.clone(), secrets: Arc::new(secrets), memory: ingest.memory.clone() };
    let events = ConfigurationEvents(ingest.clone());
    let console = Console {
        stores,
        inbox_updates: Arc::new(inbox),
        configuration,
        rules,
        channel,
        expressions,
        clock: Arc::clone(&clock),
        entropy,
        authenticator,
        token_command: crate::token::command(folder),
    };
    let router =
        Router::new().merge(ingest::router(ingest)).merge(sources::router(sources)).merge(console::router(console));
    let router = api::with_middleware(router);

    release_leases(&store).await;
    let listener =
        TcpListener::bind(options.listen).await.with_context(|| format!("cannot listen on {}", options.listen))?;
    let worker = tokio::spawn(worker::run(store.clone(), Arc::new(dispatcher), clock, memory / 4, shutdown.clone()));
    let scheduler = tokio::spawn(scheduler::run(tasks, shutdown.clone()));
    let indexer = tokio::spawn(indexer::run(store.clone(), shutdown.clone()));
    match watched {
        Some(file) => drop(tokio::spawn(configuration::watch(file, hangups, events, shutdown.clone()))),
        None => drop(tokio::spawn(configuration::ignore_hangups(hangups))),
    }
    let address = listener.local_addr().context("cannot read the address of the listener")?;
    token.print_banner(address, folder, built_in);

    shutdown.within_grace(listener::serve(listener, router, shutdown.clone())).await;
    shutdown.within_grace(async { tokio::join!(worker, scheduler, indexer) }).await;
    if let Err(error) = store.close().await {
        tracing::warn!(%error, "the write-ahead log could not be merged into the store; the next start reads it");
    }
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}

/// Makes the work of the last run due again. If that fails, the server starts all the same: the leases expire by
/// themselves.
async fn release_leases(store: &Store) {
    match store.release_leases().await {
        Ok(ReleasedLeases { messages: 0, deliveries: 0, operator_jobs: 0 }) => {}
        Ok(ReleasedLeases { messages, deliveries, operator_jobs: jobs }) => {
            tracing::info!(messages, deliveries, jobs, "resuming the work that the last run left unfinished");
        }
        Err(error) => {
            tracing::error!(%error, "the work that the last run left unfinished resumes only when its leases expire");
        }
    }
}

/// The scheduled tasks and the operator's jobs.
fn scheduled_tasks(
    stores: &Stores,
    archive: Option<Arc<dyn Archive>>,
    mailbox: MailboxFolder,
    configuration: &Arc<dyn Configuration>,
    clock: &Arc<dyn Clock>,
) -> ScheduledTasks {
    let mailbox: Arc<dyn Mailbox> = Arc::new(mailbox);
    let sweep = Sweep::new(stores, archive.clone(), Arc::clone(clock), SignedDuration::ZERO);
    let runner =
        JobRunner::new(stores, archive, Some(Arc::clone(&mailbox)), Arc::clone(configuration), Arc::clone(clock));
    let old_mails = MailboxPurge { mailbox, configuration: Arc::clone(configuration), clock: Arc::clone(clock) };
    ScheduledTasks { sweep, old_mails, runner, configuration: Arc::clone(configuration) }
}

/// The time for checking the store's structure at the start. A large store is checked in part.
const CHECK_TIME: Duration = Duration::from_secs(2);

async fn open(folder: &Path, accept_damage: bool) -> anyhow::Result<Store> {
    let cannot = || format!("cannot open the data folder {}", folder.display());
    let store = if accept_damage {
        let (store, kept) = Store::open_without_damaged_log(folder).with_context(cannot)?;
        if let Some(kept) = kept {
            tracing::error!(kept = %kept.display(), "the write-ahead log is damaged; using the part before the damage");
        }
        store
    } else {
        Store::open(folder).with_context(cannot)?
    };
    match store.check(CHECK_TIME).await {
        Ok(_) => {}
        Err(error) if accept_damage => {
            tracing::error!(%error, "the store is damaged; starting anyway because of --accept-damage");
        }
        Err(error) => {
            let how = "restore a backup, or start with --accept-damage to read what can be read";
            return Err(anyhow::Error::new(error).context(how).context(cannot()));
        }
    }
    Ok(store)
}

/// The archive in the folder of `--archive`, if it is given.
fn archive(folder: Option<&Path>) -> anyhow::Result<Option<Arc<dyn Archive>>> {
    let Some(folder) = folder else { return Ok(None) };
    let opened = ArchiveFolder::open(folder).with_context(|| format!("--archive {}", folder.display()))?;
    Ok(Some(Arc::new(opened)))
}

type Rules = (Arc<dyn Configuration>, RulesSource, Option<Arc<FileConfiguration>>);

/// The rules document: from `--config`, `nuncio.yaml` in the current folder, the store, or the built-in one.
async fn rules(options: &ServeOptions, store: &Store) -> anyhow::Result<Rules> {
    let beside = std::path::PathBuf::from("nuncio.yaml");
    let file = options.config.clone().or_else(|| beside.exists().then_some(beside));
    if let Some(file) = file {
        let configuration = Arc::new(FileConfiguration::read(file).await?);
        return Ok((configuration.clone(), RulesSource::File, Some(configuration)));
    }
    let configuration = Arc::new(StoredConfiguration::load(store.clone()).await?);
    Ok((configuration.clone(), RulesSource::Stored(configuration), None))
}
