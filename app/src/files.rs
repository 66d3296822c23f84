//! Files from a drop, a picker or a folder, and files that the page gives back.

use js_sys::{Array, Function, Promise};
use leptos::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::wasm_bindgen::JsCast;
use web_sys::wasm_bindgen::closure::Closure;
use web_sys::{
    DataTransfer, File, FileList, FileSystemDirectoryEntry, FileSystemEntry, FileSystemFileEntry,
    HtmlElement, HtmlInputElement,
};

/// More files than this of one drop are not looked at.
const MOST_FILES: usize = 20_000;

/// Files of a list, in order.
pub fn of_list(list: Option<FileList>) -> Vec<File> {
    let Some(list) = list else { return Vec::new() };
    (0..list.length()).filter_map(|i| list.get(i)).collect()
}

/// Everything that was dropped, folders opened. The entries are taken at once (a browser forgets
/// them after the event); the files come later.
pub fn dropped(transfer: &DataTransfer) -> impl Future<Output = Vec<File>> + use<> {
    let items = transfer.items();
    let entries: Vec<FileSystemEntry> = (0..items.length())
        .filter_map(|i| items.get(i)?.webkit_get_as_entry().ok().flatten())
        .collect();
    let plain = of_list(transfer.files());
    async move {
        if entries.iter().all(FileSystemEntry::is_file) {
            return plain;
        }
        let mut files = Vec::new();
        let mut todo = entries;
        todo.reverse();
        while let Some(entry) = todo.pop() {
            if files.len() >= MOST_FILES {
                break;
            }
            if entry.is_file() {
                files.extend(file_of(entry.unchecked_ref()).await);
            } else {
                let mut inside = entries_of(entry.unchecked_ref()).await;
                inside.reverse();
                todo.extend(inside);
            }
        }
        files
    }
}

/// Asks a person for files (or a folder) and hands them on.
pub fn pick(folder: bool, accept: &str, then: impl Fn(Vec<File>) + 'static) {
    let Ok(input) = document().create_element("input") else { return };
    let input: HtmlInputElement = input.unchecked_into();
    input.set_type("file");
    input.set_multiple(true);
    if folder {
        // The attribute that every browser knows a folder picker by.
        let _ = input.set_attribute("webkitdirectory", "");
    }
    if !accept.is_empty() {
        input.set_accept(accept);
    }
    let chosen = input.clone();
    let on_change = Closure::once_into_js(move || then(of_list(chosen.files())));
    input.set_onchange(Some(on_change.unchecked_ref::<Function>()));
    input.click();
}

/// Gives a person a file to keep.
pub fn save(name: &str, kind: &str, bytes: &[u8]) {
    let parts = Array::of1(&js_sys::Uint8Array::from(bytes));
    let options = web_sys::BlobPropertyBag::new();
    options.set_type(kind);
    let blob = web_sys::Blob::new_with_u8_array_sequence_and_options(&parts, &options);
    if let Ok(blob) = blob {
        save_blob(name, &blob);
    }
}

/// Gives a person what the browser holds, which may be more than fits into the page's memory.
pub fn save_blob(name: &str, blob: &web_sys::Blob) {
    let Ok(url) = web_sys::Url::create_object_url_with_blob(blob) else { return };
    save_url(name, &url);
    gloo::timers::callback::Timeout::new(10_000, move || {
        let _ = web_sys::Url::revoke_object_url(&url);
    })
    .forget();
}

/// Gives a person what stands at an address of this page's own.
pub fn save_url(name: &str, url: &str) {
    if let Ok(anchor) = document().create_element("a") {
        let anchor: HtmlElement = anchor.unchecked_into();
        // An element takes any attribute.
        let _ = anchor.set_attribute("href", url);
        let _ = anchor.set_attribute("download", name);
        anchor.click();
    }
}

async fn file_of(entry: &FileSystemFileEntry) -> Option<File> {
    let entry = entry.clone();
    let promise = Promise::new(&mut |resolve, reject| {
        entry.file_with_callback_and_callback(&resolve, &reject);
    });
    JsFuture::from(promise).await.ok()?.dyn_into().ok()
}

/// What is in a folder, by name. A reader gives a hundred entries at a time, none at the end.
async fn entries_of(folder: &FileSystemDirectoryEntry) -> Vec<FileSystemEntry> {
    let reader = folder.create_reader();
    let mut entries: Vec<FileSystemEntry> = Vec::new();
    loop {
        let promise = Promise::new(&mut |resolve, reject| {
            // A refusal arrives through `reject`.
            let _ = reader.read_entries_with_callback_and_callback(&resolve, &reject);
        });
        let Ok(some) = JsFuture::from(promise).await else { break };
        let some = Array::from(&some);
        if some.length() == 0 || entries.len() >= MOST_FILES {
            break;
        }
        entries.extend(some.iter().map(JsCast::unchecked_into::<FileSystemEntry>));
    }
    entries.sort_by_key(FileSystemEntry::name);
    entries
}
