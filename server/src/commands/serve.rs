//! `spyhop serve`.

use std::io::Write;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use axum_server::accept::NoDelayAcceptor;

use super::StateArgs;
use super::class::{self, Lesson};
use crate::admin_token::StateToken;
use crate::annotations::Annotations;
use crate::catalogue::access::Reader;
use crate::catalogue::{self, Catalogue};
use crate::data_folder::demo_folder;
use crate::detection::{DetectionKeeper, DetectionStore};
use crate::http::{self, Address, Closed, Guard, Pictures, Previews, Served};
use crate::keeping::{Rate, Rates};
use crate::models;
use crate::place::Place;
use crate::pyramid::Keeper;
use crate::quality::QualityKeeper;
use crate::reach::Reachability;
use crate::rooms::{Rooms, UPKEEP_EVERY};
use crate::runs::Runs;
use crate::shares::Shares;
use crate::stories::{Shelf, Stories};
use crate::upkeep::Upkeep;
use crate::work::{Engine, Registry, Settings};

/// Serve the web page, and the recordings of a place to it.
///
/// Each folder of the place that holds recordings is a deployment; a deployment.toml in it may give
/// it a name, credit, licence and calibration, and say who may see it. Nothing is ever written there.
/// Without --data the demo is served where `spyhop demo` made it.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  spyhop serve                                   the demo, at http://127.0.0.1:8080/
  spyhop serve --data /mnt/recorder              a disk's folders
  spyhop serve --data s3://bucket/hydrophones    a bucket, read by ranges
  spyhop serve --listen 0.0.0.0:8443 --tls-self-signed
                                                 for a class room: other machines get a secure page")]
pub struct Args {
    /// Folder, s3://bucket/prefix, gs://bucket/prefix or https://host/folder/ with recordings in it
    /// or in folders below; may be given several times
    #[arg(long, value_name = "PLACE")]
    pub(super) data: Vec<String>,
    #[command(flatten)]
    pub(super) state: StateArgs,
    /// Address to listen on; 0.0.0.0:PORT lets other machines in, port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080", value_parser = parse_address)]
    pub(super) listen: SocketAddr,
    /// Address by which people reach this server, as https://whales.example.org
    #[arg(long, value_name = "URL", value_parser = parse_public_url)]
    pub(super) public_url: Option<String>,
    /// A web server stands in front of this one: who asks is what it writes into X-Forwarded-For
    #[arg(long)]
    pub(super) behind_proxy: bool,
    /// Show nothing to anybody without the token for reading, which lies in the state folder
    #[arg(long)]
    pub(super) read_token: bool,
    /// Certificate chain in PEM, for https
    #[arg(long, value_name = "FILE", requires = "tls_key", conflicts_with = "tls_self_signed")]
    pub(super) tls_cert: Option<PathBuf>,
    /// The certificate's private key in PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(super) tls_key: Option<PathBuf>,
    /// Make a certificate for https; browsers warn once
    #[arg(long)]
    pub(super) tls_self_signed: bool,
}

/// `127.0.0.1:8080`, `localhost:8080`, or a port alone.
pub(super) fn parse_address(text: &str) -> Result<SocketAddr, String> {
    let address =
        if text.parse::<u16>().is_ok() { format!("127.0.0.1:{text}") } else { text.into() };
    let found = address.to_socket_addrs().ok().and_then(|mut all| all.next());
    found.ok_or_else(|| "give an address of this machine and a port, as 127.0.0.1:8080".into())
}

/// `https://host` or `https://host/path`, without a slash at the end.
pub(super) fn parse_public_url(text: &str) -> Result<String, String> {
    let url = text.trim_end_matches('/');
    match host_of(url) {
        Some(_) => Ok(url.to_owned()),
        None => Err("give the whole address, as https://whales.example.org".into()),
    }
}

/// The name of the host in an address.
fn host_of(url: &str) -> Option<String> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    let host = rest.split(['/', ':']).next().filter(|host| !host.is_empty())?;
    Some(host.to_owned())
}

