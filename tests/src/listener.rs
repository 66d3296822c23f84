//! The page's listener, the worker that detects in a tab, told what to do without the page.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::webdriver::Session;

/// Starts one, tells it one order and what rides along, and gives its last answer with the floats of that.
const TELL: &str = "
    const [order, files, samples] = arguments;
    const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    const objects = files.map((text) => new Blob([bytes(text)]));
    if (samples) objects.push(bytes(samples).buffer);
    const worker = new Worker(new URL('listener.js', document.baseURI), {type: 'module'});
    return new Promise((done) => {
        worker.onerror = (e) => done([{Panicked: {message: String(e.message)}}, []]);
        worker.onmessage = ({data: [text, ...buffers]}) => {
            const answer = JSON.parse(text);
            if (answer === 'Ready') return worker.postMessage([JSON.stringify(order), ...objects]);
            if (answer.Begun || answer.Found) return;
            worker.terminate();
            done([answer, buffers.map((buffer) => [...new Float32Array(buffer)])]);
        };
    });";

/// Tells a fresh listener of the page that is open an order, with the bytes of the files that have no
/// address and, where the order takes them, samples.
///
/// # Errors
/// When the browser is gone.
pub fn tell(
    session: &mut Session,
    order: &Value,
    files: &[Vec<u8>],
    samples: Option<&[f32]>,
) -> anyhow::Result<(Value, Vec<Vec<f32>>)> {
    let files: Vec<String> = files.iter().map(|bytes| BASE64_STANDARD.encode(bytes)).collect();
    let samples = samples.map(|samples| {
        let bytes: Vec<u8> = samples.iter().flat_map(|x| x.to_le_bytes()).collect();
        BASE64_STANDARD.encode(bytes)
    });
    let answer = session.execute(TELL, json!([order, files, samples]))?;
    Ok(serde_json::from_value(answer)?)
}
