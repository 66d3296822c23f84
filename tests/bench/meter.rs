//! Counts what a server sends: a browser's own figures leave out what its workers fetch.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A server's address passed on, with the bytes it sent.
pub struct Meter {
    /// The address to use instead, with a slash at the end.
    pub url: String,
    sent: Arc<AtomicU64>,
}

impl Meter {
    /// Stands in front of a server on this machine.
    pub fn before(server_url: &str) -> anyhow::Result<Meter> {
        let to = server_url.trim_start_matches("http://").trim_end_matches('/').to_owned();
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let url = format!("http://{}/", listener.local_addr()?);
        let sent = Arc::new(AtomicU64::new(0));
        let counter = sent.clone();
        std::thread::spawn(move || {
            for browser in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(&to) else { continue };
                let (Ok(asks), Ok(asked)) = (browser.try_clone(), server.try_clone()) else {
                    continue;
                };
                std::thread::spawn(move || pass_on(asks, asked, &AtomicU64::new(0)));
                let counter = counter.clone();
                std::thread::spawn(move || pass_on(server, browser, &counter));
            }
        });
        Ok(Meter { url, sent })
    }

    /// Bytes sent so far, headers included.
    pub fn bytes(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }
}

fn pass_on(mut from: TcpStream, mut to: TcpStream, counter: &AtomicU64) {
    let mut block = vec![0; 1 << 16];
    // Either side may hang up at any time: then the other is told.
    while let Ok(n) = from.read(&mut block) {
        if n == 0 || to.write_all(&block[..n]).is_err() {
            break;
        }
        counter.fetch_add(n as u64, Ordering::Relaxed);
    }
    let _ = to.shutdown(Shutdown::Write);
}