/// Shares that one address makes without the administrator's token: a class may share at once.
const SHARES_BY_ADDRESS: Rate = Rate { at_once: 40.0, one_every: Duration::from_secs(15) };
/// The same over a day: nobody fills alone, and unseen, what all share.
const SHARES_BY_DAY: Rate = Rate { at_once: 200.0, one_every: Duration::from_secs(86_400 / 200) };

/// How long open answers may take to end once the server was told to stop.
const STOP_WITHIN: Duration = Duration::from_secs(3);

/// Runs it until it is told to stop.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    serve(args, None)
}

/// The same, and with it the class that the server was started for.
pub(super) fn serve(args: Args, lesson: Option<Lesson>) -> anyhow::Result<ExitCode> {
    super::log_to_stderr();
    let mut addresses = args.data.clone();
    if addresses.is_empty() {
        let demo = demo_folder().filter(|folder| folder.is_dir());
        addresses.extend(demo.map(|folder| folder.display().to_string()));
    }
    let places = addresses.iter().map(|text| Place::at(text)).collect::<Result<Vec<_>, _>>()?;
    // Before anything is started: a port in use is the commonest mistake.
    let listener = listen(args.listen)?;
    let address = listener.local_addr()?;
    let state = Arc::new(args.state.open()?);
    let shelf = Shelf::of(&places);
    for failure in shelf.all().1 {
        tracing::warn!("a story is left out: {}, {}", failure.name, failure.reason);
    }
    let catalogue = Arc::new(Catalogue::open(&state, places)?);
    let annotations = Annotations::open(&state)?;
    let shares = Shares::open(&state, catalogue::now())?;
    let stories = Stories::open(&state, catalogue::now())?;
    let found = Arc::new(DetectionStore::open(&state)?);
    let token = StateToken::of_state(state.path())?;
    let reading = args.read_token.then(|| StateToken::for_reading(state.path())).transpose()?;
    let hosts = args.public_url.iter().filter_map(|url| host_of(url)).collect();
    let closed = reading.as_ref().map(|reading| Closed::new(reading.text.clone(), &token.text));
    let guard = Guard::new(address, hosts, Some(token.text));
    let keeper = Keeper::new(state.path(), catalogue.clone());
    let mut registry = Registry::default();
    keeper.register(&mut registry);
    let quality = QualityKeeper::new(state.path(), catalogue.clone());
    quality.register(&mut registry);
    let detections = DetectionKeeper::new(state.path(), catalogue.clone(), found);
    detections.register(&mut registry);
    let runs = Runs::of_state(state.path());
    let engine = Arc::new(Engine::start(state, registry, Settings::default())?);
    let upkeep = Upkeep::start(
        catalogue.clone(),
        engine.clone(),
        vec![keeper.clone(), quality.clone(), detections.clone()],
    )
    .context("no thread can be started")?;
    let previews = Previews::default();
    let is_secure = args.tls_cert.is_some() || args.tls_self_signed;
    let served = Arc::new(Served {
        catalogue,
        engine,
        keeper,
        quality,
        annotations,
        detections,
        models: models::Shelf::default(),
        runs,
        guard,
        previews,
        shares,
        closed,
        rooms: Rooms::default(),
        rooms_are_free: lesson.is_some(),
        reach: Reachability::new(address, is_secure),
        is_behind_proxy: args.behind_proxy,
        stories,
        shelf,
        rates: Rates::new(SHARES_BY_ADDRESS).and(SHARES_BY_DAY),
        address: Address::new(args.public_url.clone(), is_secure),
        pictures: Pictures::default(),
    });
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let app = http::app(served.clone()).into_make_service_with_connect_info::<SocketAddr>();
        let handle = axum_server::Handle::new();
        tokio::spawn(stop_when_told(handle.clone(), served.clone()));
        tokio::spawn(keep_rooms(served.clone()));
        let tls = match (&args.tls_cert, &args.tls_key) {
            (Some(cert), Some(key)) => {
                let files = http::TlsFiles { cert: cert.clone(), key: key.clone() };
                Some(http::tls_from_files(&files).await?)
            }
            _ if args.tls_self_signed => Some(http::tls_self_signed(address).await?),
            _ => None,
        };
        // As the guard has it: a public name means that others reach this machine.
        let reached = !address.ip().is_loopback() || args.public_url.is_some();
        let mut said = announcement(&served.catalogue, &addresses, address, tls.is_some())?;
        if let Some(lesson) = &lesson {
            said.push_str(&lesson.begin(&served, address)?);
            tokio::spawn(class::watch(served.clone()));
        } else if reached {
            said.push_str(&format!(
                "Whoever changes something from another machine needs the token in {}\n",
                token.path.display()
            ));
        }
        if let Some(reading) = &reading {
            said.push_str(&format!(
                "Whoever wants to see anything needs the token in {}\n",
                reading.path.display()
            ));
        }
        // Nobody may be reading any more, which is no reason not to serve.
        let _ = std::io::stdout().write_all(said.as_bytes());
        // Small answers go out at once: a page that reads by ranges waits for each of them.
        match tls {
            Some(tls) => {
                let server = axum_server::from_tcp_rustls(listener, tls)?;
                let server = server.map(|tls| tls.acceptor(NoDelayAcceptor));
                server.handle(handle).serve(app).await
            }
            None => {
                let server = axum_server::from_tcp(listener)?.acceptor(NoDelayAcceptor);
                server.handle(handle).serve(app).await
            }
        }
        .context("the server stopped")
    })?;
    upkeep.stop();
    served.engine.stop();
    Ok(ExitCode::SUCCESS)
}

fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(address).map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => anyhow::anyhow!(
            "port {} is in use (is Spyhop running already?): stop what listens there, or choose \
             another with --listen {}:{}",
            address.port(),
            address.ip(),
            address.port().saturating_add(1)
        ),
        std::io::ErrorKind::PermissionDenied => anyhow::anyhow!(
            "port {} needs the administrator's rights: choose one above 1023 with --listen",
            address.port()
        ),
        _ => anyhow::anyhow!("can't listen on {address}: {error}"),
    })?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// What is served and where, a line each.
fn announcement(
    catalogue: &Catalogue,
    places: &[String],
    address: SocketAddr,
    secure: bool,
) -> anyhow::Result<String> {
    let mut said = String::new();
    let list = catalogue.list(Reader::Administrator, "")?;
    match places {
        [_, ..] => {
            let recordings: usize = list.iter().map(|d| d.recording_count).sum();
            let found = format!("{} deployments, {recordings} recordings", list.len());
            let running = catalogue.places().iter().any(|place| place.running);
            let so_far = if running { " so far; it is still being looked through" } else { "" };
            let places = places.join(", ");
            said.push_str(&format!("Spyhop serves {found} of {places}{so_far}\n"));
        }
        [] => {
            let demo = demo_folder().unwrap_or_else(|| "DIR".into());
            said.push_str(&format!(
                "Spyhop serves its page; for recordings to look at, type  spyhop demo {}\n",
                demo.display()
            ));
        }
    }
    let scheme = if secure { "https" } else { "http" };
    let port = address.port();
    if address.ip().is_unspecified() {
        said.push_str(&format!(
            "Open {scheme}://127.0.0.1:{port}/ here, or this machine's name from another (Ctrl-C stops)\n"
        ));
        if !secure {
            said.push_str(
                "Other machines get no secure page this way (no WebGPU): see --tls-self-signed\n",
            );
        }
    } else {
        said.push_str(&format!("Open {scheme}://{address}/ (Ctrl-C stops)\n"));
    }
    Ok(said)
}

/// Looks after the rooms of classes as long as the server runs.
async fn keep_rooms(served: Arc<Served>) {
    let mut pulse = tokio::time::interval(UPKEEP_EVERY);
    pulse.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        pulse.tick().await;
        served.rooms.upkeep(Instant::now());
    }
}

async fn stop_when_told(handle: axum_server::Handle<SocketAddr>, served: Arc<Served>) {
    #[cfg(unix)]
    let terminated = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<()>();
    tokio::select! {
        result = tokio::signal::ctrl_c() => {
            if result.is_err() {
                std::future::pending::<()>().await;
            }
        }
        () = terminated => {}
    }
    served.rooms.end(Instant::now());
    handle.graceful_shutdown(Some(STOP_WITHIN));
}
