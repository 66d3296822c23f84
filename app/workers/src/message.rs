//! What page and workers say to each other: a line of JSON, and objects that change hands beside it.

use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::*;

/// A message: its text, and the objects (files, buffers, ports) that ride along.
pub struct Message {
    /// JSON.
    pub text: String,
    /// Files, buffers, ports.
    pub objects: Vec<JsValue>,
}

impl Message {
    /// A message without objects.
    pub fn new(content: &impl Serialize) -> Message {
        Message::with(content, Vec::new())
    }

    /// A message with objects.
    pub fn with(content: &impl Serialize, objects: Vec<JsValue>) -> Message {
        // These types hold no maps with keys other than strings: they can always be written.
        Message { text: serde_json::to_string(content).unwrap_or_default(), objects }
    }

    /// As JavaScript sees it: an array, the text first.
    pub fn to_js(&self) -> js_sys::Array {
        let array = js_sys::Array::of1(&self.text.as_str().into());
        for object in &self.objects {
            array.push(object);
        }
        array
    }

    /// What of it changes hands instead of being copied.
    pub fn transfer(&self) -> js_sys::Array {
        self.objects
            .iter()
            .filter(|o| {
                o.is_instance_of::<js_sys::ArrayBuffer>()
                    || o.is_instance_of::<web_sys::MessagePort>()
            })
            .collect()
    }

    /// Reads what [`Message::to_js`] made.
    pub fn from_js(value: &JsValue) -> Option<Message> {
        let array = value.dyn_ref::<js_sys::Array>()?;
        let text = array.get(0).as_string()?;
        Some(Message { text, objects: array.iter().skip(1).collect() })
    }

    /// The same message once more; buffers that changed hands are not in it.
    pub fn again(&self) -> Message {
        Message { text: self.text.clone(), objects: self.objects.clone() }
    }

    /// The content.
    pub fn read<T: for<'de> Deserialize<'de>>(&self) -> Option<T> {
        serde_json::from_str(&self.text).ok()
    }

    /// Takes the `index`-th object as floats.
    pub fn floats(&self, index: usize) -> Vec<f32> {
        match self.objects.get(index) {
            Some(buffer) if buffer.is_instance_of::<js_sys::ArrayBuffer>() => {
                js_sys::Float32Array::new(buffer).to_vec()
            }
            _ => Vec::new(),
        }
    }
}

/// Floats as a buffer that can change hands.
pub fn float_buffer(values: &[f32]) -> JsValue {
    js_sys::Float32Array::from(values).buffer().into()
}
