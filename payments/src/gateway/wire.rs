//! One question to the gateway, and what its answer means: done, refused, later, or nobody knows.

use reqwest::{Client, Response};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;

use super::GatewayError;
use super::pace::Pace;

/// Bytes of an answer; the longest are a kilobyte.
const LIMIT: usize = 1 << 20;
/// Codes that say that it is a matter of time, whatever their status.
const TEMPORARY: [&str; 6] = [
    "RATE_LIMIT_EXCEEDED",
    "PAYMENT_REQUEST_RATE_LIMITED",
    "CHANNEL_UNAVAILABLE",
    "ISSUER_UNAVAILABLE",
    "TEMPORARILY_UNAVAILABLE",
    "REFUND_IN_PROGRESS",
];

pub(super) struct Wire {
    client: Client,
    base: String,
    key: SecretString,
    pace: Pace,
}

/// What is asked.
pub(super) struct Ask<'a> {
    /// As an infinitive: names the endpoint too.
    pub doing: &'static str,
    pub path: String,
    pub version: Option<&'static str>,
    /// Sent by POST; without it the question is a GET.
    pub body: Option<&'a Value>,
}

#[derive(Deserialize)]
struct Told {
    error_code: String,
}

impl Wire {
    pub(super) fn new(client: Client, base: &str, key: SecretString) -> Self {
        Self { client, base: base.trim_end_matches('/').to_owned(), key, pace: Pace::default() }
    }

    pub(super) async fn ask(&self, ask: Ask<'_>) -> Result<Value, GatewayError> {
        let doing = ask.doing;
        if let Some(wait) = self.pace.wait(doing) {
            return Err(GatewayError::TryLater { doing, code: "RATE_LIMIT_EXCEEDED".to_owned(), wait: Some(wait) });
        }
        let answered = self.send(&ask).await;
        let status = answered.as_ref().map_or_else(|_| "none".to_owned(), |response| response.status().as_u16().to_string());
        metrics::counter!("payment_gateway_requests_total", "doing" => doing, "status" => status).increment(1);
        let response = answered.map_err(|error| unanswered(doing, error))?;
        let status = response.status().as_u16();
        let wait = self.pace.learn(doing, response.headers(), status == 429);
        let bytes = read(response).await;
        match status {
            200..=299 => {
                let bytes = bytes.map_err(|source| GatewayError::MayHaveHappened { doing, source })?;
                serde_json::from_slice(&bytes).map_err(|error| GatewayError::MayHaveHappened { doing, source: error.into() })
            }
            _ => Err(refusal(doing, status, &bytes.unwrap_or_default(), wait)),
        }
    }

    async fn send(&self, ask: &Ask<'_>) -> Result<Response, reqwest::Error> {
        let url = format!("{}{}", self.base, ask.path);
        let request = match ask.body {
            None => self.client.get(url),
            Some(body) => self.client.post(url).header("content-type", "application/json").body(body.to_string()),
        };
        let request = request.basic_auth(self.key.expose_secret(), Some(""));
        let request = ask.version.into_iter().fold(request, |request, version| request.header("api-version", version));
        request.send().await
    }
}

async fn read(mut response: Response) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(reqwest::Error::without_url)? {
        if bytes.len() + chunk.len() > LIMIT {
            return Err(format!("the answer has more than {LIMIT} bytes").into());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// A connection that was never made has asked for nothing.
fn unanswered(doing: &'static str, error: reqwest::Error) -> GatewayError {
    let error = error.without_url();
    if error.is_connect() || error.is_builder() {
        return GatewayError::TryLater { doing, code: format!("NOT_REACHED ({})", domain::chain(&error)), wait: None };
    }
    GatewayError::MayHaveHappened { doing, source: error.into() }
}

/// A refusal is sure only if the gateway says so in its own words; a 5xx of something in between says nothing of what is behind it.
fn refusal(doing: &'static str, status: u16, bytes: &[u8], wait: Option<std::time::Duration>) -> GatewayError {
    let code = serde_json::from_slice::<Told>(bytes).ok().map(|told| told.error_code);
    match (status, code) {
        (429, code) => GatewayError::TryLater { doing, code: code.unwrap_or_else(|| "RATE_LIMIT_EXCEEDED".to_owned()), wait },
        (_, Some(code)) if TEMPORARY.contains(&code.as_str()) => GatewayError::TryLater { doing, code, wait },
        (400..=499, code) => GatewayError::Refused { doing, status, code: code.unwrap_or_else(|| format!("HTTP_{status}")) },
        (_, code) => {
            let told = code.map(|code| format!(": {code}")).unwrap_or_default();
            GatewayError::MayHaveHappened { doing, source: format!("it answered {status}{told}").into() }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_gateways_own_word_is_sure() {
        let told = |status, body: &str| match refusal("make a code", status, body.as_bytes(), None) {
            GatewayError::Refused { code, .. } => format!("refused {code}"),
            GatewayError::TryLater { code, .. } => format!("later {code}"),
            GatewayError::MayHaveHappened { source, .. } => source.to_string(),
            other => other.to_string(),
        };
        let named = |code: &str| format!(r#"{{"error_code": "{code}", "message": "..."}}"#);
        assert_eq!(told(400, &named("API_VALIDATION_ERROR")), "refused API_VALIDATION_ERROR");
        assert_eq!(told(400, &named("PAYMENT_REQUEST_RATE_LIMITED")), "later PAYMENT_REQUEST_RATE_LIMITED", "a limit as a 400");
        assert_eq!(told(429, ""), "later RATE_LIMIT_EXCEEDED");
        assert_eq!(told(503, &named("CHANNEL_UNAVAILABLE")), "later CHANNEL_UNAVAILABLE");
        assert_eq!(told(503, "<html>"), "it answered 503", "of something in between");
        assert_eq!(told(500, &named("SERVER_ERROR")), "it answered 500: SERVER_ERROR");
        assert_eq!(told(409, &named("DATA_NOT_FOUND")), "refused DATA_NOT_FOUND", "the documents' duplicate");
        assert_eq!(told(403, "<html>"), "refused HTTP_403");
        assert_eq!(told(302, ""), "it answered 302");
    }
}
