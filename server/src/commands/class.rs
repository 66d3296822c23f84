//! `spyhop class`.

use std::io::{IsTerminal, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;
use spyhop_api::View;
use spyhop_api::room::RoomRequest;
use spyhop_api::view::Source;

use super::{StateArgs, serve};
use crate::http::Served;
use crate::reach::{PATIENCE, advice};

/// Show recordings to a class: each sees on their own screen what you show on yours.
///
/// Serves as `spyhop serve` does, to every device in this network, and begins a class: what it prints is the
/// address and the code for the others, and the link by which you lead. Nobody needs an account. Ctrl-C ends
/// the class, and nothing of it is kept.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  spyhop class                                   the demo
  spyhop class --data /mnt/recorder              a disk's folders
  spyhop class --view 'https://…/?v=1&src=set:night&t=…'
                                                 begin with what a link shows

The other devices must be in the same network as this one, and the network must let them reach it: guest \
networks and those of many schools keep their devices apart. A phone's hotspot does not. Spyhop says when \
another device has come.")]
pub struct Args {
    /// Folder, s3://bucket/prefix, gs://bucket/prefix or https://host/folder/ with recordings in it
    /// or in folders below; may be given several times
    #[arg(long, value_name = "PLACE")]
    data: Vec<String>,
    #[command(flatten)]
    state: StateArgs,
    /// Address to listen on
    #[arg(long, value_name = "ADDR", default_value = "0.0.0.0:8080", value_parser = serve::parse_address)]
    listen: SocketAddr,
    /// What is shown at the beginning: a link, or its part behind the question mark
    #[arg(long, value_name = "LINK", default_value = "")]
    view: String,
}

/// Runs it until it is told to stop.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let Args { data, state, listen, view } = args;
    let served = serve::Args {
        data,
        state,
        listen,
        public_url: None,
        behind_proxy: false,
        read_token: false,
        tls_cert: None,
        tls_key: None,
        tls_self_signed: false,
    };
    serve::serve(served, Some(Lesson { view }))
}

/// The class that a server was started for.
pub struct Lesson {
    /// What is shown at the beginning.
    view: String,
}

impl Lesson {
    /// Makes its room; gives what is said of it.
    pub(super) fn begin(&self, served: &Served, listen: SocketAddr) -> anyhow::Result<String> {
        let query = self.view.split_once('?').map_or(&*self.view, |(_, query)| query);
        let query = query.split('#').next().unwrap_or(query);
        if !self.view.is_empty() && View::from_query(query).0.source == Source::None {
            bail!("--view shows nothing: give the whole link of a view, with src= in it");
        }
        let asked = RoomRequest { view: query.to_owned() };
        let made = served.rooms.make(&asked, Instant::now()).context("no class can begin")?;
        let (code, key) = (&made.code, &made.leader_key);
        let is_any = listen.ip().is_unspecified();
        let ip = if is_any { Ipv4Addr::LOCALHOST.into() } else { listen.ip() };
        let here = SocketAddr::new(ip, listen.port());
        let mut said =
            format!("\nLead the class:  http://{here}/?class={code}&leader=1#key={key}\n");
        let addresses = served.reach.addresses();
        let Some(first) = addresses.first() else {
            for obstacle in served.reach.told().obstacles {
                said.push_str(&format!("No other device can come: {}\n", advice(obstacle)));
            }
            return Ok(said);
        };
        let link = format!("{first}?class={code}");
        said.push_str(&format!("The others open  {link}\n"));
        said.push_str(&format!("       or        {first}  with the code  {code}\n"));
        for other in addresses.iter().skip(1) {
            said.push_str(&format!("       or        {other}?class={code}\n"));
        }
        said.push_str(&qr(&link, std::io::stdout().is_terminal())?);
        Ok(said)
    }
}

/// A QR code for a terminal, dark on light whatever the terminal's colours are.
fn qr(link: &str, has_colours: bool) -> anyhow::Result<String> {
    let code = QrCode::new(link).context("this address is too long for a QR code")?;
    let drawn = code.render::<Dense1x2>().build();
    let line = |line: &str| match has_colours {
        // Black on bright white.
        true => format!("  \x1b[30;107m{line}\x1b[0m\n"),
        false => format!("  {line}\n"),
    };
    Ok(format!("\n{}\n", drawn.lines().map(line).collect::<String>()))
}

/// Says when another device has come, or why none probably does.
pub(super) async fn watch(served: Arc<Served>) {
    let begun = Instant::now();
    let mut has_warned = served.reach.addresses().is_empty();
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let reach = served.reach.told();
        if reach.was_reached {
            say("Another device has reached this one: the network lets them in.\n");
            return;
        }
        if !has_warned && begun.elapsed() > PATIENCE {
            has_warned = true;
            let mut said = "No other device has come yet. If they try in vain:\n".to_owned();
            for obstacle in reach.obstacles {
                said.push_str(&format!("  - {}\n", advice(obstacle)));
            }
            say(&said);
        }
    }
}

fn say(text: &str) {
    // Nobody may be reading any more, which is no reason not to teach.
    let _ = std::io::stdout().write_all(text.as_bytes());
}
