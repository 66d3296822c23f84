//! A web server for tests, with the manners and the faults of real ones.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// How it tells what is in a folder.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Lists {
    WebDav,
    /// nginx's page, with all digits of the sizes.
    Nginx,
    /// Python's page, names alone.
    Python,
    /// Only the files that are there, `spyhop-files.json` perhaps.
    Nothing,
}

/// What it does wrong.
#[derive(Clone, Default)]
pub struct Faults {
    /// Requests for files that get this status first, however many.
    pub first: Option<(usize, u16)>,
    /// Requests that it never answers, at first.
    pub silent: usize,
    /// Sends files only whole.
    pub no_ranges: bool,
    /// Bytes after which the connection breaks, the first so many times.
    pub breaks: Option<(usize, usize)>,
}

pub struct TestServer {
    /// With a slash at its end.
    pub url: String,
    pub files: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    requests: Arc<AtomicUsize>,
}

impl TestServer {
    pub fn start(lists: Lists, faults: Faults, files: &[(&str, Vec<u8>)]) -> TestServer {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/", listener.local_addr().expect("an address"));
        let files: BTreeMap<String, Vec<u8>> =
            files.iter().map(|(path, bytes)| ((*path).to_owned(), bytes.clone())).collect();
        let files = Arc::new(Mutex::new(files));
        let requests = Arc::new(AtomicUsize::new(0));
        let shared = Arc::new((files.clone(), requests.clone(), AtomicUsize::new(0)));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (shared, faults) = (shared.clone(), faults.clone());
                std::thread::spawn(move || {
                    let (files, requests, bad) = &*shared;
                    let files = files.lock().expect("whole").clone();
                    answer(stream, lists, &faults, &files, requests, bad).ok()
                });
            }
        });
        TestServer { url, files, requests }
    }

    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }
}

fn answer(
    mut stream: TcpStream,
    lists: Lists,
    faults: &Faults,
    files: &BTreeMap<String, Vec<u8>>,
    requests: &AtomicUsize,
    bad: &AtomicUsize,
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
        if let Some(text) = line.to_ascii_lowercase().strip_prefix("range: bytes=") {
            range = text.trim().split_once('-').map(|(a, b)| {
                (a.parse::<usize>().unwrap_or(0), b.parse::<usize>().unwrap_or(usize::MAX))
            });
        }
    }
    requests.fetch_add(1, Ordering::Relaxed);
    let mut words = first.split_whitespace();
    let (method, target) = (words.next().unwrap_or(""), words.next().unwrap_or("/"));
    let path = percent_encoding::percent_decode_str(target.trim_start_matches('/'))
        .decode_utf8_lossy()
        .into_owned();
    let mut send = |status: &str, kind: &str, more: &str, body: &[u8], most: usize| {
        write!(
            stream,
            "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n{more}Connection: close\r\n\r\n",
            body.len()
        )?;
        if method != "HEAD" {
            stream.write_all(&body[..body.len().min(most)])?;
        }
        stream.flush()
    };
    let all = usize::MAX;
    if method == "PROPFIND" {
        return match lists {
            Lists::WebDav => {
                send("207 Multi-Status", "text/xml", "", webdav(&path, files).as_bytes(), all)
            }
            // As Python's server does.
            _ => send("501 Unsupported method", "text/html", "", b"", all),
        };
    }
    let is_folder = path.is_empty() || path.ends_with('/');
    if is_folder && files.keys().any(|f| f.starts_with(&path)) {
        return match lists {
            Lists::Nginx | Lists::Python => {
                send("200 OK", "text/html", "", page(&path, files, lists).as_bytes(), all)
            }
            _ => send("403 Forbidden", "text/html", "", b"no", all),
        };
    }
    let Some(bytes) = files.get(&path) else {
        return send("404 Not Found", "text/html", "", b"", all);
    };
    let count = bad.fetch_add(1, Ordering::Relaxed);
    if count < faults.silent {
        std::thread::sleep(std::time::Duration::from_secs(30));
        return Ok(());
    }
    if let Some((_, status)) = faults.first.filter(|(times, _)| count < *times) {
        return send(
            &format!("{status} Fault"),
            "text/html",
            "",
            b"<html>a page of words</html>",
            all,
        );
    }
    let most = faults.breaks.filter(|(times, _)| count < *times).map_or(all, |(_, bytes)| bytes);
    let tag = format!("ETag: \"{}\"\r\n", blake3::hash(bytes).to_hex());
    match range.filter(|_| !faults.no_ranges) {
        Some((from, _)) if from >= bytes.len() => {
            send("416 Range Not Satisfiable", "text/html", "", b"", all)
        }
        Some((from, last)) => {
            let end = bytes.len().min(last.saturating_add(1));
            let more = format!("{tag}Content-Range: bytes {from}-{}/{}\r\n", end - 1, bytes.len());
            send("206 Partial Content", "audio/wav", &more, &bytes[from..end], most)
        }
        None => send("200 OK", "audio/wav", &tag, bytes, most),
    }
}

/// Names directly in a folder, folders with a slash, and the length of files.
fn inside(folder: &str, files: &BTreeMap<String, Vec<u8>>) -> BTreeMap<String, Option<usize>> {
    let mut names = BTreeMap::new();
    for (path, bytes) in files {
        let Some(rest) = path.strip_prefix(folder) else { continue };
        match rest.split_once('/') {
            Some((below, _)) => names.insert(format!("{below}/"), None),
            None => names.insert(rest.to_owned(), Some(bytes.len())),
        };
    }
    names
}

fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC)
        .to_string()
        .replace("%2F", "/")
        .replace("%2E", ".")
}

fn page(folder: &str, files: &BTreeMap<String, Vec<u8>>, lists: Lists) -> String {
    let row = |(name, bytes): (String, Option<usize>)| match (lists, bytes) {
        (Lists::Nginx, Some(bytes)) => {
            format!("<a href=\"{}\">{name}</a>   01-Jun-2024 12:05   {bytes}\n", encoded(&name))
        }
        _ => format!("<li><a href=\"{}\">{name}</a></li>\n", encoded(&name)),
    };
    format!(
        "<html><pre>{}</pre></html>",
        inside(folder, files).into_iter().map(row).collect::<String>()
    )
}

fn webdav(folder: &str, files: &BTreeMap<String, Vec<u8>>) -> String {
    let folder = if folder.is_empty() || folder.ends_with('/') {
        folder.to_owned()
    } else {
        format!("{folder}/")
    };
    let one = |name: &str, bytes: Option<usize>| {
        let kind = if bytes.is_none() {
            "<D:resourcetype><D:collection/></D:resourcetype>"
        } else {
            "<D:resourcetype/>"
        };
        let len = bytes
            .map(|b| format!("<D:getcontentlength>{b}</D:getcontentlength>"))
            .unwrap_or_default();
        format!(
            "<D:response><D:href>/{}</D:href><D:propstat><D:prop>\
             <D:getlastmodified>Sat, 01 Jun 2024 12:05:00 GMT</D:getlastmodified>{len}{kind}</D:prop>\
             <D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>",
            encoded(&format!("{folder}{name}"))
        )
    };
    let below: String =
        inside(&folder, files).iter().map(|(name, bytes)| one(name, *bytes)).collect();
    format!(
        "<?xml version=\"1.0\"?><D:multistatus xmlns:D=\"DAV:\">{}{below}</D:multistatus>",
        one("", None)
    )
}
