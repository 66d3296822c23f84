//! Requests to an MLflow server, and what its refusals mean.
//! The API: <https://mlflow.org/docs/latest/api_reference/rest-api.html>.

use std::fs::File;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use ureq::Agent;

use super::telling::Trouble;

const CONNECT: Duration = Duration::from_secs(5);
const ANSWER: Duration = Duration::from_secs(30);
/// A network's weights over a slow line.
const SEND: Duration = Duration::from_secs(1800);
/// Of what a server says a person sees so much.
const MOST_SAID: usize = 300;
/// What stays as it is in a part of a path.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A server.
pub struct Server {
    address: String,
    agent: Agent,
    authorization: Option<String>,
}

impl Server {
    /// A server by its address; who asks stands in the environment.
    pub fn new(address: &str) -> Server {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_connect(Some(CONNECT))
            .timeout_recv_response(Some(ANSWER))
            .timeout_recv_body(Some(ANSWER))
            .timeout_send_body(Some(SEND))
            .user_agent(concat!("spyhop/", env!("CARGO_PKG_VERSION")))
            .build();
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let authorization = match variable("MLFLOW_TRACKING_TOKEN") {
            Some(token) => Some(format!("Bearer {token}")),
            None => variable("MLFLOW_TRACKING_USERNAME").map(|name| {
                let password = variable("MLFLOW_TRACKING_PASSWORD").unwrap_or_default();
                format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
            }),
        };
        Server { address: address.to_owned(), agent: config.into(), authorization }
    }

    /// Asks by what stands in the query.
    ///
    /// # Errors
    /// When the server can't be reached, or refuses.
    pub fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Value, Trouble> {
        let mut request = self.agent.get(self.url(path)).query_pairs(query.iter().copied());
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        self.answer(request.call())
    }

    /// Tells something.
    ///
    /// # Errors
    /// As [`Server::get`].
    pub fn post(&self, path: &str, body: &Value) -> Result<Value, Trouble> {
        let mut request = self.agent.post(self.url(path));
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        self.answer(request.send_json(body))
    }

    /// Gives a file to the server's own store, at a path below its root.
    ///
    /// # Errors
    /// As [`Server::get`].
    pub fn put(&self, path: &str, file: &File) -> Result<Value, Trouble> {
        let parts: Vec<String> =
            path.split('/').map(|part| utf8_percent_encode(part, PLAIN).to_string()).collect();
        let below = format!("api/2.0/mlflow-artifacts/artifacts/{}", parts.join("/"));
        let mut request = self
            .agent
            .put(format!("{}/{below}", self.address))
            .header("content-type", "application/octet-stream");
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        self.answer(request.send(file))
    }

    fn url(&self, path: &str) -> String {
        format!("{}/api/2.0/mlflow/{path}", self.address)
    }

    fn answer(
        &self,
        answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Result<Value, Trouble> {
        let server = || self.address.clone();
        let unreachable = |error: ureq::Error| Trouble::Unreachable {
            server: server(),
            reason: error.to_string(),
        };
        let mut answer = answer.map_err(unreachable)?;
        let status = answer.status().as_u16();
        let text = answer.body_mut().read_to_string().map_err(unreachable)?;
        let said: Option<Value> = match text.trim() {
            "" => Some(Value::Null),
            text => serde_json::from_str(text).ok(),
        };
        match (status, said) {
            (200..=299, Some(said)) => Ok(said),
            (401 | 403, _) => Err(Trouble::Forbidden { server: server() }),
            // It has no time now.
            (408 | 429, _) => Err(Trouble::Unreachable {
                server: server(),
                reason: format!("it is busy (status {status})"),
            }),
            (400..=499, Some(said)) if said.get("error_code").is_some() => {
                let word = |key: &str| said[key].as_str().unwrap_or_default().to_owned();
                let message = word("message").lines().next().unwrap_or_default().to_owned();
                let message = message.chars().take(MOST_SAID).collect();
                Err(Trouble::Refused { server: server(), code: word("error_code"), message })
            }
            // Somebody between this machine and the server, who finds a file too large, say. One who knows no
            // such place may know it later.
            (400..=499, _) if status != 404 => Err(Trouble::Refused {
                server: server(),
                code: status.to_string(),
                message: "whoever stands before the server does not let it pass".into(),
            }),
            _ => Err(Trouble::Unreachable {
                server: server(),
                reason: format!(
                    "it answers with status {status}, as no MLflow server that is well does"
                ),
            }),
        }
    }
}
