//! Sound through an `AudioWorklet`.

use std::rc::Rc;

use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{AudioContext, AudioNode, AudioWorkletNode, MessageEvent, MessagePort};

use super::Event;

/// A node that plays what a worker renders.
pub struct Worklet {
    node: AudioWorkletNode,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
}

impl Worklet {
    /// Starts a node that asks the worker behind `port`; `None` where there is no worklet.
    pub async fn start(
        context: &AudioContext,
        exit: &AudioNode,
        port: &MessagePort,
        hears: Rc<dyn Fn(Event)>,
    ) -> Option<Worklet> {
        // Absent without a secure context, which the bindings do not know.
        let worklet = js_sys::Reflect::get(context, &"audioWorklet".into()).ok()?;
        let worklet: web_sys::AudioWorklet =
            worklet.is_object().then_some(worklet)?.unchecked_into();
        // Loading a module that is loaded does nothing.
        let base = gloo::utils::document().base_uri().ok().flatten()?;
        let script = web_sys::Url::new_with_base("playback.js", &base).ok()?;
        JsFuture::from(worklet.add_module(&script.href()).ok()?).await.ok()?;
        let node = AudioWorkletNode::new(context, "spyhop-playback").ok()?;
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            if let Some(event) = read(&event.data()) {
                hears(event);
            }
        });
        let control = node.port().ok()?;
        control.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        control.post_message_with_transferable(port, &js_sys::Array::of1(port)).ok()?;
        node.connect_with_audio_node(exit).ok()?;
        Some(Worklet { node, _on_message: on_message })
    }

    /// Fades out and ends.
    pub fn stop(&self) {
        if let Ok(control) = self.node.port() {
            control.set_onmessage(None);
            let _ = control.post_message(&"stop".into());
        }
    }
}

/// What the worklet, or the worker through it, says.
fn read(data: &JsValue) -> Option<Event> {
    let said = data.dyn_ref::<js_sys::Array>()?;
    let number = |i| said.get(i).as_f64();
    Some(match said.get(0).as_string()?.as_str() {
        "at" => Event::At {
            time_s: number(1)?,
            stretches: js_sys::Float64Array::new(&said.get(2)).to_vec(),
        },
        "heard" => Event::Heard(js_sys::Float32Array::new(&said.get(1)).to_vec()),
        "gain" => Event::Gain(number(1)?),
        "ended" => Event::Ended,
        "failed" => Event::Failed(said.get(1).as_string()?),
        _ => return None,
    })
}
