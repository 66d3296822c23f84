//! A static web host with the faults that real ones have.

use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What a host does and leaves out.
#[derive(Clone, Debug)]
pub struct Manners {
    /// Below which path the folder is served: `/` or `/whales/`.
    pub prefix: &'static str,
    /// Answers ranges.
    pub ranges: bool,
    /// Lets pages of other hosts read.
    pub cors: bool,
}

/// Serves a folder on a free port, for as long as the test runs.
pub struct StaticHost {
    /// Address of the folder, with a slash at the end.
    pub url: String,
    whole: Arc<AtomicU64>,
}

impl StaticHost {
    /// Starts it.
    ///
    /// # Errors
    /// When no port is free.
    pub fn start(root: &Path, manners: Manners) -> anyhow::Result<StaticHost> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let port = listener.local_addr()?.port();
        let whole = Arc::new(AtomicU64::new(0));
        let url = format!("http://127.0.0.1:{port}{}", manners.prefix);
        let (root, counter) = (root.to_owned(), whole.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (root, manners, counter) = (root.clone(), manners.clone(), counter.clone());
                // A page that goes away leaves its answer half-read: no matter.
                std::thread::spawn(move || answer(stream, &root, &manners, &counter).ok());
            }
        });
        Ok(StaticHost { url, whole })
    }

    /// Files that went out whole so far, not by a range of theirs.
    pub fn whole_files_sent(&self) -> u64 {
        self.whole.load(Ordering::Relaxed)
    }
}

fn answer(
    mut stream: TcpStream,
    root: &Path,
    manners: &Manners,
    whole: &AtomicU64,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut range = None;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if line.trim().is_empty() {
            break;
        }
        let lower = line.to_ascii_lowercase();
        if let Some(text) = lower.strip_prefix("range: bytes=") {
            range = text.trim().split_once('-').and_then(|(a, b)| {
                Some((a.parse::<u64>().ok()?, b.parse::<u64>().unwrap_or(u64::MAX)))
            });
        }
    }
    let mut words = first.split_whitespace();
    let (method, target) = (words.next().unwrap_or(""), words.next().unwrap_or("/"));
    let cors = if manners.cors {
        "Access-Control-Allow-Origin: *\r\nAccess-Control-Allow-Headers: *\r\n\
         Access-Control-Expose-Headers: Content-Range, Content-Length, Accept-Ranges, ETag\r\n"
    } else {
        ""
    };
    let mut refuse = |status: &str| {
        write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n{cors}\r\n")
    };
    if method == "OPTIONS" {
        return refuse("204 No Content");
    }
    let Some(path) = file_of(root, manners.prefix, target) else {
        return refuse("404 Not Found");
    };
    let mut file = std::fs::File::open(&path)?;
    let len = file.metadata()?.len();
    let asked = range.filter(|_| manners.ranges);
    let (status, from, end) = match asked {
        Some((from, _)) if from >= len => return refuse("416 Range Not Satisfiable"),
        Some((from, last)) => ("206 Partial Content", from, len.min(last.saturating_add(1))),
        None => ("200 OK", 0, len),
    };
    let mut head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n{cors}",
        mime_type(&path),
        end - from
    );
    if asked.is_some() {
        head += &format!("Content-Range: bytes {from}-{}/{len}\r\n", end - 1);
    }
    if manners.ranges {
        head += "Accept-Ranges: bytes\r\n";
    }
    write!(stream, "{head}\r\n")?;
    if method != "HEAD" {
        file.seek(SeekFrom::Start(from))?;
        std::io::copy(&mut file.take(end - from), &mut stream)?;
        if asked.is_none() {
            whole.fetch_add(1, Ordering::Relaxed);
        }
    }
    Ok(())
}

/// The file of an address below the prefix, if there is one.
fn file_of(root: &Path, prefix: &str, target: &str) -> Option<PathBuf> {
    let path = target.split(['?', '#']).next()?.strip_prefix(prefix)?;
    let path = Path::new(if path.is_empty() { "index.html" } else { path });
    let plain = path.components().all(|part| matches!(part, Component::Normal(_)));
    let file = root.join(path);
    (plain && file.is_file()).then_some(file)
}

fn mime_type(path: &Path) -> &'static str {
    match path.extension().and_then(|e| e.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript",
        Some("wasm") => "application/wasm",
        Some("css") => "text/css",
        Some("svg") => "image/svg+xml",
        Some("json") => "application/json",
        _ => "application/octet-stream",
    }
}
