//! Counts what a server sends: a browser's own figures leave out what its workers fetch.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// A server's address passed on, with the bytes it sent.
pub struct Meter {
    /// The address to use instead, with a slash at the end.
    pub url: String,
    sent: Arc<Mutex<Vec<Sent>>>,
    asked: Arc<AtomicU64>,
}

/// Bytes that went out at once, and when, ms since 1970.
type Sent = (f64, u64);

/// Ends the first line of every request.
const REQUEST: &[u8] = b" HTTP/1.1\r\n";

impl Meter {
    /// Stands in front of a server on this machine.
    pub fn before(server_url: &str) -> anyhow::Result<Meter> {
        let to = server_url.trim_start_matches("http://").trim_end_matches('/').to_owned();
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let url = format!("http://{}/", listener.local_addr()?);
        let (sent, asked) = <(Arc<Mutex<Vec<Sent>>>, Arc<AtomicU64>)>::default();
        let (bytes, requests) = (sent.clone(), asked.clone());
        std::thread::spawn(move || {
            for browser in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(&to) else { continue };
                let (Ok(asks), Ok(asked)) = (browser.try_clone(), server.try_clone()) else {
                    continue;
                };
                let (bytes, requests) = (bytes.clone(), requests.clone());
                std::thread::spawn(move || {
                    pass_on(asks, asked, |block| {
                        let found = block.windows(REQUEST.len()).filter(|w| *w == REQUEST).count();
                        requests.fetch_add(found as u64, Ordering::Relaxed);
                    });
                });
                std::thread::spawn(move || {
                    pass_on(server, browser, |block| {
                        let sent = (now_ms(), block.len() as u64);
                        bytes.lock().unwrap_or_else(PoisonError::into_inner).push(sent);
                    });
                });
            }
        });
        Ok(Meter { url, sent, asked })
    }

    /// Bytes sent so far, headers included.
    pub fn bytes(&self) -> u64 {
        self.bytes_until(f64::INFINITY)
    }

    /// Bytes sent until a time, ms since 1970 (a page's `performance.timeOrigin + performance.now()`).
    pub fn bytes_until(&self, end_ms: f64) -> u64 {
        let sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        sent.iter().filter(|(at_ms, _)| *at_ms <= end_ms).map(|(_, bytes)| bytes).sum()
    }

    /// Requests so far. One whose first line is parted between two packets is not counted: they are
    /// far shorter than a packet.
    pub fn requests(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }
}

fn now_ms() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |d| d.as_secs_f64() * 1e3)
}

fn pass_on(mut from: TcpStream, mut to: TcpStream, seen: impl Fn(&[u8])) {
    let mut block = vec![0; 1 << 16];
    // Either side may hang up at any time: then the other is told.
    while let Ok(n) = from.read(&mut block) {
        if n == 0 || to.write_all(&block[..n]).is_err() {
            break;
        }
        seen(&block[..n]);
    }
    let _ = to.shutdown(Shutdown::Write);
}
