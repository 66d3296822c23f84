//! Memory of the process that a tab runs in, from the system's own books.

use std::path::Path;

/// Largest resident size that any tab of a browser has had so far, bytes.
///
/// `driver` is the process that started the browser.
pub fn peak_bytes(driver: u32) -> u64 {
    let renderers =
        processes().into_iter().filter(|pid| is_renderer(*pid) && descends(*pid, driver));
    renderers.filter_map(|pid| status(pid, "VmHWM:")).max().unwrap_or(0) * 1024
}

fn processes() -> Vec<u32> {
    let Ok(list) = Path::new("/proc").read_dir() else { return Vec::new() };
    list.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

fn is_renderer(pid: u32) -> bool {
    std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| {
        line.split(|b| *b == 0 || *b == b' ').any(|arg| arg == b"--type=renderer")
    })
}

fn descends(mut pid: u32, from: u32) -> bool {
    while pid > 1 {
        if pid == from {
            return true;
        }
        pid = status(pid, "PPid:").unwrap_or(0) as u32;
    }
    false
}

fn status(pid: u32, key: &str) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    text.lines().find_map(|line| line.strip_prefix(key))?.split_whitespace().next()?.parse().ok()
}
